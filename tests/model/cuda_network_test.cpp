// Whole networks on a real or emulated GPU, against the CPU.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/tensor.h"
#include "model/cuda_graph_network.h"
#include "model/network.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"
#include "tests/source_dir.h"
#include "train/image/image.h"
#include "train/metrics/metrics.h"
#include "train/rain/rain.h"
#include "weights/weight_file.h"

namespace sapnet::tests {
namespace {

using engine::Device;
using engine::DType;

/// A smooth image with streaks, i.e. something to derain.
std::vector<float> streaks(int height, int width) {
  std::vector<float> rgb;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        rgb.push_back(
            static_cast<float>(40 + (x * 3 + y * 2 + c * 20) % 120 + ((x + y / 4) % 7 == 0 ? 80 : 0)) / 255);
  return rgb;
}

std::vector<float> derain(const model::Network& network, Device device, const std::vector<float>& rgb,
                          const engine::Shape& shape) {
  return to_vector(network.forward(engine::from_host(rgb, shape, device), model::kStages));
}

struct Difference {
  double largest = 0, rms = 0;
};

Difference difference(const std::vector<float>& a, const std::vector<float>& b) {
  Difference result;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double d = std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k]));
    result.largest = std::isnan(d) ? d : std::max(result.largest, d);
    result.rms += d * d;
  }
  result.rms = std::sqrt(result.rms / static_cast<double>(a.size()));
  return result;
}

/// The published weights if present, ours, and PReNet's golden ones.
std::vector<engine::Parameters> networks() {
  const std::filesystem::path root = source_dir();
  std::vector<engine::Parameters> all;
  all.push_back(weights::read_weights(root / "weights/sapnet.safetensors"));
  all.push_back(without(read_golden("prenet.safetensors", ""), "golden."));
  const std::filesystem::path published = root / "../shared/weights/sapnet_published_2021-09-12.pth";
  if (std::filesystem::exists(published))
    all.push_back(weights::read_weights(published));
  else
    WARN("skipped: " << published << " is not there");
  return all;
}

TEST_CASE("a network on a GPU matches the CPU", "[network][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const engine::Shape shape{1, 16, 40, 3};  // some columns see both taps of dilation 16
  const std::vector<float> rgb = streaks(16, 40);
  for (const engine::Parameters& weights : networks()) {
    INFO(weights.source());
    const auto expected = derain(*model::make_network(weights, {.strict = true}), Device::kCpu, rgb, shape);
    const auto exact = model::make_network(weights, {.device = Device::kCuda});
    const auto fast = model::make_network(weights, {.device = Device::kCuda, .maps = DType::kFloat16});
    const Difference of_exact = difference(derain(*exact, Device::kCuda, rgb, shape), expected);
    const Difference of_fast = difference(derain(*fast, Device::kCuda, rgb, shape), expected);
    INFO("fp32: largest " << of_exact.largest << "; fp16: largest " << of_fast.largest << ", rms "
                          << of_fast.rms);
    CHECK(of_exact.largest <= 2e-5);
    CHECK(of_fast.largest <= 2e-3);
    CHECK(of_fast.rms <= 2e-4);
  }
}

/// A square crop with its upper left corner at (at, at).
std::vector<float> square(const train::Image& image, int at, int side) {
  std::vector<float> rgb;
  for (int y = at; y < at + side; ++y) {
    const auto row = image.rgb.begin() + (static_cast<std::ptrdiff_t>(y) * image.width + at) * 3;
    rgb.insert(rgb.end(), row, row + std::ptrdiff_t{3} * side);
  }
  return rgb;
}

// This is why fp16 is the default on a GPU.
TEST_CASE("fp16 moves the PSNR by less than 0.01 dB", "[network][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const train::Image photo = train::read_image(source_dir() / "docs/photos/coffee.jpg");
  for (const engine::Parameters& weights : networks()) {
    if (weights.source().ends_with("prenet.safetensors")) continue;  // weights that do not derain
    INFO(weights.source());
    const auto exact = model::make_network(weights, {});  // matches the GPU: see the test above
    const auto fast = model::make_network(weights, {.device = Device::kCuda, .maps = DType::kFloat16});
    for (const float strength : {0.3F, 0.8F}) {
      INFO("rain of strength " << strength);
      const engine::Shape shape{1, 32, 32, 3};
      const std::vector<float> clean = square(photo, 120, 32);
      const std::vector<float> rainy =
          square(train::draw_rain(photo, {.strength = strength, .seed = 1}).rainy, 120, 32);
      const double in_fp32 = train::psnr(derain(*exact, Device::kCpu, rainy, shape), clean);
      const double in_fp16 = train::psnr(derain(*fast, Device::kCuda, rainy, shape), clean);
      CHECK(in_fp32 > train::psnr(rainy, clean) + 1);
      CHECK(in_fp16 == Approx(in_fp32).epsilon(0).margin(0.01));
    }
  }
}

TEST_CASE("a captured network reproduces the first run bitwise, for each input", "[network][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const auto weights = weights::read_weights(source_dir() / "weights/sapnet.safetensors");
  const auto network = model::make_network(weights, {.device = Device::kCuda, .maps = DType::kFloat16});
  const engine::Shape shape{1, 9, 20, 3}, other_shape{1, 12, 7, 3};
  const std::vector<float> first = streaks(9, 20), other = streaks(12, 7);
  std::vector<float> second = first;
  std::ranges::reverse(second);
  const auto expected_first = derain(*network, Device::kCuda, first, shape);    // runs normally
  const auto expected_second = derain(*network, Device::kCuda, second, shape);  // runs and is captured
  CHECK(expected_first != expected_second);
  for (int round = 0; round < 2; ++round) {  // replayed
    check_same_bits("the first", derain(*network, Device::kCuda, first, shape), expected_first);
    check_same_bits("the second", derain(*network, Device::kCuda, second, shape), expected_second);
    derain(*network, Device::kCuda, other, other_shape);
  }
}

/// Copies its input, and uploads, which cannot be captured.
class Uncapturable final : public model::Network {
 public:
  std::string_view name() const override { return "uncapturable"; }
  engine::Tensor forward(const engine::Tensor& rainy, int /*stages*/) const override {
    engine::scalar(1, Device::kCuda);
    engine::Tensor result(rainy.shape(), Device::kCuda);
    copy(rainy, result);
    return result;
  }
  std::size_t forward_bytes(const engine::Shape& /*rainy*/) const override { return 0; }
  std::size_t training_bytes_per_stage(const engine::Shape& /*rainy*/) const override { return 0; }
  void pack() override {}
};

TEST_CASE("a network that cannot be captured runs without a graph", "[network][gpu]") {
  if (!have_gpu()) return;
  const model::CudaGraphNetwork network(std::make_unique<Uncapturable>());
  const engine::Shape shape{1, 2, 3, 3};
  for (int k = 0; k < 4; ++k) {
    const std::vector<float> rainy(18, static_cast<float>(k));
    CHECK(derain(network, Device::kCuda, rainy, shape) == rainy);
  }
}

}  // namespace
}  // namespace sapnet::tests
