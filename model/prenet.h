// PReNet (Ren et al. 2019, arXiv 1901.09221): SAPNet's recurrent frame around five plain residual blocks.
// With SAPNet's dilations it is a SAPNet without attention.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "model/layer_builder.h"
#include "model/network.h"

namespace sapnet::model {

/// How its blocks are named and dilated.
struct PrenetBlocks {
  std::string_view name = "PReNet";
  std::string_view second = ".2";  // infix of the second convolution's tensor names
  std::array<std::int64_t, 5> dilations = {1, 1, 1, 1, 1};
};

class Prenet final : public Network {
 public:
  explicit Prenet(LayerBuilder builder, const PrenetBlocks& blocks = {});

  std::string_view name() const override { return name_; }
  engine::Tensor forward(const engine::Tensor& rainy, int stages) const override;
  std::size_t forward_bytes(const engine::Shape& rainy) const override;
  std::size_t training_bytes_per_stage(const engine::Shape& rainy) const override;
  void pack() override;

 private:
  std::string_view name_;
  struct ResidualBlock {
    engine::Conv2dWeights first, second;
  };

  engine::Conv2dWeights conv_in_;      // [rainy, x] 6 → 32
  engine::ConvLstmWeights conv_lstm_;  // [x, h] 64 → 4 × 32
  std::vector<ResidualBlock> blocks_;  // 32 → 32 each
  engine::Conv2dWeights conv_out_;     // 32 → 3
  engine::DType maps_;
};

}  // namespace sapnet::model
