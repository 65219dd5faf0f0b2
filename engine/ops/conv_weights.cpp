#include "engine/ops/conv_weights.h"

#include "engine/ops/op.h"

namespace sapnet::engine {

kernels::Conv2dAlgorithm algorithm_for(const kernels::Conv2dProblem& layer, const Execution& execution) {
  return execution.strict ? kernels::Conv2dAlgorithm::kDirect : kernels::fastest_algorithm(layer);
}

Tensor packed_conv2d(const kernels::Conv2dProblem& layer, kernels::Conv2dAlgorithm algorithm,
                     const Parameter& weight, const Execution& execution) {
  Tensor packed;
  dispatch(
      execution.device,
      [&] {
        packed = packed_weights<float>(
            kernels::cpu::packed_conv2d_size(layer, algorithm), execution.device,
            [&](float* to) { kernels::cpu::pack_conv2d(layer, algorithm, weight.values.data(), to); });
      },
      [&](auto /*stream*/) {
        visit_dtype(execution.maps, [&]<class T>(T) {
          packed = packed_weights<T>(kernels::cuda::packed_conv2d_size(layer), execution.device, [&](T* to) {
            kernels::cuda::pack_conv2d(layer, weight.values.data(), to);
          });
        });
      });
  return packed;
}

}  // namespace sapnet::engine
