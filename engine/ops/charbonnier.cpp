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
  launch(device, [&](const auto& context) {
    charbonnier(context, count,
                kernels::CharbonnierArguments{.x = x.data(), .y = y.data(), .value = value.data()});
  });
  Tape* const tape = tape_for(x);
  record_backward(tape, value, [=](const Tensor& dvalue) {
    Tensor dx(x.shape(), device);
    launch(device, [&](const auto& context) {
      charbonnier_backward(context, count,
                           kernels::CharbonnierBackwardArguments{
                               .x = x.data(), .y = y.data(), .dvalue = dvalue.data(), .dx = dx.data()});
    });
    add_gradient(x, std::move(dx));
  });
  return value;
}

}  // namespace sapnet::engine
