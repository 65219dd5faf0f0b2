#include "engine/ops/conv_lstm.h"

#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/ops/op.h"
#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::engine {

ConvLstmWeights::ConvLstmWeights(const std::array<const Parameter*, 4>& weights,
                                 const std::array<const Parameter*, 4>& biases, const Execution& execution) {
  check_execution("conv_lstm", execution);
  const auto& shape = weights[0]->shape;
  if (shape.size() != 4 || shape[2] != 3 || shape[3] != 3 || shape[0] < 1 || shape[0] % 16 != 0 ||
      shape[1] <= shape[0])
    throw Error("tensor '" + weights[0]->name + "' of shape " + to_string(shape) +
                " is no 3×3 gate of a conv_lstm");
  std::vector<float> weight, bias;
  for (std::size_t gate = 0; gate < 4; ++gate) {
    if (weights[gate]->shape != shape || biases[gate]->values.size() != static_cast<std::size_t>(shape[0]))
      throw Error("tensors '" + weights[gate]->name + "' of shape " + to_string(weights[gate]->shape) +
                  " and '" + biases[gate]->name + "' of shape " + to_string(biases[gate]->shape) +
                  " do not fit a gate of shape " + to_string(shape));
    weight.insert(weight.end(), weights[gate]->values.begin(), weights[gate]->values.end());
    bias.insert(bias.end(), biases[gate]->values.begin(), biases[gate]->values.end());
  }
  layer_ = {.in_channels = shape[1] - shape[0], .hidden = shape[0]};
  algorithm_ = algorithm_for(layer_.conv(), execution);
  dispatch(
      execution.device,
      [&] {
        packed_ = packed_weights<float>(
            kernels::cpu::packed_conv_lstm_size(layer_, algorithm_), execution.device,
            [&](float* packed) { kernels::cpu::pack_conv_lstm(layer_, algorithm_, weight.data(), packed); });
      },
      [&](auto /*stream*/) {
        if (!kernels::cuda::takes_conv_lstm(layer_))
          throw Error("tensor '" + weights[0]->name + "' of shape " + to_string(shape) +
                      " cannot run on a GPU, which takes 32 channels in and hidden");
        visit_dtype(execution.maps, [&]<class T>(T) {
          packed_ = packed_weights<T>(
              kernels::cuda::packed_conv_lstm_size(layer_), execution.device,
              [&](T* packed) { kernels::cuda::pack_conv_lstm(layer_, weight.data(), packed); });
        });
      });
  bias_ = from_host(bias, {1, 1, 1, 4 * layer_.hidden}, execution.device);
}

namespace {

LstmState step(const Tensor& x, LstmState state, const ConvLstmWeights& weights,
               kernels::ConvLstmProblem problem, Tensor* shifted_sums) {
  const Shape map = {problem.n, problem.h, problem.w, problem.hidden};
  const DType maps = weights.packed().dtype();
  const Device device = weights.packed().device();
  const Shape in = {problem.n, problem.h, problem.w, problem.in_channels};
  check_tensor("conv_lstm", "input", x, in, maps, device);
  if (state.hidden || state.cell) {
    check_tensor("conv_lstm", "hidden state", state.hidden, map, maps, device);
    check_tensor("conv_lstm", "cell state", state.cell, map, DType::kFloat32, device);
  }
  LstmState next{Tensor(map, device, maps), output_for(map, device, DType::kFloat32, state.cell)};
  const auto arguments = [&]<class T>(T) {
    return kernels::BasicConvLstmArguments<T>{
        .x = x.data<T>(),
        .h = state.hidden ? state.hidden.data<T>() : nullptr,
        .c = state.cell ? state.cell.data() : nullptr,
        .weight = weights.packed().data<T>(),
        .bias = weights.bias().data(),
        .h_out = next.hidden.data<T>(),
        .c_out = next.cell.data(),
        .shifted_sums = shifted_sums ? shifted_sums->data() : nullptr,
    };
  };
  const auto make_sums = [&](std::int64_t parts) {
    if (shifted_sums) *shifted_sums = Tensor({problem.n, parts, 9, problem.hidden}, device);
  };
  dispatch(
      device,
      [&] {
        make_sums(kernels::cpu::shifted_sums_parts(problem.h));
        kernels::cpu::conv_lstm(problem, weights.algorithm(), arguments(float()));
      },
      [&](auto stream) {
        make_sums(kernels::cuda::conv_lstm_parts(problem));
        visit_dtype(maps, [&](auto t) { kernels::cuda::conv_lstm(problem, arguments(t), stream); });
      });
  return next;
}

kernels::ConvLstmProblem problem_for(const Tensor& x, const ConvLstmWeights& weights) {
  if (!x) throw Error("conv_lstm: input is empty");
  return weights.problem(x.shape());
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
