#include "engine/ops/max_pool.h"

#include <string>
#include <utility>

#include "engine/ops/op.h"
#include "kernels/max_pool/max_pool.h"

namespace sapnet::engine {
namespace {

void check_geometry(const MaxPoolGeometry& g) {
  if (g.kernel != 2 && g.kernel != 3)
    throw Error("max_pool: kernel must be 2 or 3, not " + std::to_string(g.kernel));
  check_at_least("max_pool", "stride", g.stride, 1);
  check_at_least("max_pool", "padding", g.padding, 0);
  if (g.padding > g.kernel / 2)
    throw Error("max_pool: a padding of " + std::to_string(g.padding) + " is more than half of a kernel of " +
                std::to_string(g.kernel));
}

/// The packed argmax is stored as raw bits in a float tensor.
std::uint32_t* words(Tensor& argmax) { return reinterpret_cast<std::uint32_t*>(data_or_null(argmax)); }
const std::uint32_t* words(const Tensor& argmax) {
  return reinterpret_cast<const std::uint32_t*>(argmax.data());
}

}  // namespace

Tensor max_pool(const Tensor& x, const MaxPoolGeometry& geometry) {
  if (!x) throw Error("max_pool: input is empty");
  const Shape& in = x.shape();
  const Device device = x.device();
  const DType maps = x.dtype();
  check_execution("max_pool", {.device = device, .maps = maps});
  check_geometry(geometry);
  const kernels::MaxPoolProblem problem = {
      in.n, in.h, in.w, in.c, geometry.kernel, geometry.stride, geometry.padding};
  const Shape out_shape = {in.n, problem.out_h(), problem.out_w(), in.c};
  if (out_shape.h == 0 || out_shape.w == 0)
    throw Error("max_pool: a kernel of " + std::to_string(geometry.kernel) +
                " does not fit into an input of shape " + to_string(in) + " with padding " +
                std::to_string(geometry.padding));
  Tape* const tape = tape_for(x);
  Tensor out(out_shape, device, maps), argmax;
  if (tape) {
    const std::int64_t pixels = out_shape.n * out_shape.h * out_shape.w;
    argmax = workspace(pixels * problem.argmax_words(), device);
  }
  launch(device, maps, [&]<class T>(const auto& context, T) {
    max_pool(context, problem,
             kernels::MaxPoolArguments<T>{.in = x.data<T>(), .out = out.data<T>(), .argmax = words(argmax)});
  });
  record_backward(tape, out, [=](const Tensor& dout) {
    Tensor din(x.shape(), device, maps);
    launch(device, maps, [&]<class T>(const auto& context, T) {
      max_pool_backward(context, problem,
                        kernels::MaxPoolBackwardArguments<T>{
                            .dout = dout.data<T>(), .argmax = words(argmax), .din = din.data<T>()});
    });
    add_gradient(x, std::move(din));
  });
  return out;
}

}  // namespace sapnet::engine
