// PReNet (Ren et al. 2019, arXiv 1901.09221): a recurrent network with five plain residual blocks. With
// SAPNet's dilations it is SAPNet without attention.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/recurrent_network.h"

namespace sapnet::model {

/// Tensor names and dilations of the blocks.
struct PrenetBlocks {
  std::string_view name = kPrenet;
  std::string_view second = ".2";  // infix of the second convolution's tensor names
  std::array<std::int64_t, 5> dilations = {1, 1, 1, 1, 1};
};

class Prenet final : public RecurrentNetwork {
 public:
  explicit Prenet(LayerBuilder builder, const PrenetBlocks& blocks = {});

  std::string_view name() const override { return name_; }

 private:
  struct ResidualBlock {
    engine::Conv2dWeights first, second;
  };

  engine::Tensor cell_and_blocks(engine::Tensor x, engine::LstmState& state) const override;
  void pack_blocks() override;

  std::string_view name_;
  std::vector<ResidualBlock> blocks_;  // 32 → 32 each
};

}  // namespace sapnet::model
