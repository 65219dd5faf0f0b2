#include "model/resnet.h"

#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/max_pool.h"
#include "model/frozen_layer_builder.h"
#include "model/init.h"

namespace sapnet::model {
namespace {

using Blocks = std::array<int, Resnet::kGroups>;

Blocks blocks_of(int depth) {
  if (depth == 18) return {2, 2, 2, 2};
  if (depth == 50) return {3, 4, 6, 3};
  if (depth == 101) return {3, 4, 23, 3};
  throw Error("the depth of a ResNet must be 18, 50 or 101, not " + std::to_string(depth));
}

/// The width of a block's convolutions: 64, 128, 256, 512.
std::int64_t width_of(std::size_t group) { return std::int64_t{64} << group; }
std::int64_t expansion(int depth) { return depth == 18 ? 1 : 4; }

/// Calls visit(conv name, norm name, conv spec, whether it is the last of a block) for every convolution of
/// the network, block by block; a block's shortcut comes last.
template <class Visit>
void for_each_convolution(int depth, const Visit& visit) {
  visit(std::string("conv1"), std::string("bn1"),
        ConvSpec{.in = {3, 0}, .out = 64, .kernel = 7, .geometry = {.stride = 2, .padding = 3}}, false);
  const Blocks blocks = blocks_of(depth);
  std::int64_t in = 64;
  for (std::size_t group = 0; group < Resnet::kGroups; ++group) {
    for (int block = 0; block < blocks[group]; ++block) {
      const std::string name = "layer" + std::to_string(group + 1) + "." + std::to_string(block) + ".";
      const std::int64_t width = width_of(group), out = width * expansion(depth);
      const std::int64_t stride = group > 0 && block == 0 ? 2 : 1;
      const ConvSpec wide = {.in = {width, 0}, .out = width};
      const auto part = [&](int k, const ConvSpec& conv, bool last) {
        visit(name + "conv" + std::to_string(k), name + "bn" + std::to_string(k), conv, last);
      };
      const ConvSpec point = {.kernel = 1, .geometry = {.padding = 0}};
      if (depth == 18) {
        part(1, {.in = {in, 0}, .out = width, .geometry = {.stride = stride}}, false);
        part(2, wide, true);
      } else {
        ConvSpec narrow = point, widen = point, step = wide;
        narrow.in = {in, 0};
        narrow.out = width;
        step.geometry.stride = stride;
        widen.in = {width, 0};
        widen.out = out;
        part(1, narrow, false);
        part(2, step, false);
        part(3, widen, true);
      }
      if (block == 0 && (stride > 1 || in != out)) {
        ConvSpec shortcut = point;
        shortcut.in = {in, 0};
        shortcut.out = out;
        shortcut.geometry.stride = stride;
        visit(name + "downsample.0", name + "downsample.1", shortcut, false);
      }
      in = out;
    }
  }
}

/// Drops the classifier and the num_batches_tracked counters of a state_dict.
engine::Parameters without_classifier(const engine::Parameters& all) {
  engine::Parameters kept(all.source());
  for (const engine::Parameter& parameter : all.all())
    if (!parameter.name.starts_with("fc.") && !parameter.name.ends_with(".num_batches_tracked"))
      kept.add(parameter);
  return kept;
}

}  // namespace

Resnet::Resnet(int depth, const engine::Parameters& parameters, const engine::Execution& execution,
               NormStatistics statistics)
    : depth_(depth), maps_(execution.maps) {
  const engine::Parameters kept = without_classifier(parameters);
  FrozenLayerBuilder builder(kept, execution);
  for_each_convolution(
      depth, [&](const std::string& name, const std::string& norm, const ConvSpec& conv, bool /*last*/) {
        const bool first = name == "conv1";
        const engine::DType inputs = first ? engine::DType::kFloat32 : maps_;
        const bool folded = statistics == NormStatistics::kRunning;
        NormedConv made{folded ? builder.conv2d_with_norm(name, norm, conv, inputs)
                               : builder.conv2d_without_bias(name, conv, inputs),
                        {},
                        {}};
        if (!folded) {
          made.gamma = builder.vector(norm + ".weight", conv.out);
          made.beta = builder.vector(norm + ".bias", conv.out);
          builder.values(norm + ".running_mean", {conv.out});
          builder.values(norm + ".running_var", {conv.out});
        }
        if (first) {
          stem_ = std::move(made);
          return;
        }
        auto& group = groups_[static_cast<std::size_t>(name[std::string_view("layer").size()] - '1')];
        if (name.ends_with(".conv1")) group.emplace_back();
        if (name.ends_with(".downsample.0"))
          group.back().shortcut = std::move(made);
        else
          group.back().convolutions.push_back(std::move(made));
      });
  builder.finish();
}

std::array<std::int64_t, Resnet::kGroups> Resnet::channels(int depth) {
  std::array<std::int64_t, kGroups> channels{};
  for (std::size_t group = 0; group < kGroups; ++group) channels[group] = width_of(group) * expansion(depth);
  return channels;
}

engine::Tensor Resnet::NormedConv::operator()(const engine::Tensor& x, engine::DType maps, bool relu,
                                              engine::Tensor residual) const {
  if (!gamma)
    return conv2d(x, conv,
                  {.relu = relu, .residual = std::move(residual), .relu_after_residual = true, .maps = maps});
  return batch_norm(conv2d(x, conv, {.maps = maps}), gamma, beta,
                    {.relu = relu, .residual = std::move(residual)});
}

std::array<engine::Tensor, Resnet::kGroups> Resnet::forward(const engine::Tensor& images) const {
  engine::Tensor x =
      engine::max_pool((*stem_)(images, maps_, true), {.kernel = 3, .stride = 2, .padding = 1});
  std::array<engine::Tensor, kGroups> outputs;
  for (std::size_t group = 0; group < kGroups; ++group) {
    for (const Block& block : groups_[group]) {
      engine::Tensor residual = block.shortcut ? (*block.shortcut)(x, maps_, false) : x;
      for (std::size_t k = 0; k + 1 < block.convolutions.size(); ++k)
        x = block.convolutions[k](x, maps_, true);
      x = block.convolutions.back()(x, maps_, true, std::move(residual));
    }
    outputs[group] = x;
  }
  return outputs;
}

engine::Parameters init_resnet(int depth, std::uint64_t seed) {
  engine::Parameters drawn("new ResNet-" + std::to_string(depth));
  const Blocks blocks = blocks_of(depth);
  const auto number_of_blocks = static_cast<double>(std::accumulate(blocks.begin(), blocks.end(), 0));
  std::uint32_t number = 0x1000;  // after the trained network's parameters
  for_each_convolution(
      depth, [&](const std::string& name, const std::string& norm, const ConvSpec& conv, bool last) {
        const auto count = static_cast<std::size_t>(conv.out * conv.in[0] * conv.kernel * conv.kernel);
        const double outputs = static_cast<double>(conv.out * conv.kernel * conv.kernel);
        drawn.add({name + ".weight", conv.weight_shape(),
                   init_normal(seed, number++, count, std::sqrt(2 / outputs))});
        const auto channels = static_cast<std::size_t>(conv.out);
        const auto gamma = static_cast<float>(last ? 1 / std::sqrt(number_of_blocks) : 1);
        drawn.add({norm + ".weight", {conv.out}, std::vector<float>(channels, gamma)});
        drawn.add({norm + ".bias", {conv.out}, std::vector<float>(channels, 0.0F)});
        drawn.add({norm + ".running_mean", {conv.out}, std::vector<float>(channels, 0.0F)});
        drawn.add({norm + ".running_var", {conv.out}, std::vector<float>(channels, 1.0F)});
      });
  return drawn;
}

}  // namespace sapnet::model
