// The recurrent structure that SAPNet and PReNet share: stages with the same weights, each of which refines
// the previous stage's output.
//
//   x = relu(conv_in([rainy, derained]))
//   h, c = conv_lstm([x, h], c)
//   derained = conv_out(blocks(h)) + rainy
//
// Initially derained = rainy and h = c = 0. The derived class has the five residual blocks.
#pragma once

#include <cstdint>

#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "model/layer_builder.h"
#include "model/network.h"

namespace sapnet::model {

class RecurrentNetwork : public Network {
 public:
  engine::Tensor forward(const engine::Tensor& rainy, int stages) const final;
  void pack() final;

  /// Peak, reached during a block's second convolution: hidden and cell state, the block's intermediate map
  /// and its input or output, and the previous stage's images.
  std::size_t forward_bytes(const engine::Shape& rainy) const override;

  /// The output of conv_in; the cell's four gates and two states; and the intermediate map, pre-residual map
  /// and output of each of the five blocks.
  std::size_t training_bytes_per_stage(const engine::Shape& rainy) const final;

 protected:
  static constexpr std::int64_t kChannels = 32;

  /// Builds conv_in, conv_lstm and conv_out; derived classes add their blocks.
  explicit RecurrentNetwork(LayerBuilder& builder);

  engine::DType maps() const { return maps_; }
  const engine::ConvLstmWeights& cell() const { return conv_lstm_; }

 private:
  /// Runs the LSTM cell on x, which is released early, updates the state, and runs the residual blocks on the
  /// new hidden state. All maps have kChannels channels.
  virtual engine::Tensor cell_and_blocks(engine::Tensor x, engine::LstmState& state) const = 0;

  virtual void pack_blocks() = 0;

  engine::Conv2dWeights conv_in_;      // [rainy, derained] 6 → 32
  engine::ConvLstmWeights conv_lstm_;  // [x, h] 64 → 4 × 32
  engine::Conv2dWeights conv_out_;     // 32 → 3
  engine::DType maps_;
};

}  // namespace sapnet::model
