#include "engine/ops/feature_distance.h"

#include "engine/ops/op.h"
#include "engine/tape.h"
#include "kernels/feature_distance/feature_distance.h"

namespace sapnet::engine {

Tensor feature_distance(const Tensor& derained, const Tensor& clean, const Tensor& weight) {
  if (!derained) throw Error("feature_distance: the derained map is empty");
  const Shape shape = derained.shape();
  const DType maps = derained.dtype();
  const Device device = derained.device();
  check_execution("feature_distance", {.device = device, .maps = maps});
  check_tensor("feature_distance", "the clean map", clean, shape, maps, device);
  if (weight.shape().count() != shape.c)
    throw Error("feature_distance: a weight of shape " + to_string(weight.shape()) +
                " does not fit a map of shape " + to_string(shape));
  check_tensor("feature_distance", "weight", weight, weight.shape(), DType::kFloat32, device);
  const kernels::FeatureDistanceProblem problem{shape.n, shape.h, shape.w, shape.c};
  Tensor value({1, 1, 1, 1}, device);
  launch(device, maps, [&]<class T>(const auto& context, T) {
    feature_distance(context, problem,
                     kernels::FeatureDistanceArguments<T>{.derained = derained.data<T>(),
                                                          .clean = clean.data<T>(),
                                                          .weight = weight.data(),
                                                          .value = value.data()});
  });
  Tape* const tape = tape_for(derained);
  record_backward(tape, value, [=](const Tensor& dvalue) {
    Tensor dderained(shape, device, maps);
    launch(device, maps, [&]<class T>(const auto& context, T) {
      feature_distance_backward(
          context, problem,
          kernels::FeatureDistanceBackwardArguments<T>{.derained = derained.data<T>(),
                                                       .clean = clean.data<T>(),
                                                       .weight = weight.data(),
                                                       .dvalue = dvalue.data(),
                                                       .dderained = dderained.data<T>()});
    });
    add_gradient(derained, std::move(dderained));
  });
  return value;
}

}  // namespace sapnet::engine
