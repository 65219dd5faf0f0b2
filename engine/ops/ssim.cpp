#include "engine/ops/ssim.h"

#include <array>

#include "engine/ops/op.h"
#include "engine/tape.h"
#include "kernels/ssim/ssim.h"

namespace sapnet::engine {

Tensor ssim(const Tensor& x, const Tensor& y) {
  if (!x) throw Error("ssim: input is empty");
  check_tensor("ssim", "input", x, x.shape(), DType::kFloat32, x.device());
  check_tensor("ssim", "second input", y, x.shape(), DType::kFloat32, x.device());
  const Shape& shape = x.shape();
  const kernels::SsimProblem problem{shape.n, shape.h, shape.w, shape.c};
  const Device device = x.device();
  Tape* const tape = tape_for(x);
  Tensor derivatives;
  if (tape) derivatives = Tensor({3 * shape.n, shape.h, shape.w, shape.c}, device);
  Tensor value({1, 1, 1, 1}, device);
  launch(device, [&](const auto& context) {
    ssim(context, problem,
         kernels::SsimArguments{
             .x = x.data(), .y = y.data(), .value = value.data(), .derivatives = data_or_null(derivatives)});
  });
  record_backward(tape, value, [=](const Tensor& dvalue) {
    Tensor dx(shape, device);
    launch(device, [&](const auto& context) {
      ssim_backward(context, problem,
                    kernels::SsimBackwardArguments{.x = x.data(),
                                                   .y = y.data(),
                                                   .derivatives = derivatives.data(),
                                                   .dvalue = dvalue.data(),
                                                   .dx = dx.data()});
    });
    add_gradient(x, std::move(dx));
  });
  return value;
}

}  // namespace sapnet::engine
