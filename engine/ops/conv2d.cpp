#include "engine/ops/conv2d.h"

#include <string>

#include "engine/error.h"
#include "engine/ops/op.h"

namespace sapnet::engine {

Conv2dWeights::Conv2dWeights(const Parameter& weight, const Parameter& bias,
                             std::array<std::int64_t, 2> in_channels, const Conv2dGeometry& geometry,
                             const Execution& execution) {
  check_execution("conv2d", execution);
  check_at_least("conv2d", "the number of the input's channels", in_channels[0], 1);
  check_at_least("conv2d", "the number of the second input's channels", in_channels[1], 0);
  check_at_least("conv2d", "stride", geometry.stride, 1);
  check_at_least("conv2d", "dilation", geometry.dilation, 1);
  check_at_least("conv2d", "padding", geometry.padding, 0);
  const auto& shape = weight.shape;
  if (shape.size() != 4 || shape[0] < 1 || shape[2] < 1 || shape[2] != shape[3] ||
      shape[1] != in_channels[0] + in_channels[1])
    throw Error("tensor '" + weight.name + "' of shape " + to_string(shape) + " is no square filter on " +
                std::to_string(in_channels[0] + in_channels[1]) + " channels");
  if (bias.values.size() != static_cast<std::size_t>(shape[0]))
    throw Error("tensor '" + bias.name + "' of shape " + to_string(bias.shape) + " is no bias for '" +
                weight.name + "' of shape " + to_string(shape));
  layer_ = {.in_channels = in_channels,
            .out_channels = shape[0],
            .kernel = shape[2],
            .stride = geometry.stride,
            .dilation = geometry.dilation,
            .padding = geometry.padding};
  algorithm_ = algorithm_for(layer_, execution);
  packed_ = packed_conv2d(layer_, algorithm_, weight, execution);
  bias_ = from_host(bias.values, {1, 1, 1, shape[0]}, execution.device);
}

Tensor conv2d(const Tensor& x, const Conv2dWeights& weights, Conv2dOptions options) {
  return conv2d(x, {}, weights, std::move(options));
}

Tensor conv2d(const Tensor& x, const Tensor& y, const Conv2dWeights& weights, Conv2dOptions options) {
  if (!x) throw Error("conv2d: input is empty");
  const Shape& in = x.shape();
  const kernels::Conv2dProblem problem = weights.problem(in);
  const DType maps = weights.packed().dtype();
  const Device device = weights.packed().device();
  check_tensor("conv2d", "input", x, {in.n, in.h, in.w, problem.in_channels[0]}, maps, device);
  if (problem.in_channels[1] > 0)
    check_tensor("conv2d", "second input", y, {in.n, in.h, in.w, problem.in_channels[1]}, maps, device);
  else if (y)
    throw Error("conv2d: second input of shape " + to_string(y.shape()) +
                " where the weights take one input of " + std::to_string(problem.in_channels[0]) +
                " channels");
  if (problem.out_h() == 0 || problem.out_w() == 0)
    throw Error("conv2d: a kernel of " + std::to_string(problem.kernel) + "×" +
                std::to_string(problem.kernel) + " with dilation " + std::to_string(problem.dilation) +
                " does not fit into an input of shape " + to_string(in) + " with padding " +
                std::to_string(problem.padding));
  const Shape out_shape = {in.n, problem.out_h(), problem.out_w(), problem.out_channels};
  const Tensor residual = std::move(options.residual);
  check_execution("conv2d", {.device = device, .maps = options.maps});
  if (residual) check_tensor("conv2d", "residual", residual, out_shape, options.maps, device);
  Tensor out = output_for(out_shape, device, options.maps, residual);
  const auto arguments = [&]<class In, class Out>(In, Out) {
    return kernels::BasicConv2dArguments<In, Out>{
        .in = {x.data<In>(), y ? y.data<In>() : nullptr},
        .weight = weights.packed().data<In>(),
        .bias = weights.bias().data(),
        .residual = residual ? residual.data<Out>() : nullptr,
        .relu = options.relu,
        .out = out.data<Out>(),
    };
  };
  dispatch(
      device, [&] { kernels::cpu::conv2d(problem, weights.algorithm(), arguments(float(), float())); },
      [&](auto stream) {
        visit_dtype(maps, [&](auto from) {
          visit_dtype(options.maps,
                      [&](auto to) { kernels::cuda::conv2d(problem, arguments(from, to), stream); });
        });
      });
  return out;
}

}  // namespace sapnet::engine
