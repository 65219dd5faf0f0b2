// PReNet (Ren et al. 2019, arXiv 1901.09221): SAPNet's recurrent frame around five plain residual blocks.
#pragma once

#include <vector>

#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "model/layer_reader.h"
#include "model/network.h"

namespace sapnet::model {

class Prenet final : public Network {
 public:
  explicit Prenet(LayerReader reader);

  std::string_view name() const override { return "PReNet"; }
  engine::Tensor forward(const engine::Tensor& rainy, int stages) const override;
  std::size_t memory(const engine::Shape& rainy) const override;
  std::size_t memory_kept(const engine::Shape& rainy) const override;
  void pack() override;

 private:
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
