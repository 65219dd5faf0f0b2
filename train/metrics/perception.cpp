#include "train/metrics/perception.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/error.h"
#include "engine/ops/normalize.h"
#include "weights/weight_file.h"

namespace sapnet::train {
namespace {

/// Builds a network from a file's parameters; an Error also says what the file should contain.
template <class Make>
auto load(const std::filesystem::path& file, std::string_view prefix, const std::string& wanted,
          const Make& make) {
  const engine::Parameters parameters = weights::read_weights(file, prefix);
  try {
    return make(parameters);
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + "; expected " + wanted);
  }
}

}  // namespace

engine::Tensor normalized(const engine::Tensor& image) {
  return engine::normalize(image, {0.485F, 0.456F, 0.406F}, {1 / 0.229F, 1 / 0.224F, 1 / 0.225F});
}

model::Vgg16 read_vgg16(const std::filesystem::path& file, const engine::Execution& execution) {
  return load(file, model::Vgg16::kPrefix, "the weights of VGG-16",
              [&](const engine::Parameters& parameters) { return model::Vgg16(parameters, execution); });
}

model::Lpips read_lpips(const std::filesystem::path& file, engine::Device device) {
  return load(file, "", "the linear weights of LPIPS on VGG-16",
              [&](const engine::Parameters& parameters) { return model::Lpips(parameters, device); });
}

model::Segmentation make_segmentation(int depth, const std::filesystem::path& backbone,
                                      model::NormStatistics statistics, std::uint64_t seed,
                                      const engine::Execution& execution) {
  const auto resnet = [&](const engine::Parameters& parameters) {
    return model::Resnet(depth, parameters, execution, statistics);
  };
  model::Resnet network = backbone.empty()
                              ? resnet(model::init_resnet(depth, seed))
                              : load(backbone, "", "the weights of ResNet-" + std::to_string(depth), resnet);
  return {std::move(network), model::init_segmentation_head(depth, seed), execution};
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
