#include "engine/ops/conv_lstm.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/ops/op.h"
#include "engine/ops/packing.h"
#include "kernels/conv_lstm/conv_lstm.h"
#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::engine {

ConvLstmWeights::ConvLstmWeights(std::array<Tensor, 4> weights, std::array<Tensor, 4> biases,
                                 const Execution& execution)
    : execution_(execution), weights_(std::move(weights)), biases_(std::move(biases)) {
  check_execution("conv_lstm", execution);
  const Shape& shape = weights_[0].shape();  // (hidden, in + hidden, 3, 3)
  if (shape.w != 3 || shape.c != 3 || shape.n % 16 != 0 || shape.h <= shape.n)
    throw Error("conv_lstm: a weight of shape " + to_string(shape) + " is not a 3×3 gate");
  for (std::size_t gate = 0; gate < 4; ++gate) {
    check_tensor("conv_lstm", "a gate's weight", weights_[gate], shape, DType::kFloat32, execution.device);
    if (biases_[gate].shape().count() != shape.n)
      throw Error("conv_lstm: a bias of shape " + to_string(biases_[gate].shape()) +
                  " does not fit a gate of shape " + to_string(shape));
  }
  layer_ = {.in_channels = shape.h - shape.n, .hidden = shape.n};
  layer_.algorithm =
      execution.strict ? kernels::Conv2dAlgorithm::kDirect : kernels::fastest_algorithm(layer_.conv());
  weight_ = Tensor({4 * shape.n, shape.h, 3, 3}, execution.device);
  bias_ = Tensor({1, 1, 1, 4 * shape.n}, execution.device);
  concatenate_gates();
  pack_on_host();
  if (!tracked()) return;
  weight_.track(zeros(weight_.shape(), execution.device));
  bias_.track(zeros(bias_.shape(), execution.device));
  gates_.push_back({weight_, bias_, layer_.conv().in_channels, {}, execution_});
  if (execution.device == Device::kCpu) return;
  const std::vector<std::int32_t> indices = weight_indices(weight_.shape().count());
  indices_ = packed_indices(packed_, [&](std::int32_t* packed) {
    dispatch(
        execution.device, [](const auto& /*context*/) {},
        [&](const auto& /*context*/) {
          visit_dtype(packed_.dtype(), [&]<class T>(T) {
            kernels::cuda::pack_conv_lstm_indices<T>(layer_, indices.data(), packed);
          });
        });
  });
}

void ConvLstmWeights::concatenate_gates() {
  const auto concatenate = [](const std::array<Tensor, 4>& gates, const Tensor& joined) {
    std::int64_t first = 0;
    for (const Tensor& gate : gates) {
      Tensor slice = joined.slice(first, gate.shape());
      copy(gate, slice);
      first += gate.shape().count();
    }
  };
  concatenate(weights_, weight_);
  concatenate(biases_, bias_);
}

void ConvLstmWeights::pack() {
  concatenate_gates();
  for (Conv2dWeights& gates : gates_) gates.pack();
  if (execution_.device == Device::kCpu) return pack_on_host();
  pack_by_gather(weight_, indices_, packed_);
}

void ConvLstmWeights::pack_on_host() {
  const std::vector<float> weight = to_vector(weight_);
  launch(execution_.device, execution_.maps, [&]<class T>(const auto& context, T) {
    if (!supports_conv_lstm(context, layer_))
      throw Error("conv_lstm: gates of shape " + to_string(weights_[0].shape()) +
                  " is not supported on a GPU, which requires 32 channels in and hidden");
    packed_ = packed_weights<T>(packed_conv2d_size(context, layer_.conv()), execution_.device,
                                [&](T* packed) { pack_conv_lstm(context, layer_, weight.data(), packed); });
  });
}

void ConvLstmWeights::backward(const Tensor& dgates, const Tensor& x, const Tensor& h) const {
  conv2d_backward({x, h, dgates}, gates_.front(), [this] { split_gradients(); });
}

/// Moves the gradients of the concatenated weights and biases to those of the individual gates.
void ConvLstmWeights::split_gradients() const {
  const auto split = [&](Tensor& joined, const std::array<Tensor, 4>& gates) {
    std::int64_t first = 0;
    for (const Tensor& gate : gates) {
      Tensor& gradient = *gate.gradient();
      // A new tensor, because the slice belongs to `joined`.
      if (!gradient) gradient = zeros(gate.shape(), gate.device());
      add_gradient(gate, joined.slice(first, gate.shape()));
      first += gate.shape().count();
    }
    set_zero(joined);
  };
  split(*weight_.gradient(), weights_);
  split(*bias_.gradient(), biases_);
}

