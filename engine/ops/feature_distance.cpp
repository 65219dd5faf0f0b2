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
  const auto arguments = [&]<class T>(T) {
    return kernels::BasicFeatureDistanceArguments<T>{.derained = derained.data<T>(),
                                                     .clean = clean.data<T>(),
                                                     .weight = weight.data(),
                                                     .value = value.data()};
  };
  dispatch(
      device, [&] { kernels::cpu::feature_distance(problem, arguments(float())); },
      [&](auto stream) {
        Tensor memory = workspace(kernels::cuda::feature_distance_workspace(problem), device);
        visit_dtype(maps, [&](auto t) {
          kernels::cuda::feature_distance(problem, arguments(t), memory.data(), stream);
        });
      });
  Tape* const tape = tape_for(derained);
  if (!tape) return value;
  value.track();
  tape->record([=] {
    const Tensor dvalue = take_gradient(value);
    if (!dvalue) return;
    Tensor dderained(shape, device, maps);
    const auto backward_arguments = [&]<class T>(T) {
      return kernels::BasicFeatureDistanceBackwardArguments<T>{.derained = derained.data<T>(),
                                                               .clean = clean.data<T>(),
                                                               .weight = weight.data(),
                                                               .dvalue = dvalue.data(),
                                                               .dderained = dderained.data<T>()};
    };
    dispatch(
        device, [&] { kernels::cpu::feature_distance_backward(problem, backward_arguments(float())); },
        [&](auto stream) {
          visit_dtype(maps, [&](auto t) {
            kernels::cuda::feature_distance_backward(problem, backward_arguments(t), stream);
          });
        });
    add_gradient(derained, std::move(dderained));
  });
  return value;
}

}  // namespace sapnet::engine
