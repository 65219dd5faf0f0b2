#include "model/sapnet.h"

#include <utility>

namespace sapnet::model {
namespace {

constexpr std::int64_t kChannels = 32;
constexpr std::int64_t kAttentionHidden = 2;

}  // namespace

Sapnet::Sapnet(LayerBuilder builder, const std::array<std::int64_t, 5>& dilations)
    : conv_in_(builder.conv2d("conv0.0", {3, 3}, kChannels, engine::DType::kFloat32, builder.maps())),
      conv_lstm_(builder.conv_lstm(kChannels, kChannels)),
      conv_out_(builder.conv2d("conv.0", {kChannels, 0}, 3, builder.maps(), engine::DType::kFloat32)),
      maps_(builder.maps()) {
  for (std::size_t k = 0; k < dilations.size(); ++k) {
    const std::string unit = "res_conv" + std::to_string(k + 1);
    const auto attended = [&](const char* conv, const char* attention) {
      return builder.attended_conv(unit + conv, unit + attention, kChannels, kAttentionHidden, dilations[k]);
    };
    units_.push_back({attended(".0", ".1"), attended(".3", ".4"), dilations[k]});
  }
  builder.finish();
}

engine::Tensor Sapnet::forward(const engine::Tensor& rainy, int stages) const {
  check_input(*this, rainy, stages);
  engine::Tensor derained = rainy;
  engine::LstmState state;  // zero
  for (int stage = 0; stage < stages; ++stage) {
    engine::Tensor features = conv2d(rainy, derained, conv_in_, {.relu = true, .maps = maps_});
    auto [next_state, x] = conv_lstm(features, std::move(state), conv_lstm_, units_.front().dilation);
    state = std::move(next_state);
    features = {};  // so that the units can reuse its memory
    for (std::size_t k = 0; k < units_.size(); ++k) {
      const DilatedUnit& unit = units_[k];
      const std::int64_t next_dilation = k + 1 < units_.size() ? units_[k + 1].dilation : 1;
      const engine::SummedMap y = attended_conv(x, unit.first, unit.dilation);
      x = attended_conv(y, unit.second, next_dilation, std::move(x.map));
    }
    derained = conv2d(x.map, conv_out_, {.residual = rainy});
  }
  return derained;
}

std::size_t Sapnet::forward_bytes(const engine::Shape& rainy) const {
  // A unit's second convolution also holds three shifted sums: of the unit's input, intermediate map and
  // output.
  const std::int64_t sums = 3 * rainy.n * rainy.h * 9 * kChannels;
  return recurrent_forward_bytes(rainy, kChannels, maps_) + static_cast<std::size_t>(sums) * sizeof(float);
}

std::size_t Sapnet::training_bytes_per_stage(const engine::Shape& rainy) const {
  return recurrent_training_bytes_per_stage(rainy, kChannels, maps_);
}

void Sapnet::pack() {
  conv_in_.pack();
  conv_lstm_.pack();
  for (DilatedUnit& unit : units_) {
    unit.first.pack();
    unit.second.pack();
  }
  conv_out_.pack();
}

}  // namespace sapnet::model
