#include "engine/ops/focal.h"

#include <string>

#include "engine/ops/op.h"
#include "engine/tape.h"
#include "kernels/focal/focal.h"

namespace sapnet::engine {

Tensor focal(const Tensor& logits, const FocalOptions& options) {
  if (!logits) throw Error("focal: logits are empty");
  const Shape& shape = logits.shape();
  const Device device = logits.device();
  check_tensor("focal", "logits", logits, shape, DType::kFloat32, device);
  if (!(options.gamma >= 0))
    throw Error("focal: gamma must not be negative, but is " + std::to_string(options.gamma));
  const kernels::FocalProblem problem{shape.n, shape.h, shape.w, shape.c, options.gamma, options.alpha};
  Tape* const tape = tape_for(logits);
  Tensor value({1, 1, 1, 1}, device), dlogits;
  if (tape) dlogits = Tensor(shape, device);
  const kernels::FocalArguments arguments = {
      .logits = logits.data(), .value = value.data(), .dlogits = data_or_null(dlogits)};
  dispatch(
      device, [&] { kernels::cpu::focal(problem, arguments); },
      [&](auto stream) {
        Tensor memory = workspace(kernels::cuda::focal_workspace(problem), device);
        kernels::cuda::focal(problem, arguments, memory.data(), stream);
      });
  if (!tape) return value;
  value.track();
  tape->record([=] {
    const Tensor dvalue = take_gradient(value);
    if (!dvalue) return;
    Tensor scaled = dlogits;  // in place
    const kernels::FocalBackwardArguments backward_arguments = {.dlogits = scaled.data(),
                                                                .dvalue = dvalue.data()};
    dispatch(
        device, [&] { kernels::cpu::focal_backward(problem, backward_arguments); },
        [&](auto stream) { kernels::cuda::focal_backward(problem, backward_arguments, stream); });
    add_gradient(logits, std::move(scaled));
  });
  return value;
}

}  // namespace sapnet::engine
