#include "engine/ops/adam.h"

#include "engine/ops/op.h"

namespace sapnet::engine {

Adam::Adam(const ParameterTensors& parameters)
    : first_moments_(zeros(parameters.values().shape(), parameters.device())),
      second_moments_(zeros(parameters.values().shape(), parameters.device())) {}

void Adam::restore(std::int64_t steps, std::span<const float> first_moments,
                   std::span<const float> second_moments) {
  const Tensor first = from_host(first_moments, first_moments_.shape(), first_moments_.device());
  const Tensor second = from_host(second_moments, second_moments_.shape(), second_moments_.device());
  steps_ = steps;
  first_moments_ = first;
  second_moments_ = second;
}

void Adam::step(ParameterTensors& parameters, double learning_rate, double gradient_scale) {
  if (!parameters.gradients()) throw Error("adam: the parameters have no gradients");
  check_tensor("adam", "moments", first_moments_, parameters.values().shape(), DType::kFloat32,
               parameters.device());
  Tensor values = parameters.values();
  ++steps_;
  const kernels::AdamProblem problem = {.count = values.shape().count(),
                                        .step = steps_,
                                        .learning_rate = learning_rate,
                                        .gradient_scale = gradient_scale};
  const kernels::AdamArguments arguments = {.values = values.data(),
                                            .gradients = parameters.gradients().data(),
                                            .first_moments = first_moments_.data(),
                                            .second_moments = second_moments_.data()};
  dispatch(
      values.device(), [&] { kernels::cpu::adam(problem, arguments); },
      [&](auto stream) { kernels::cuda::adam(problem, arguments, stream); });
}

}  // namespace sapnet::engine
