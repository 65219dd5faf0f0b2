#include "model/segmentation.h"

#include <string>
#include <utility>

#include "engine/ops/resize_bilinear.h"
#include "model/frozen_layer_builder.h"
#include "model/init.h"

namespace sapnet::model {
namespace {

constexpr std::int64_t kPyramid = 256, kSmooth = 128;
constexpr std::size_t kLevels = Resnet::kGroups;

/// For the levels p5, p4, p3, p2; the names are the published code's.
constexpr std::array<const char*, kLevels> kLateralNames = {"toplayer", "latlayer1", "latlayer2",
                                                            "latlayer3"};

std::string smooth_name(std::size_t level, int k) {
  return "smooth" + std::to_string(level + 1) + "_" + std::to_string(k);
}

constexpr ConvSpec lateral(std::int64_t channels) {
  return {.in = {channels, 0}, .out = kPyramid, .kernel = 1, .geometry = {.padding = 0}};
}
constexpr ConvSpec kSmooth1 = {.in = {kPyramid, 0}, .out = kPyramid};
constexpr ConvSpec kSmooth2 = {.in = {kPyramid, 0}, .out = kSmooth};
constexpr ConvSpec kClassifyHalf = {.in = {kSmooth, kSmooth}, .out = Segmentation::kClasses};

/// The classifier's weight for two of the four levels.
std::vector<float> half_of(const std::vector<float>& weight, std::size_t half) {
  constexpr std::size_t kHalf = 9 * 2 * kSmooth;
  std::vector<float> result;
  for (std::size_t o = 0; o < static_cast<std::size_t>(Segmentation::kClasses); ++o) {
    const auto begin = weight.begin() + static_cast<std::ptrdiff_t>((2 * o + half) * kHalf);
    result.insert(result.end(), begin, begin + kHalf);
  }
  return result;
}

}  // namespace

Segmentation::Segmentation(Resnet backbone, const engine::Parameters& head,
                           const engine::Execution& execution)
    : backbone_(std::move(backbone)), maps_(execution.maps) {
  FrozenLayerBuilder builder(head, execution);
  const auto channels = Resnet::channels(backbone_.depth());
  for (std::size_t level = 0; level < kLevels; ++level) {
    lateral_.push_back(
        builder.conv2d(kLateralNames[level], lateral(channels[kLevels - 1 - level]), maps_, maps_));
    smooth_.push_back({builder.conv2d(smooth_name(level, 1), kSmooth1, maps_, maps_),
                       builder.conv2d(smooth_name(level, 2), kSmooth2, maps_, maps_)});
  }
  const auto& weight = builder.values("classify.weight", {kClasses, 4 * kSmooth, 3, 3});
  for (std::size_t half = 0; half < 2; ++half) {
    engine::Tensor bias;
    if (half == 1) bias = builder.vector("classify.bias", kClasses);
    classify_.push_back(
        {engine::from_host(half_of(weight, half), {kClasses, 2 * kSmooth, 3, 3}, execution.device), bias,
         kClassifyHalf.in, kClassifyHalf.geometry, execution, engine::DType::kFloat32, true});
  }
  builder.finish();
}

engine::Tensor Segmentation::logits(const engine::Tensor& images) const {
  const auto groups = backbone_.forward(images);
  std::array<engine::Tensor, kLevels> levels;
  engine::Tensor above;
  for (std::size_t level = 0; level < kLevels; ++level) {
    engine::Tensor x = conv2d(groups[kLevels - 1 - level], lateral_[level], {.maps = maps_});
    const engine::Shape shape = x.shape();
    if (above) x = engine::resize_bilinear(above, shape.h, shape.w, std::move(x));
    above = x;
    for (const engine::Conv2dWeights& smooth : smooth_[level]) x = conv2d(x, smooth, {.maps = maps_});
    levels[level] = x;
  }
  const engine::Shape full = levels.back().shape();
  for (std::size_t level = 0; level + 1 < kLevels; ++level)
    levels[level] = engine::resize_bilinear(levels[level], full.h, full.w);
  engine::Tensor logits = conv2d(levels[0], levels[1], classify_[0]);
  return conv2d(levels[2], levels[3], classify_[1], {.residual = std::move(logits)});
}

engine::Parameters init_segmentation_head(int depth, std::uint64_t seed) {
  engine::Parameters drawn("new segmentation head");
  std::uint32_t number = 0x2000;  // after the backbone's
  const auto draw = [&](const std::string& name, const ConvSpec& conv) {
    constexpr double kDeviation = 0.01;
    const auto count = static_cast<std::size_t>(conv.out * conv.in[0] * conv.kernel * conv.kernel);
    drawn.add({name + ".weight", conv.weight_shape(), init_normal(seed, number++, count, kDeviation)});
    drawn.add({name + ".bias", {conv.out}, std::vector<float>(static_cast<std::size_t>(conv.out))});
  };
  const auto channels = Resnet::channels(depth);
  for (std::size_t level = 0; level < kLevels; ++level) {
    draw(kLateralNames[level], lateral(channels[kLevels - 1 - level]));
    draw(smooth_name(level, 1), kSmooth1);
    draw(smooth_name(level, 2), kSmooth2);
  }
  draw("classify", {.in = {4 * kSmooth, 0}, .out = Segmentation::kClasses});
  return drawn;
}

}  // namespace sapnet::model
