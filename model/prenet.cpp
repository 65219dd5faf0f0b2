#include "model/prenet.h"

#include <utility>

namespace sapnet::model {
namespace {

constexpr std::int64_t kChannels = 32;

}  // namespace

Prenet::Prenet(LayerBuilder builder, const PrenetBlocks& blocks)
    : name_(blocks.name),
      conv_in_(builder.conv2d("conv0.0", {3, 3}, kChannels, engine::DType::kFloat32, builder.maps())),
      conv_lstm_(builder.conv_lstm(kChannels, kChannels)),
      conv_out_(builder.conv2d("conv.0", {kChannels, 0}, 3, builder.maps(), engine::DType::kFloat32)),
      maps_(builder.maps()) {
  for (std::size_t k = 0; k < blocks.dilations.size(); ++k) {
    const std::string block = "res_conv" + std::to_string(k + 1);
    const auto convolution = [&](const std::string& part) {
      return builder.conv2d(block + part, {kChannels, 0}, kChannels, maps_, maps_, blocks.dilations[k]);
    };
    blocks_.push_back({convolution(".0"), convolution(std::string(blocks.second))});
  }
  builder.finish();
}

engine::Tensor Prenet::forward(const engine::Tensor& rainy, int stages) const {
  check_input(*this, rainy, stages);
  engine::Tensor derained = rainy;
  engine::LstmState state;  // zero
  for (int stage = 0; stage < stages; ++stage) {
    engine::Tensor x = conv2d(rainy, derained, conv_in_, {.relu = true, .maps = maps_});
    state = conv_lstm(x, std::move(state), conv_lstm_);
    x = state.hidden;
    for (const ResidualBlock& block : blocks_) {
      const engine::Tensor y = conv2d(x, block.first, {.relu = true, .maps = maps_});
      x = conv2d(y, block.second, {.relu = true, .residual = std::move(x), .maps = maps_});
    }
    derained = conv2d(x, conv_out_, {.residual = rainy});
  }
  return derained;
}

std::size_t Prenet::forward_bytes(const engine::Shape& rainy) const {
  return recurrent_forward_bytes(rainy, kChannels, maps_);
}

std::size_t Prenet::training_bytes_per_stage(const engine::Shape& rainy) const {
  return recurrent_training_bytes_per_stage(rainy, kChannels, maps_);
}

void Prenet::pack() {
  conv_in_.pack();
  conv_lstm_.pack();
  for (ResidualBlock& block : blocks_) {
    block.first.pack();
    block.second.pack();
  }
  conv_out_.pack();
}

}  // namespace sapnet::model
