#include "engine/ops/charbonnier.h"

#include "engine/ops/op.h"
#include "engine/tape.h"
#include "kernels/charbonnier/charbonnier.h"

namespace sapnet::engine {

Tensor charbonnier(const Tensor& x, const Tensor& y) {
  if (!x) throw Error("charbonnier: input is empty");
  const Device device = x.device();
  check_tensor("charbonnier", "input", x, x.shape(), DType::kFloat32, device);
  check_tensor("charbonnier", "second input", y, x.shape(), DType::kFloat32, device);
  const std::int64_t count = x.shape().count();
  Tensor value({1, 1, 1, 1}, device);
  const kernels::CharbonnierArguments arguments = {.x = x.data(), .y = y.data(), .value = value.data()};
  dispatch(
      device, [&] { kernels::cpu::charbonnier(count, arguments); },
      [&](auto stream) {
        Tensor memory = workspace(kernels::cuda::charbonnier_workspace(count), device);
        kernels::cuda::charbonnier(count, arguments, memory.data(), stream);
      });
  Tape* const tape = tape_for(x);
  if (!tape) return value;
  value.track();
  tape->record([=] {
    const Tensor dvalue = take_gradient(value);
    if (!dvalue) return;
    Tensor dx(x.shape(), device);
    const kernels::CharbonnierBackwardArguments back = {
        .x = x.data(), .y = y.data(), .dvalue = dvalue.data(), .dx = dx.data()};
    dispatch(
        device, [&] { kernels::cpu::charbonnier_backward(count, back); },
        [&](auto stream) { kernels::cuda::charbonnier_backward(count, back, stream); });
    add_gradient(x, std::move(dx));
  });
  return value;
}

}  // namespace sapnet::engine
