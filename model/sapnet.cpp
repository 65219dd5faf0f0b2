#include "model/sapnet.h"

#include <string>
#include <utility>

namespace sapnet::model {
namespace {

constexpr std::int64_t kAttentionHidden = 2;

}  // namespace

Sapnet::Sapnet(LayerBuilder builder, const std::array<std::int64_t, 5>& dilations)
    : RecurrentNetwork(builder) {
  for (std::size_t k = 0; k < dilations.size(); ++k) {
    const std::string unit = "res_conv" + std::to_string(k + 1);
    const auto attended = [&](const char* conv, const char* attention) {
      return builder.attended_conv(unit + conv, unit + attention, kChannels, kAttentionHidden, dilations[k]);
    };
    units_.push_back({attended(".0", ".1"), attended(".3", ".4"), dilations[k]});
  }
  builder.finish();
}

engine::Tensor Sapnet::cell_and_blocks(engine::Tensor x, engine::LstmState& state) const {
  auto [next_state, features] = conv_lstm(x, std::move(state), cell(), units_.front().dilation);
  state = std::move(next_state);
  x = {};  // so that the units can reuse its memory
  for (std::size_t k = 0; k < units_.size(); ++k) {
    const DilatedUnit& unit = units_[k];
    const std::int64_t next_dilation = k + 1 < units_.size() ? units_[k + 1].dilation : 1;
    const engine::SummedMap y = attended_conv(features, unit.first, unit.dilation);
    features = attended_conv(y, unit.second, next_dilation, std::move(features.map));
  }
  return features.map;
}

std::size_t Sapnet::forward_bytes(const engine::Shape& rainy) const {
  // A unit's second convolution also holds three shifted sums: of the unit's input, intermediate map and
  // output.
  const std::int64_t sums = 3 * rainy.n * rainy.h * 9 * kChannels;
  return RecurrentNetwork::forward_bytes(rainy) + static_cast<std::size_t>(sums) * sizeof(float);
}

void Sapnet::pack_blocks() {
  for (DilatedUnit& unit : units_) {
    unit.first.pack();
    unit.second.pack();
  }
}

}  // namespace sapnet::model
