// SAPNet (Zheng et al. 2021, arXiv 2111.08892, section 3): a progressive dilated network with channel
// residual attention, unrolled over recurrent stages that share their weights.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/ops/attended_conv.h"
#include "model/recurrent_network.h"

namespace sapnet::model {

/// The dilations of its units, in order.
inline constexpr std::array<std::int64_t, 5> kSapnetDilations = {1, 2, 4, 8, 16};

class Sapnet final : public RecurrentNetwork {
 public:
  Sapnet(LayerBuilder builder, const std::array<std::int64_t, 5>& dilations);

  std::string_view name() const override { return kSapnet; }
  std::size_t forward_bytes(const engine::Shape& rainy) const override;

 private:
  /// Two attended convolutions of the same dilation with a skip connection.
  struct DilatedUnit {
    engine::AttendedConvWeights first, second;
    std::int64_t dilation;
  };

  engine::Tensor cell_and_blocks(engine::Tensor x, engine::LstmState& state) const override;
  void pack_blocks() override;

  std::vector<DilatedUnit> units_;  // 32 → 32 each
};

}  // namespace sapnet::model
