#include "engine/ops/adam.h"

#include <bit>

#include "engine/ops/op.h"

namespace sapnet::engine {

Adam::Adam(const ParameterTensors& parameters, double ema_decay)
    : ema_decay_(ema_decay),
      first_moments_(zeros(parameters.values().shape(), parameters.device())),
      second_moments_(zeros(parameters.values().shape(), parameters.device())) {
  if (ema_decay_ == 0) return;
  ema_ = Tensor(parameters.values().shape(), parameters.device());
  copy(parameters.values(), ema_);
}

void Adam::restore(std::int64_t steps, std::span<const float> first_moments,
                   std::span<const float> second_moments) {
  const Tensor first = from_host(first_moments, first_moments_.shape(), first_moments_.device());
  const Tensor second = from_host(second_moments, second_moments_.shape(), second_moments_.device());
  steps_ = steps;
  first_moments_ = first;
  second_moments_ = second;
}

void Adam::restore_ema(std::span<const float> ema) {
  if (!ema_) throw Error("adam: there is no EMA to restore");
  ema_ = from_host(ema, ema_.shape(), ema_.device());
}

std::array<float, Adam::kFactors> Adam::factors(double learning_rate, double loss_scale, double clip) const {
  return std::bit_cast<std::array<float, kFactors>>(kernels::adam_factors({.step = steps_ + 1,
                                                                           .learning_rate = learning_rate,
                                                                           .loss_scale = loss_scale,
                                                                           .clip = clip,
                                                                           .ema_decay = ema_decay_}));
}

void Adam::update(ParameterTensors& parameters, const Tensor& factors, const Tensor& checked) {
  if (!parameters.gradients()) throw Error("adam: the parameters have no gradients");
  check_tensor("adam", "moments", first_moments_, parameters.values().shape(), DType::kFloat32,
               parameters.device());
  check_tensor("adam", "factors", factors, {1, 1, 1, kFactors}, DType::kFloat32, parameters.device());
  check_tensor("adam", "checked", checked, {1, 1, 1, checked.shape().count()}, DType::kFloat32,
               parameters.device());
  Tensor values = parameters.values();
  const kernels::AdamArguments arguments = {
      .factors = reinterpret_cast<const kernels::AdamFactors*>(factors.data()),
      .values = values.data(),
      .gradients = parameters.gradients().data(),
      .first_moments = first_moments_.data(),
      .second_moments = second_moments_.data(),
      .ema = data_or_null(ema_),
      .checked = checked.data(),
      .checks = checked.shape().count()};
  launch(values.device(), [&](const auto& context) { adam(context, values.shape().count(), arguments); });
}

}  // namespace sapnet::engine