kernels::ConvLstmProblem ConvLstmWeights::problem(std::int64_t n, std::int64_t h, std::int64_t w) const {
  kernels::ConvLstmProblem problem = layer_;
  problem.n = n;
  problem.h = h;
  problem.w = w;
  return problem;
}

namespace {

LstmState step(const Tensor& x, LstmState state, const ConvLstmWeights& weights,
               kernels::ConvLstmProblem problem, Tensor* shifted_sums) {
  const Shape map = {problem.n, problem.h, problem.w, problem.hidden};
  const DType maps = weights.packed().dtype();
  const Device device = weights.packed().device();
  check_tensor("conv_lstm", "input", x, {problem.n, problem.h, problem.w, problem.in_channels}, maps, device);
  if (state.hidden || state.cell) {
    check_tensor("conv_lstm", "hidden state", state.hidden, map, maps, device);
    check_tensor("conv_lstm", "cell state", state.cell, map, DType::kFloat32, device);
  }
  Tape* const tape = weights.tracked() ? Tape::current() : nullptr;
  Tensor gates;
  if (tape) gates = Tensor({problem.n, problem.h, problem.w, 4 * problem.hidden}, device, maps);
  // The backward pass needs the previous state, so keep handles to prevent in-place writes.
  const LstmState before = tape ? state : LstmState{};
  LstmState next{Tensor(map, device, maps), reuse_or_allocate(map, device, DType::kFloat32, state.cell)};
  launch(device, maps, [&]<class T>(const auto& context, T) {
    if (shifted_sums)
      *shifted_sums =
          Tensor({problem.n, conv2d_partials(context, problem.conv()), 9, problem.hidden}, device);
    conv_lstm(context, problem,
              kernels::ConvLstmArguments<T>{
                  .x = x.data<T>(),
                  .h = data_or_null<T>(std::as_const(state.hidden)),
                  .c = data_or_null(std::as_const(state.cell)),
                  .weight = weights.packed().data<T>(),
                  .bias = weights.bias().data(),
                  .h_out = next.hidden.data<T>(),
                  .c_out = next.cell.data(),
                  .gates = data_or_null<T>(gates),
                  .shifted_sums = shifted_sums ? shifted_sums->data() : nullptr,
              });
  });
  if (!tape) return next;

  next.hidden.track();
  next.cell.track();
  tape->record([=, &weights] {
    const Tensor dh = take_gradient(next.hidden);
    Tensor dc = take_gradient(next.cell);
    if (!dh && !dc) return;
    Tensor dgates = gates;  // in place
    const Tensor dc_out = dc;
    if (!dc && before.cell) dc = Tensor(map, device);
    launch(device, maps, [&]<class T>(const auto& context, T) {
      conv_lstm_backward(context, problem,
                         kernels::ConvLstmBackwardArguments<T>{.gates = gates.data<T>(),
                                                               .c = data_or_null(before.cell),
                                                               .h_out = next.hidden.data<T>(),
                                                               .dh_out = data_or_null<T>(dh),
                                                               .dc_out = data_or_null(dc_out),
                                                               .dgates = dgates.data<T>(),
                                                               .dc = before.cell ? dc.data() : nullptr});
    });
    if (before.cell.tracked()) add_gradient(before.cell, std::move(dc));
    weights.backward(dgates, x, before.hidden);
  });
  return next;
}

kernels::ConvLstmProblem problem_for(const Tensor& x, const ConvLstmWeights& weights) {
  if (!x) throw Error("conv_lstm: input is empty");
  return weights.problem(x.shape().n, x.shape().h, x.shape().w);
}

}  // namespace

LstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights) {
  return step(x, std::move(state), weights, problem_for(x, weights), nullptr);
}

SummedLstmState conv_lstm(const Tensor& x, LstmState state, const ConvLstmWeights& weights,
                          std::int64_t next_dilation) {
  check_at_least("conv_lstm", "the next dilation", next_dilation, 1);
  kernels::ConvLstmProblem problem = problem_for(x, weights);
  problem.sums_dilation = next_dilation;
  Tensor shifted_sums;
  LstmState next = step(x, std::move(state), weights, problem, &shifted_sums);
  SummedMap hidden{next.hidden, std::move(shifted_sums), next_dilation};
  return {std::move(next), std::move(hidden)};
}

}  // namespace sapnet::engine
