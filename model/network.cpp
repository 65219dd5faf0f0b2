#include "model/network.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/tape.h"
#include "model/cuda_graph_network.h"
#include "model/init.h"
#include "model/layer_builder.h"
#include "model/prenet.h"
#include "model/sapnet.h"

namespace sapnet::model {

void check_input(const Network& network, const engine::Tensor& rainy, int stages) {
  if (!rainy || rainy.shape().c != 3)
    throw Error("the input must have shape (n, h, w, 3), not " + engine::to_string(rainy.shape()));
  if (stages < 1) throw Error("the number of stages must be at least 1, not " + std::to_string(stages));
  if (rainy.device() != engine::Device::kCpu) return;
  const bool trains = engine::Tape::current() != nullptr;
  const std::size_t kept =
      trains ? static_cast<std::size_t>(stages) * network.training_bytes_per_stage(rainy.shape()) : 0;
  const std::size_t needed = network.forward_bytes(rainy.shape()) + kept;
  const std::size_t available = engine::available_memory(engine::Device::kCpu);
  if (needed > available)
    throw Error("an input of shape " + engine::to_string(rainy.shape()) + " needs about " +
                engine::mebibytes(needed) + " of memory, but only " + engine::mebibytes(available) +
                " are free; " +
                (trains ? "use fewer or smaller patches, or fewer stages" : "use a smaller image") +
                ", or close other programs");
}

namespace {

std::unique_ptr<Network> build(std::string_view name, const LayerBuilder& builder,
                               const SapnetOptions& options) {
  if (name == kPrenet) return std::make_unique<Prenet>(builder);
  const PrenetBlocks undilated;
  const auto& dilations = options.dilation ? kSapnetDilations : undilated.dilations;
  if (options.attention) return std::make_unique<Sapnet>(builder, dilations);
  return std::make_unique<Prenet>(builder, PrenetBlocks{kSapnet, ".3", dilations});
}

}  // namespace

NetworkKind identify_network(const engine::Parameters& parameters) {
  // The second convolution of a unit follows attention and ReLU in SAPNet, only a ReLU in PReNet.
  if (parameters.contains("res_conv1.3.weight"))
    return {kSapnet, parameters.contains("res_conv1.1.conv_1_1.weight")};
  if (parameters.contains("res_conv1.2.weight")) return {kPrenet};
  throw Error(
      parameters.source() +
      ": is not a SAPNet or PReNet (it has neither tensor 'res_conv1.3.weight' nor 'res_conv1.2.weight')");
}

engine::Parameters init_parameters(std::string_view network, std::uint64_t seed,
                                   const SapnetOptions& options) {
  const auto found = std::ranges::find(kNetworks, network);
  if (found == kNetworks.end()) throw Error("unknown network '" + std::string(network) + "'");
  engine::Parameters drawn("new " + std::string(network));
  double limit = 0;  // a bias uses the limit of its convolution's weight, which is requested just before it
  const auto draw_next = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    if (shape.size() > 1) limit = 1 / std::sqrt(static_cast<double>(count / shape[0]));
    const auto number = static_cast<std::uint32_t>(drawn.all().size());
    drawn.add({name, shape, init_uniform(seed, number, static_cast<std::size_t>(count), limit)});
    return engine::to_tensor(drawn.all().back(), engine::Device::kCpu);
  };
  build(network, LayerBuilder(draw_next, {}), options);
  return drawn;
}

std::unique_ptr<Network> make_network(const engine::Parameters& parameters,
                                      const engine::Execution& execution, bool dilation) {
  identify_network(parameters);  // first, for a clear error if the file is no network at all
  return make_network(engine::ParameterTensors(parameters, execution.device), execution, dilation);
}

std::unique_ptr<Network> make_network(const engine::ParameterTensors& parameters,
                                      const engine::Execution& execution, bool dilation) {
  const LayerBuilder builder(parameters, execution);
  const NetworkKind known = identify_network(parameters.initial());
  std::unique_ptr<Network> network =
      build(known.name, builder, {.attention = known.attention, .dilation = dilation});
  if (execution.device == engine::Device::kCpu) return network;
  return std::make_unique<CudaGraphNetwork>(std::move(network));
}

}  // namespace sapnet::model
