#include "engine/ops/attended_conv.h"

#include <string>

#include "engine/error.h"
#include "engine/ops/op.h"

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
                                         Device device, bool strict) {
  if (weight.shape.size() != 4 || w1.shape.empty())
    throw Error("tensors '" + weight.name + "' of shape " + to_string(weight.shape) + " and '" + w1.name +
                "' of shape " + to_string(w1.shape) + " are no attended convolution");
  layer_ = {.c = weight.shape[0], .hidden = w1.shape[0], .dilation = dilation};
  weight_ = matrix(weight, layer_.c, layer_.c * 9, device);
  bias_ = matrix(bias, 1, layer_.c, device);
  w1_ = matrix(w1, layer_.hidden, layer_.c, device);
  w2_ = matrix(w2, layer_.c, layer_.hidden, device);
  w3_ = matrix(w3, layer_.c, layer_.c, device);
  const kernels::Conv2dProblem conv = layer_.conv();
  algorithm_ = strict ? kernels::Conv2dAlgorithm::kDirect : kernels::fastest_algorithm(conv);
  dispatch("attended_conv", device, [&] {
    const std::size_t size = kernels::cpu::packed_conv2d_size(conv, algorithm_);
    packed_ = Tensor({1, 1, 1, static_cast<std::int64_t>(size)}, device);
    kernels::cpu::pack_conv2d(conv, algorithm_, weight.values.data(), packed_.data());
  });
}

kernels::AttendedConvProblem AttendedConvWeights::problem(std::int64_t n, std::int64_t h,
                                                          std::int64_t w) const {
  kernels::AttendedConvProblem problem = layer_;
  problem.n = n;
  problem.h = h;
  problem.w = w;
  return problem;
}

SummedMap attended_conv(const SummedMap& x, const AttendedConvWeights& weights, std::int64_t next_dilation,
                        Tensor residual) {
  if (!x.map) throw Error("attended_conv: input is empty");
  const Shape& shape = x.map.shape();
  const Device device = x.map.device();
  kernels::AttendedConvProblem problem = weights.problem(shape.n, shape.h, shape.w);
  problem.next_dilation = next_dilation;
  const Shape sums_shape = {shape.n, shape.h, 3, problem.c};
  check_shape("attended_conv", "input", x.map, {shape.n, shape.h, shape.w, problem.c});
  check_shape("attended_conv", "row sums", x.row_sums, sums_shape);
  if (x.dilation != problem.dilation)
    throw Error("attended_conv: row sums are for dilation " + std::to_string(x.dilation) + ", not " +
                std::to_string(problem.dilation));
  if (residual) check_shape("attended_conv", "residual", residual, shape);
  SummedMap out{output_for(shape, device, residual), Tensor(sums_shape, device), next_dilation};
  dispatch("attended_conv", device, [&] {
    kernels::cpu::attended_conv(problem, weights.algorithm(),
                                {.in = x.map.data(),
                                 .row_sums = x.row_sums.data(),
                                 .weight = weights.weight().data(),
                                 .packed = weights.packed().data(),
                                 .bias = weights.bias().data(),
                                 .w1 = weights.w1().data(),
                                 .w2 = weights.w2().data(),
                                 .w3 = weights.w3().data(),
                                 .residual = residual ? residual.data() : nullptr,
                                 .out = out.map.data(),
                                 .out_row_sums = out.row_sums.data()});
  });
  return out;
}

}  // namespace sapnet::engine
