// SAPNet (Zheng et al. 2021, arXiv 2111.08892, section 3): a progressive dilated network with channel
// residual attention, unrolled over recurrent stages that share their weights.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "model/layer_builder.h"
#include "model/network.h"

namespace sapnet::model {

/// The dilations of its units, in order.
inline constexpr std::array<std::int64_t, 5> kSapnetDilations = {1, 2, 4, 8, 16};

class Sapnet final : public Network {
 public:
  Sapnet(LayerBuilder builder, const std::array<std::int64_t, 5>& dilations);

  std::string_view name() const override { return "SAPNet"; }
  engine::Tensor forward(const engine::Tensor& rainy, int stages) const override;
  std::size_t forward_bytes(const engine::Shape& rainy) const override;
  std::size_t training_bytes_per_stage(const engine::Shape& rainy) const override;
  void pack() override;

 private:
  /// Two attended convolutions of the same dilation with a skip connection.
  struct DilatedUnit {
    engine::AttendedConvWeights first, second;
    std::int64_t dilation;
  };

  engine::Conv2dWeights conv_in_;      // [rainy, x] 6 → 32
  engine::ConvLstmWeights conv_lstm_;  // [x, h] 64 → 4 × 32
  std::vector<DilatedUnit> units_;     // 32 → 32 each
  engine::Conv2dWeights conv_out_;     // 32 → 3
  engine::DType maps_;
};

}  // namespace sapnet::model
