#include "engine/ops/feature_contrast.h"

#include "engine/ops/op.h"
#include "engine/tape.h"
#include "kernels/feature_contrast/feature_contrast.h"

namespace sapnet::engine {

Tensor feature_contrast(const Tensor& derained, const Tensor& clean, const Tensor& rainy) {
  if (!derained) throw Error("feature_contrast: the derained map is empty");
  const Shape shape = derained.shape();
  const DType maps = derained.dtype();
  const Device device = derained.device();
  check_execution("feature_contrast", {.device = device, .maps = maps});
  check_tensor("feature_contrast", "the clean map", clean, shape, maps, device);
  check_tensor("feature_contrast", "the rainy map", rainy, shape, maps, device);
  const kernels::FeatureContrastProblem problem{shape.count()};
  Tape* const tape = tape_for(derained);
  Tensor value({1, 1, 1, 1}, device), signs, factors;
  if (tape) {
    signs = workspace(problem.floats_of_signs(), device);
    factors = workspace(2, device);
  }
  launch(device, maps, [&]<class T>(const auto& context, T) {
    feature_contrast(
        context, problem,
        kernels::FeatureContrastArguments<T>{.derained = derained.data<T>(),
                                             .clean = clean.data<T>(),
                                             .rainy = rainy.data<T>(),
                                             .value = value.data(),
                                             .signs = reinterpret_cast<std::int8_t*>(data_or_null(signs)),
                                             .factors = data_or_null(factors)});
  });
  record_backward(tape, value, [=](const Tensor& dvalue) {
    Tensor dderained(shape, device, maps);
    launch(device, maps, [&]<class T>(const auto& context, T) {
      feature_contrast_backward(context, problem,
                                kernels::FeatureContrastBackwardArguments<T>{
                                    .signs = reinterpret_cast<const std::int8_t*>(signs.data()),
                                    .factors = factors.data(),
                                    .dvalue = dvalue.data(),
                                    .dderained = dderained.data<T>()});
    });
    add_gradient(derained, std::move(dderained));
  });
  return value;
}

}  // namespace sapnet::engine
