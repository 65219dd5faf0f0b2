#include "model/recurrent_network.h"

#include <utility>

namespace sapnet::model {

RecurrentNetwork::RecurrentNetwork(LayerBuilder& builder)
    : conv_in_(builder.conv2d("conv0.0", {.in = {3, 3}, .out = kChannels}, engine::DType::kFloat32,
                              builder.maps())),
      conv_lstm_(builder.conv_lstm(kChannels, kChannels)),
      conv_out_(builder.conv2d("conv.0", {.in = {kChannels, 0}, .out = 3}, builder.maps(),
                               engine::DType::kFloat32)),
      maps_(builder.maps()) {}

engine::Tensor RecurrentNetwork::forward(const engine::Tensor& rainy, int stages) const {
  check_input(*this, rainy, stages);
  engine::Tensor derained = rainy;
  engine::LstmState state;  // zero
  for (int stage = 0; stage < stages; ++stage) {
    engine::Tensor x = conv2d(rainy, derained, conv_in_, {.relu = true, .maps = maps_});
    derained = conv2d(cell_and_blocks(std::move(x), state), conv_out_, {.residual = rainy});
  }
  return derained;
}

void RecurrentNetwork::pack() {
  conv_in_.pack();
  conv_lstm_.pack();
  pack_blocks();
  conv_out_.pack();
}

std::size_t RecurrentNetwork::forward_bytes(const engine::Shape& rainy) const {
  const auto pixels = static_cast<std::size_t>(rainy.n * rainy.h * rainy.w);
  const std::size_t state_and_maps =
      static_cast<std::size_t>(kChannels) * (sizeof(float) + 3 * size_of(maps_));
  return pixels * (state_and_maps + static_cast<std::size_t>(rainy.c) * sizeof(float));
}

std::size_t RecurrentNetwork::training_bytes_per_stage(const engine::Shape& rainy) const {
  const auto pixels = static_cast<std::size_t>(rainy.n * rainy.h * rainy.w);
  constexpr std::size_t kMaps = 1 + 4 + 1 + 5 * 3;
  const std::size_t state = sizeof(float);  // the cell state
  return pixels * (static_cast<std::size_t>(kChannels) * (kMaps * size_of(maps_) + state) +
                   static_cast<std::size_t>(rainy.c) * sizeof(float));
}

}  // namespace sapnet::model
