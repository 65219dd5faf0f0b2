#include "engine/ops/normalize.h"

#include "engine/ops/op.h"
#include "kernels/normalize/normalize.h"

namespace sapnet::engine {
namespace {

void run(const kernels::NormalizeProblem& problem, const Tensor& in, Tensor& out) {
  launch(in.device(), [&](const auto& context) {
    normalize(context, problem, kernels::NormalizeArguments{.in = in.data(), .out = out.data()});
  });
}

}  // namespace

Tensor normalize(const Tensor& x, const std::array<float, 3>& mean, const std::array<float, 3>& factor) {
  if (!x) throw Error("normalize: input is empty");
  const Shape& shape = x.shape();
  check_tensor("normalize", "input", x, {shape.n, shape.h, shape.w, 3}, DType::kFloat32, x.device());
  const std::int64_t pixels = shape.n * shape.h * shape.w;
  Tensor out(shape, x.device());
  run({pixels, mean, factor}, x, out);
  Tape* const tape = tape_for(x);
  record_backward(tape, out, [=](Tensor gradient) {
    run({pixels, {}, factor}, gradient, gradient);
    add_gradient(x, std::move(gradient));
  });
  return out;
}

}  // namespace sapnet::engine
