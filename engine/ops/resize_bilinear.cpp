#include "engine/ops/resize_bilinear.h"

#include <utility>

#include "engine/ops/op.h"
#include "kernels/resize_bilinear/resize_bilinear.h"

namespace sapnet::engine {

Tensor resize_bilinear(const Tensor& x, std::int64_t h, std::int64_t w, Tensor residual) {
  if (!x) throw Error("resize_bilinear: input is empty");
  check_at_least("resize_bilinear", "height", h, 1);
  check_at_least("resize_bilinear", "width", w, 1);
  const Device device = x.device();
  const DType maps = x.dtype();
  check_execution("resize_bilinear", {.device = device, .maps = maps});
  const Shape in = x.shape(), out_shape = {in.n, h, w, in.c};
  if (residual) check_tensor("resize_bilinear", "residual", residual, out_shape, maps, device);
  const kernels::ResizeProblem problem = {in.n, in.h, in.w, in.c, h, w};
  Tape* const tape = tape_for(x, residual);
  Tensor out = reuse_or_allocate(out_shape, device, maps, residual);
  launch(device, maps, [&]<class T>(const auto& context, T) {
    resize_bilinear(
        context, problem,
        kernels::ResizeArguments<T>{
            .in = x.data<T>(), .residual = data_or_null<T>(std::as_const(residual)), .out = out.data<T>()});
  });
  const auto residual_gradient = residual.gradient();
  record_backward(tape, out, [=](const Tensor& dout) {
    if (x.tracked()) {
      Tensor din(in, device, maps);
      launch(device, maps, [&]<class T>(const auto& context, T) {
        resize_bilinear_backward(
            context, problem,
            kernels::ResizeBackwardArguments<T>{.dout = dout.data<T>(), .din = din.data<T>()});
      });
      add_gradient(x, std::move(din));
    }
    if (residual_gradient) add_gradient(residual_gradient, dout);
  });
  return out;
}

}  // namespace sapnet::engine
