#include "train/metrics/perception.h"

#include <algorithm>
#include <array>

#include "engine/error.h"
#include "engine/ops/normalize.h"
#include "weights/weight_file.h"

namespace sapnet::train {

engine::Tensor normalized(const engine::Tensor& image) {
  return engine::normalize(image, {0.485F, 0.456F, 0.406F}, {1 / 0.229F, 1 / 0.224F, 1 / 0.225F});
}

model::Vgg16 read_vgg16(const std::filesystem::path& file, const engine::Execution& execution) {
  const engine::Parameters parameters = weights::read_weights(file, model::Vgg16::kPrefix);
  return with_note("; expected the weights of VGG-16", [&] { return model::Vgg16(parameters, execution); });
}

model::Lpips read_lpips(const std::filesystem::path& file, engine::Device device) {
  const engine::Parameters parameters = weights::read_weights(file);
  return with_note("; expected the linear weights of LPIPS on VGG-16",
                   [&] { return model::Lpips(parameters, device); });
}

std::string covered_taps(const model::Vgg16& vgg, std::size_t wanted) {
  const std::size_t taps = std::min(vgg.taps(), wanted);
  if (taps == wanted) return "all " + std::to_string(wanted) + " taps";
  return std::to_string(taps) + " of " + std::to_string(wanted) + " taps, to " +
         std::string(model::Vgg16::kTapNames[taps - 1]);
}

LpipsMetric::LpipsMetric(const std::filesystem::path& vgg, const std::filesystem::path& linear,
                         engine::Device device)
    : device_(device), vgg_(read_vgg16(vgg, {.device = device})), lpips_(read_lpips(linear, device)) {}

double LpipsMetric::operator()(std::span<const float> a, std::span<const float> b, int width,
                               int height) const {
  const auto features = [&](std::span<const float> image) {
    return vgg_.features(normalized(engine::from_host(image, {1, height, width, 3}, device_)), vgg_.taps());
  };
  double distance = 0;
  for (const engine::Tensor& of_tap : lpips_.distance(features(a), features(b)))
    distance += static_cast<double>(engine::to_vector(of_tap)[0]);
  return distance;
}

}  // namespace sapnet::train
