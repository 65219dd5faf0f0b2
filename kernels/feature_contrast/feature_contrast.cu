#include "kernels/elementwise.cuh"
#include "kernels/feature_contrast/contrast.h"
#include "kernels/feature_contrast/feature_contrast.h"
#include "kernels/storage.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// partials: (blocks, 2).
template <class T>
__global__ void __launch_bounds__(gpu::kSumThreads)
    sum_differences(FeatureContrastProblem p, FeatureContrastArguments<T> a, double* partials) {
  double sums[2] = {};
  for (std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * gpu::kSumThreads + threadIdx.x; k < p.count;
       k += static_cast<std::int64_t>(gridDim.x) * gpu::kSumThreads) {
    const float derained = gpu::to_float(a.derained[k]);
    const float to_clean = derained - gpu::to_float(a.clean[k]),
                to_rainy = derained - gpu::to_float(a.rainy[k]);
    sums[0] += fabsf(to_clean);
    sums[1] += fabsf(to_rainy);
    if (a.signs) a.signs[k] = encode_signs(to_clean, to_rainy);
  }
  gpu::sum_over_block(sums);
  if (threadIdx.x != 0) return;
  partials[2 * blockIdx.x] = sums[0];
  partials[2 * blockIdx.x + 1] = sums[1];
}

struct WriteContrast {
  std::int64_t count;
  float *value, *factors;

  __device__ void operator()(const double (&sums)[2]) const {
    const Contrast contrast = contrast_from_sums(sums[0], sums[1], count);
    *value = contrast.value;
    if (!factors) return;
    factors[0] = contrast.factors[0];
    factors[1] = contrast.factors[1];
  }
};

template <class T>
struct WeighSigns {
  FeatureContrastBackwardArguments<T> a;

  __device__ void operator()(std::int64_t k) const {
    a.dderained[k] =
        gpu::from_float<T>(weigh_signs(a.signs[k], *a.dvalue * a.factors[0], *a.dvalue * a.factors[1]));
  }
};

std::int64_t blocks(const FeatureContrastProblem& p) { return gpu::blocks_of_sum(p.count, gpu::kSumThreads); }

}  // namespace

template <class T>
void feature_contrast(const Context& context, const FeatureContrastProblem& p,
                      const FeatureContrastArguments<T>& a) {
  double* const partials = gpu::doubles(context, 2 * blocks(p));
  gpu::launch(sum_differences<T>, dim3(static_cast<unsigned>(blocks(p))), gpu::kSumThreads, 0, context.stream,
              p, a, partials);
  gpu::finish_sums<2>(partials, blocks(p), context.stream, WriteContrast{p.count, a.value, a.factors});
}

template <class T>
void feature_contrast_backward(const Context& context, const FeatureContrastProblem& p,
                               const FeatureContrastBackwardArguments<T>& a) {
  gpu::for_each_element(p.count, context.stream, WeighSigns<T>{a});
}

SAPNET_INSTANTIATE(feature_contrast, const FeatureContrastProblem&, FeatureContrastArguments);
SAPNET_INSTANTIATE(feature_contrast_backward, const FeatureContrastProblem&,
                   FeatureContrastBackwardArguments);

}  // namespace sapnet::kernels::cuda
