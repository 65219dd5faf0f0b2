#include "engine/ops/attended_conv.h"

#include <string>
#include <utility>

#include "engine/error.h"
#include "engine/ops/op.h"
#include "kernels/attended_conv/attended_conv.h"
#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::engine {

namespace {

/// The convolution of an attended_conv; c is taken from w3.
Conv2dWeights conv_weights(Tensor weight, Tensor bias, const Tensor& w3, std::int64_t dilation,
                           const Execution& execution) {
  check_execution("attended_conv", execution);
  check_at_least("attended_conv", "dilation", dilation, 1);
  const std::int64_t c = w3.shape().n;
  check_tensor("attended_conv", "weight", weight, {c, c, 3, 3}, DType::kFloat32, execution.device);
  check_tensor("attended_conv", "bias", bias, {1, 1, 1, c}, DType::kFloat32, execution.device);
  return {std::move(weight), std::move(bias), {c, 0}, {1, dilation, dilation}, execution};
}

}  // namespace

AttendedConvWeights::AttendedConvWeights(Tensor weight, Tensor bias, Tensor w1, Tensor w2, Tensor w3,
                                         std::int64_t dilation, const Execution& execution)
    : dilation_(dilation),
      conv_(conv_weights(std::move(weight), std::move(bias), w3, dilation, execution)),
      w1_(std::move(w1)),
      w2_(std::move(w2)),
      w3_(std::move(w3)) {
  const std::int64_t c = w3_.shape().n, hidden = w1_.shape().n;
  check_tensor("attended_conv", "w1", w1_, {hidden, c, 1, 1}, DType::kFloat32, execution.device);
  check_tensor("attended_conv", "w2", w2_, {c, hidden, 1, 1}, DType::kFloat32, execution.device);
  check_tensor("attended_conv", "w3", w3_, {c, c, 1, 1}, DType::kFloat32, execution.device);
  launch(execution.device, [&](const auto& context) {
    if (!supports_attended_conv(context, problem(1, 1, 1)))
      throw Error("attended_conv: w3 of shape " + to_string(w3_.shape()) +
                  " is not supported on a GPU, which requires 32 channels");
  });
}

kernels::AttendedConvProblem AttendedConvWeights::problem(std::int64_t n, std::int64_t h,
                                                          std::int64_t w) const {
  return {.n = n,
          .h = h,
          .w = w,
          .c = w1_.shape().h,
          .hidden = w1_.shape().n,
          .dilation = dilation_,
          .algorithm = conv_.problem(n, h, w).algorithm};
}

SummedMap attended_conv(const SummedMap& x, const AttendedConvWeights& weights, std::int64_t next_dilation,
                        Tensor residual) {
  if (!x.map) throw Error("attended_conv: input is empty");
  if (!x.shifted_sums) throw Error("attended_conv: input has no shifted sums");
  check_at_least("attended_conv", "the next dilation", next_dilation, 1);
  const Shape& shape = x.map.shape();
  const Conv2dWeights& conv = weights.conv();
  const DType maps = conv.packed().dtype();
  const Device device = conv.packed().device();
  kernels::AttendedConvProblem problem = weights.problem(shape.n, shape.h, shape.w);
  problem.next_dilation = next_dilation;
  const std::int64_t partials = x.shifted_sums.shape().h;
  check_tensor("attended_conv", "input", x.map, {shape.n, shape.h, shape.w, problem.c}, maps, device);
  check_tensor("attended_conv", "shifted sums", x.shifted_sums, {shape.n, partials, 9, problem.c},
               DType::kFloat32, device);
  if (x.dilation != problem.dilation)
    throw Error("attended_conv: shifted sums are for dilation " + std::to_string(x.dilation) + ", not " +
                std::to_string(problem.dilation));
  if (residual) check_tensor("attended_conv", "residual", residual, shape, maps, device);
  Tape* const tape = tape_for(x.map, residual, conv.weight());
  SummedMap out{reuse_or_allocate(shape, device, maps, residual), {}, next_dilation};
  // Saved for the backward pass: the attention, and the map before the residual for the ReLU before it.
  Tensor statistics, pre_residual;
  if (tape) statistics = Tensor({1, 1, 1, kernels::AttentionStatistics<float>::count(problem)}, device);
  if (tape && residual) pre_residual = Tensor(shape, device, maps);
  launch(device, maps, [&]<class T>(const auto& context, T) {
    out.shifted_sums = Tensor({shape.n, conv2d_partials(context, problem.conv()), 9, problem.c}, device);
    attended_conv(context, problem,
                  kernels::AttendedConvArguments<T>{.in = x.map.data<T>(),
                                                    .attention = {.shifted_sums = x.shifted_sums.data(),
                                                                  .partials = partials,
                                                                  .weight = conv.weight().data(),
                                                                  .bias = conv.bias().data(),
                                                                  .w1 = weights.w1().data(),
                                                                  .w2 = weights.w2().data(),
                                                                  .w3 = weights.w3().data()},
                                                    .packed = conv.packed().data<T>(),
                                                    .residual = data_or_null<T>(std::as_const(residual)),
                                                    .out = out.map.data<T>(),
                                                    .pre_residual = data_or_null<T>(pre_residual),
                                                    .out_shifted_sums = out.shifted_sums.data(),
                                                    .statistics = data_or_null<float>(statistics)});
  });
  const auto residual_gradient = residual.gradient();
  const Tensor map = out.map, input = x.map;
  record_backward(tape, out.map, [=, &weights](Tensor dy) {
    Tensor before, dresidual;
    if (residual_gradient) {
      before = std::move(*residual_gradient);
      dresidual = reuse_or_allocate(shape, device, dy.dtype(), before);
    }
    launch(device, dy.dtype(), [&]<class T>(const auto& context, T) {
      attended_conv_backward(context, problem,
                             kernels::AttendedConvBackwardArguments<T>{
                                 .dout = dy.data<T>(),
                                 .out = map.data<T>(),
                                 .pre_residual = data_or_null<T>(pre_residual),
                                 .statistics = statistics.data(),
                                 .w1 = weights.w1().data(),
                                 .w2 = weights.w2().data(),
                                 .w3 = weights.w3().data(),
                                 .dy = dy.data<T>(),
                                 .dresidual_before = data_or_null<T>(std::as_const(before)),
                                 .dresidual = data_or_null<T>(dresidual),
                                 .dw1 = weights.w1().gradient()->data(),
                                 .dw2 = weights.w2().gradient()->data(),
                                 .dw3 = weights.w3().gradient()->data()});
    });
    if (residual_gradient) *residual_gradient = std::move(dresidual);
    conv2d_backward({input, {}, std::move(dy)}, weights.conv());
  });
  return out;
}

}  // namespace sapnet::engine
