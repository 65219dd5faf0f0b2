// Whole networks, against PyTorch and against themselves.
#include "model/network.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"
#include "tests/kernels/close.h"

namespace sapnet::tests {
namespace {

using Catch::Contains;
using engine::Device;
using engine::Parameters;
using engine::Tensor;
using model::kStages;

struct Golden {
  explicit Golden(const std::string& file)
      : weights(without(read_golden(file, ""), "golden.")), maps(read_golden(file, "golden.")) {}

  Tensor input() const { return to_tensor(find(maps, "golden.input")); }
  const std::vector<float>& output(int stage) const {
    return find(maps, "golden.stage" + std::to_string(stage)).values;
  }

  Parameters weights, maps;
};

std::unique_ptr<model::Network> network(const Parameters& weights, bool strict) {
  return model::make_network(weights, {.device = Device::kCpu, .strict = strict});
}

/// The tolerance of an fp32 network: 5 standard deviations of the accumulated rounding errors of its
/// convolutions.
///
/// A direct sum of K terms is off by 0.2·ε·√K of its own size (see sum_tolerance); the longest here has 576 +
/// 1. A Winograd sum has at most 64 channels and 20 roundings of the transforms, and is amplified 10.8-fold,
/// averaged over a tile. Relative errors neither grow nor shrink from layer to layer, since a layer
/// transforms the error as it does the signal (σ and tanh flatten, ReLU and residuals pass it on), and errors
/// of different layers are independent: √(13 layers · stages). The last layer's output is added to the input,
/// so its size is the scale; the addition itself rounds once.
double network_tolerance(const std::vector<float>& input, const std::vector<float>& output, int stages,
                         bool strict) {
  constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
  double squares = 0, limit = 0;
  for (std::size_t k = 0; k < input.size(); ++k) {
    squares += std::pow(static_cast<double>(output[k]) - static_cast<double>(input[k]), 2);
    limit = std::max(limit, std::abs(static_cast<double>(output[k])));
  }
  const double added = std::sqrt(squares / static_cast<double>(input.size()));
  const double layer = 0.2 * kEpsilon * (strict ? std::sqrt(577.0) : kWinogradMean * std::sqrt(84.0));
  return 5 * layer * std::sqrt(13.0 * stages) * added + kEpsilon * limit;
}

void check_output(const std::string& what, const Tensor& actual, const std::vector<float>& expected,
                  double tolerance) {
  const engine::Shape& shape = actual.shape();
  check_close(what, {shape.n, shape.h, shape.w, shape.c}, to_vector(actual), to_doubles(expected),
              std::vector<double>(expected.size(), tolerance));
}

Tensor noise(const engine::Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.count()));
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) * 0x1p-24F;
  }
  return engine::from_host(values, shape, Device::kCpu);
}

TEST_CASE("A network agrees with PyTorch after every stage", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const bool strict = GENERATE(false, true);
  const Golden golden(file);
  const auto derainer = network(golden.weights, strict);
  CHECK(derainer->name() == (file == "sapnet.safetensors" ? "SAPNet" : "PReNet"));
  const Tensor input = golden.input();
  for (int stages = 1; stages <= kStages; ++stages) {
    const std::vector<float>& expected = golden.output(stages);
    check_output(file + (strict ? ", strict, stages: " : ", fast, stages: ") + std::to_string(stages),
                 derainer->forward(input, stages), expected,
                 network_tolerance(to_vector(input), expected, stages, strict));
  }
}

TEST_CASE("A batch gives each image the same bits as alone", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const bool strict = GENERATE(false, true);
  const Golden golden(file);
  const auto derainer = network(golden.weights, strict);
  const std::vector<float> both = to_vector(golden.input());
  engine::Shape single = golden.input().shape();
  REQUIRE(single.n == 2);
  single.n = 1;
  const auto half = static_cast<std::size_t>(single.count());
  const std::vector<float> together = to_vector(derainer->forward(golden.input(), kStages));
  for (std::size_t image = 0; image < 2; ++image) {
    const Tensor alone = engine::from_host(std::span(both).subspan(image * half, half), single, Device::kCpu);
    check_same_bits(file + ", image " + std::to_string(image), to_vector(derainer->forward(alone, kStages)),
                    std::span(together).subspan(image * half, half));
  }
}

TEST_CASE("The number of threads changes no bit", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const bool strict = GENERATE(false, true);
  const Golden golden(file);
  const auto derainer = network(golden.weights, strict);
  const int before = engine::threads();
  engine::set_threads(1);
  const std::vector<float> expected = to_vector(derainer->forward(golden.input(), kStages));
  for (const int threads : {2, 3, 8}) {
    engine::set_threads(threads);
    check_same_bits(file + ", threads: " + std::to_string(threads),
                    to_vector(derainer->forward(golden.input(), kStages)), expected);
  }
  engine::set_threads(before);
}

TEST_CASE("Two threads may use one network", "[network]") {
  const Golden golden("sapnet.safetensors");
  const auto derainer = network(golden.weights, false);
  const std::vector<float> expected = to_vector(derainer->forward(golden.input(), kStages));
  std::vector<float> first, second;
  {
    std::jthread other([&] { first = to_vector(derainer->forward(golden.input(), kStages)); });
    second = to_vector(derainer->forward(golden.input(), kStages));
  }
  check_same_bits("beside another", first, expected);
  check_same_bits("beside another", second, expected);
}

