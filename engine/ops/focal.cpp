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
  launch(device, [&](const auto& context) {
    focal(context, problem,
          kernels::FocalArguments{
              .logits = logits.data(), .value = value.data(), .dlogits = data_or_null(dlogits)});
  });
  record_backward(tape, value, [=](const Tensor& dvalue) {
    Tensor scaled = dlogits;  // in place
    launch(device, [&](const auto& context) {
      focal_backward(context, problem,
                     kernels::FocalBackwardArguments{.dlogits = scaled.data(), .dvalue = dvalue.data()});
    });
    add_gradient(logits, std::move(scaled));
  });
  return value;
}

}  // namespace sapnet::engine
