#include "model/prenet.h"

#include <string>
#include <utility>

namespace sapnet::model {

Prenet::Prenet(LayerBuilder builder, const PrenetBlocks& blocks)
    : RecurrentNetwork(builder), name_(blocks.name) {
  for (std::size_t k = 0; k < blocks.dilations.size(); ++k) {
    const std::string block = "res_conv" + std::to_string(k + 1);
    const auto convolution = [&](const std::string& part) {
      const std::int64_t dilation = blocks.dilations[k];
      return builder.conv2d(
          block + part,
          {.in = {kChannels, 0}, .out = kChannels, .geometry = {.dilation = dilation, .padding = dilation}},
          maps(), maps());
    };
    blocks_.push_back({convolution(".0"), convolution(std::string(blocks.second))});
  }
  builder.finish();
}

engine::Tensor Prenet::cell_and_blocks(engine::Tensor x, engine::LstmState& state) const {
  state = conv_lstm(x, std::move(state), cell());
  x = state.hidden;
  for (const ResidualBlock& block : blocks_) {
    const engine::Tensor y = conv2d(x, block.first, {.relu = true, .maps = maps()});
    x = conv2d(y, block.second, {.relu = true, .residual = std::move(x), .maps = maps()});
  }
  return x;
}

void Prenet::pack_blocks() {
  for (ResidualBlock& block : blocks_) {
    block.first.pack();
    block.second.pack();
  }
}

}  // namespace sapnet::model