TEST_CASE("Fast and strict agree on images of any shape", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const Golden golden(file);
  const auto fast = network(golden.weights, false), strict = network(golden.weights, true);
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {7, 1}, {3, 200}, {40, 5}, {33, 33}}) {
    const Tensor input = noise({1, height, width, 3});
    const std::vector<float> expected = to_vector(strict->forward(input, kStages));
    const double tolerance = network_tolerance(to_vector(input), expected, kStages, false) +
                             network_tolerance(to_vector(input), expected, kStages, true);
    check_output(file + ", " + std::to_string(height) + " rows, " + std::to_string(width) + " columns",
                 fast->forward(input, kStages), expected, tolerance);
  }
}

TEST_CASE("A forward pass allocates the predicted memory", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const auto derainer = network(Golden(file).weights, false);
  for (const engine::Shape& shape : {engine::Shape{1, 96, 128, 3}, {3, 40, 56, 3}, {1, 300, 20, 3}}) {
    INFO(file << ", " << engine::to_string(shape));
    const Tensor input = noise(shape);
    engine::release_pool(Device::kCpu);
    engine::reset_peak(Device::kCpu);
    const std::size_t before = engine::memory_report(Device::kCpu).in_use;
    derainer->forward(input, 3);  // the first stage has no state yet; more stages need no more memory
    CHECK(engine::memory_report(Device::kCpu).in_use == before);
    const auto taken = static_cast<double>(engine::memory_report(Device::kCpu).peak - before);
    const auto predicted = static_cast<double>(derainer->forward_bytes(shape));
    // Four maps; one more would be a quarter. Blocks are multiples of 64 bytes, and a block for an image may
    // be reused for slightly smaller sums.
    CHECK(taken == Approx(predicted).epsilon(0.005));
  }
}

TEST_CASE("A forward pass without enough memory is refused before allocating", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const auto derainer = network(Golden(file).weights, false);
  const std::size_t row = derainer->forward_bytes({1, 1, 10'000, 3});
  const auto rows = static_cast<std::int64_t>(engine::available_memory(Device::kCpu) / row);
  // Never touched, so it uses no physical memory.
  const Tensor input({1, rows + rows / 10 + 1, 10'000, 3}, Device::kCpu);
  engine::reset_peak(Device::kCpu);
  const std::size_t before = engine::memory_report(Device::kCpu).in_use;
  CHECK_THROWS_WITH(
      derainer->forward(input, kStages),
      Contains("an input of shape " + engine::to_string(input.shape()) + " needs about " +
               engine::mebibytes(derainer->forward_bytes(input.shape())) + " of memory, but only ") &&
          Contains(" MiB are free; use a smaller image"));
  CHECK(engine::memory_report(Device::kCpu).peak == before);
}

TEST_CASE("A network reports a missing tensor", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const Golden golden(file);
  for (const engine::Parameter& parameter : golden.weights.all())
    CHECK_THROWS_WITH(network(without(golden.weights, parameter.name), true), Contains(file));
  CHECK_THROWS_WITH(network(without(golden.weights, "conv_f.0.bias"), true),
                    Contains("tensor 'conv_f.0.bias' is missing"));
  CHECK_THROWS_WITH(network(without(golden.weights, "res_conv"), true),
                    Contains("is not a SAPNet or PReNet"));
}

TEST_CASE("A network reports an unexpected tensor", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  Parameters weights = Golden(file).weights;
  weights.add({"res_conv6.0.bias", {1}, {0}});
  CHECK_THROWS_WITH(network(weights, true),
                    Contains("tensor 'res_conv6.0.bias' is not part of this network") && Contains(file));
}

TEST_CASE("A network reports a tensor of the wrong shape", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const Golden golden(file);
  for (const engine::Parameter& parameter : golden.weights.all()) {
    Parameters weights = without(golden.weights, parameter.name);
    engine::Parameter turned = parameter;
    turned.shape.push_back(1);  // the same number of values
    weights.add(turned);
    CHECK_THROWS_WITH(network(weights, true), Contains("tensor '" + parameter.name + "' has shape " +
                                                       engine::to_string(turned.shape) + ", not " +
                                                       engine::to_string(parameter.shape)));
  }
}

TEST_CASE("A network rejects non-finite weights", "[network]") {
  const std::string file = GENERATE("sapnet.safetensors", "prenet.safetensors");
  const float value =
      GENERATE(std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity());
  const Golden golden(file);
  Parameters weights = without(golden.weights, "conv_f.0.bias");
  engine::Parameter broken = find(golden.weights, "conv_f.0.bias");
  broken.values.back() = value;
  weights.add(broken);
  CHECK_THROWS_WITH(
      network(weights, true),
      Contains(file) && Contains("tensor 'conv_f.0.bias' has a value that is not a finite number"));
}

TEST_CASE("A network requires RGB images and at least one stage", "[network]") {
  const auto derainer = network(Golden("sapnet.safetensors").weights, false);
  CHECK_THROWS_WITH(derainer->forward(noise({1, 4, 5, 4}), kStages), Contains("(1, 4, 5, 4)"));
  CHECK_THROWS_WITH(derainer->forward(noise({1, 4, 5, 3}), 0), Contains("at least 1, not 0"));
}

}  // namespace
}  // namespace sapnet::tests
