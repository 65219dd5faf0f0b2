#include "engine/ops/attended_conv.h"

#include <string>

#include "engine/error.h"
#include "engine/ops/op.h"
#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::engine {
namespace {

Tensor matrix(const Parameter& parameter, std::int64_t rows, std::int64_t columns, Device device) {
  if (parameter.values.size() != static_cast<std::size_t>(rows * columns))
    throw Error("tensor '" + parameter.name + "' of shape " + to_string(parameter.shape) +
                " is no matrix of " + std::to_string(rows) + " by " + std::to_string(columns));
  return from_host(parameter.values, {1, 1, rows, columns}, device);
}

}  // namespace

AttendedConvWeights::AttendedConvWeights(const Parameter& weight, const Parameter& bias, const Parameter& w1,
                                         const Parameter& w2, const Parameter& w3, std::int64_t dilation,
                                         const Execution& execution) {
  check_execution("attended_conv", execution);
  check_at_least("attended_conv", "dilation", dilation, 1);
  const Device device = execution.device;
  const auto& shape = weight.shape;
  if (shape.size() != 4 || shape[0] < 1 || shape[1] != shape[0] || shape[2] != 3 || shape[3] != 3)
    throw Error("tensor '" + weight.name + "' of shape " + to_string(shape) +
                " is no 3×3 filter with as many channels out as in");
  if (w1.shape.empty())
    throw Error("tensor '" + w1.name + "' of shape " + to_string(w1.shape) + " is no matrix");
  layer_ = {.c = shape[0], .hidden = w1.shape[0], .dilation = dilation};
  weight_ = matrix(weight, layer_.c, layer_.c * 9, device);
  bias_ = matrix(bias, 1, layer_.c, device);
  w1_ = matrix(w1, layer_.hidden, layer_.c, device);
  w2_ = matrix(w2, layer_.c, layer_.hidden, device);
  w3_ = matrix(w3, layer_.c, layer_.c, device);
  algorithm_ = algorithm_for(layer_.conv(), execution);
  dispatch(
      device, [] {},
      [&](auto /*stream*/) {
        if (!kernels::cuda::takes_attended_conv(layer_))
          throw Error("tensor '" + weight.name + "' of shape " + to_string(shape) +
                      " cannot run on a GPU, which takes 32 channels");
      });
  packed_ = packed_conv2d(layer_.conv(), algorithm_, weight, execution);
}

SummedMap attended_conv(const SummedMap& x, const AttendedConvWeights& weights, std::int64_t next_dilation,
                        Tensor residual) {
  if (!x.map) throw Error("attended_conv: input is empty");
  if (!x.shifted_sums) throw Error("attended_conv: input has no shifted sums");
  check_at_least("attended_conv", "the next dilation", next_dilation, 1);
  const Shape& shape = x.map.shape();
  const DType maps = weights.packed().dtype();
  const Device device = weights.packed().device();
  kernels::AttendedConvProblem problem = weights.problem(shape);
  problem.next_dilation = next_dilation;
  const std::int64_t parts = x.shifted_sums.shape().h;
  check_tensor("attended_conv", "input", x.map, {shape.n, shape.h, shape.w, problem.c}, maps, device);
  check_tensor("attended_conv", "shifted sums", x.shifted_sums, {shape.n, parts, 9, problem.c},
               DType::kFloat32, device);
  if (x.dilation != problem.dilation)
    throw Error("attended_conv: shifted sums are for dilation " + std::to_string(x.dilation) + ", not " +
                std::to_string(problem.dilation));
  if (residual) check_tensor("attended_conv", "residual", residual, shape, maps, device);
  SummedMap out{output_for(shape, device, maps, residual), {}, next_dilation};
  const auto arguments = [&]<class T>(T) {
    return kernels::BasicAttendedConvArguments<T>{
        .in = x.map.data<T>(),
        .shifted_sums = x.shifted_sums.data(),
        .parts = parts,
        .weight = weights.weight().data(),
        .packed = weights.packed().data<T>(),
        .bias = weights.bias().data(),
        .w1 = weights.w1().data(),
        .w2 = weights.w2().data(),
        .w3 = weights.w3().data(),
        .residual = residual ? residual.data<T>() : nullptr,
        .out = out.map.data<T>(),
        .out_shifted_sums = out.shifted_sums.data(),
    };
  };
  dispatch(
      device,
      [&] {
        out.shifted_sums = Tensor({shape.n, kernels::cpu::shifted_sums_parts(shape.h), 9, problem.c}, device);
        kernels::cpu::attended_conv(problem, weights.algorithm(), arguments(float()));
      },
      [&](auto stream) {
        const std::int64_t out_parts = kernels::cuda::conv2d_parts(problem.conv());
        out.shifted_sums = Tensor({shape.n, out_parts, 9, problem.c}, device);
        const std::size_t size = kernels::cuda::attended_conv_workspace(problem, parts);
        Tensor workspace({1, 1, 1, static_cast<std::int64_t>(size)}, device);
        visit_dtype(maps, [&](auto t) {
          kernels::cuda::attended_conv(problem, arguments(t), workspace.data(), stream);
        });
      });
  return out;
}

}  // namespace sapnet::engine
