#include "engine/ops/norm.h"

#include "engine/ops/op.h"
#include "kernels/norm/norm.h"

namespace sapnet::engine {

void norm(const Tensor& a, const Tensor& b, Tensor value) {
  if (!a) throw Error("norm: input is empty");
  if (b) check_tensor("norm", "second input", b, a.shape(), DType::kFloat32, a.device());
  check_tensor("norm", "value", value, {1, 1, 1, 1}, DType::kFloat32, a.device());
  launch(a.device(), [&](const auto& context) {
    norm(context, a.shape().count(),
         kernels::NormArguments{.a = a.data(), .b = data_or_null(b), .value = value.data()});
  });
}

}  // namespace sapnet::engine
