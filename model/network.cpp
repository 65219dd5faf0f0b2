#include "model/network.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/random.h"
#include "engine/tape.h"
#include "model/layer_reader.h"
#include "model/prenet.h"
#include "model/recorded_network.h"
#include "model/sapnet.h"

namespace sapnet::model {

void check_input(const Network& network, const engine::Tensor& rainy, int stages) {
  if (!rainy || rainy.shape().c != 3)
    throw Error("a network derains tensors of shape (n, h, w, 3), not " + engine::to_string(rainy.shape()));
  if (stages < 1) throw Error("the number of stages must be at least 1, not " + std::to_string(stages));
  if (rainy.device() != engine::Device::kCpu) return;
  const bool trains = engine::Tape::current() != nullptr;
  const std::size_t kept = trains ? static_cast<std::size_t>(stages) * network.memory_kept(rainy.shape()) : 0;
  const std::size_t needed = network.memory(rainy.shape()) + kept;
  const std::size_t available = engine::available_memory(engine::Device::kCpu);
  if (needed > available)
    throw Error("an input of shape " + engine::to_string(rainy.shape()) + " needs about " +
                engine::mebibytes(needed) + " of memory, and " + engine::mebibytes(available) +
                " are free; " +
                (trains ? "take fewer or smaller patches, or fewer stages" : "make the picture smaller") +
                ", or end other programs");
}

std::size_t recurrent_memory(const engine::Shape& rainy, std::int64_t channels, engine::DType maps) {
  const auto pixels = static_cast<std::size_t>(rainy.n * rainy.h * rainy.w);
  const std::size_t state_and_maps = static_cast<std::size_t>(channels) * (sizeof(float) + 3 * size_of(maps));
  return pixels * (state_and_maps + static_cast<std::size_t>(rainy.c) * sizeof(float));
}

std::size_t recurrent_memory_kept(const engine::Shape& rainy, std::int64_t channels, engine::DType maps) {
  const auto pixels = static_cast<std::size_t>(rainy.n * rainy.h * rainy.w);
  constexpr std::size_t kMaps = 1 + 4 + 1 + 5 * 3;
  const std::size_t state = sizeof(float);  // the cell's
  return pixels * (static_cast<std::size_t>(channels) * (kMaps * size_of(maps) + state) +
                   static_cast<std::size_t>(rainy.c) * sizeof(float));
}

namespace {

enum class Kind { kSapnet, kPrenet };

Kind kind_of(const engine::Parameters& parameters) {
  // A unit's second convolution follows an attention and a ReLU in SAPNet, only a ReLU in PReNet.
  if (parameters.contains("res_conv1.3.weight")) return Kind::kSapnet;
  if (parameters.contains("res_conv1.2.weight")) return Kind::kPrenet;
  throw Error(
      parameters.source() +
      ": is not a SAPNet or PReNet (it has neither tensor 'res_conv1.3.weight' nor 'res_conv1.2.weight')");
}

std::unique_ptr<Network> build(Kind kind, const LayerReader& reader) {
  if (kind == Kind::kSapnet) return std::make_unique<Sapnet>(reader);
  return std::make_unique<Prenet>(reader);
}

/// Number `parameter` of a network: numbers from -limit to limit.
std::vector<float> draw(std::uint64_t seed, std::uint32_t parameter, std::size_t count, double limit) {
  const std::array key = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  constexpr std::uint32_t kWeights = 0xffffffff;  // what is drawn of data counts up from 0 there
  std::vector<float> values;
  for (std::size_t k = 0; k < count; ++k) {
    const auto bits = engine::philox4x32({static_cast<std::uint32_t>(k / 4), parameter, kWeights, 0}, key);
    values.push_back(static_cast<float>(limit) * (2 * engine::uniform(bits[k % 4]) - 1));
  }
  return values;
}

}  // namespace

engine::Parameters draw_parameters(std::string_view network, std::uint64_t seed) {
  const auto found = std::ranges::find(kNetworks, network);
  if (found == kNetworks.end()) throw Error("there is no network '" + std::string(network) + "'");
  engine::Parameters drawn("new " + std::string(network));
  double limit = 0;  // a bias has its convolution's, whose weights are asked for just before it
  const auto draw_next = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    if (shape.size() > 1) limit = 1 / std::sqrt(static_cast<double>(count / shape[0]));
    const auto number = static_cast<std::uint32_t>(drawn.all().size());
    engine::Parameters parameter(drawn.source());
    parameter.add({name, shape, draw(seed, number, static_cast<std::size_t>(count), limit)});
    drawn.add(parameter.all().front());
    return engine::ParameterTensors(std::move(parameter), engine::Device::kCpu).get(name, shape);
  };
  build(found == kNetworks.begin() ? Kind::kSapnet : Kind::kPrenet, LayerReader(draw_next, {}));
  return drawn;
}

std::unique_ptr<Network> make_network(const engine::Parameters& parameters,
                                      const engine::Execution& execution) {
  kind_of(parameters);  // before all else, since nothing else can be said of a file of no network
  return make_network(engine::ParameterTensors(parameters, execution.device), execution);
}

std::unique_ptr<Network> make_network(const engine::ParameterTensors& parameters,
                                      const engine::Execution& execution) {
  const LayerReader reader(parameters, execution);
  std::unique_ptr<Network> network = build(kind_of(parameters.initial()), reader);
  if (execution.device == engine::Device::kCpu) return network;
  return std::make_unique<RecordedNetwork>(std::move(network));
}

}  // namespace sapnet::model
