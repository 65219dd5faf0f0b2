#include "engine/ops/batch_norm.h"

#include <cstddef>
#include <string>
#include <utility>

#include "engine/ops/op.h"
#include "kernels/batch_norm/batch_norm.h"

namespace sapnet::engine {

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, BatchNormOptions options) {
  if (!x) throw Error("batch_norm: input is empty");
  const Device device = x.device();
  const DType maps = x.dtype();
  check_execution("batch_norm", {.device = device, .maps = maps});
  const Shape shape = x.shape(), of_channels = {1, 1, 1, shape.c};
  check_tensor("batch_norm", "gamma", gamma, of_channels, DType::kFloat32, device);
  check_tensor("batch_norm", "beta", beta, of_channels, DType::kFloat32, device);
  for (const auto& [name, tensor] : {std::pair{"gamma", &gamma}, {"beta", &beta}})
    if (tensor->tracked())
      throw Error("batch_norm: " + std::string(name) +
                  " is tracked, but batch_norm computes no gradient for it");
  const Tensor residual = std::move(options.residual);
  if (residual) check_tensor("batch_norm", "residual", residual, shape, maps, device);
  const kernels::BatchNormProblem problem = {shape.n, shape.h, shape.w, shape.c};
  Tape* const tape = tape_for(x, residual);
  Tensor out = reuse_or_allocate(shape, device, maps, residual);
  Tensor mean(of_channels, device), inv_std(of_channels, device);
  const bool relu = options.relu;
  launch(device, maps, [&]<class T>(const auto& context, T) {
    batch_norm(context, problem,
               kernels::BatchNormArguments<T>{.in = x.data<T>(),
                                              .gamma = gamma.data(),
                                              .beta = beta.data(),
                                              .residual = data_or_null<T>(residual),
                                              .relu = relu,
                                              .out = out.data<T>(),
                                              .mean = mean.data(),
                                              .inv_std = inv_std.data()});
  });
  const auto residual_gradient = residual.gradient();
  record_backward(tape, out, [=](Tensor dout) {
    // One of the two gradients reuses dout's memory.
    Tensor din = residual_gradient ? Tensor(shape, device, maps) : dout;
    launch(device, maps, [&]<class T>(const auto& context, T) {
      batch_norm_backward(
          context, problem,
          kernels::BatchNormBackwardArguments<T>{.in = x.data<T>(),
                                                 .out = relu ? out.data<T>() : nullptr,
                                                 .dout = dout.data<T>(),
                                                 .gamma = gamma.data(),
                                                 .mean = mean.data(),
                                                 .inv_std = inv_std.data(),
                                                 .din = din.data<T>(),
                                                 .dresidual = residual_gradient ? dout.data<T>() : nullptr});
    });
    if (x.tracked()) add_gradient(x, std::move(din));
    if (residual_gradient) add_gradient(residual_gradient, std::move(dout));
  });
  return out;
}

}  // namespace sapnet::engine
