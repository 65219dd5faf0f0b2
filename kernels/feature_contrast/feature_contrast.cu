#include "kernels/elementwise.cuh"
#include "kernels/feature_contrast/contrast.h"
#include "kernels/feature_contrast/feature_contrast.h"
#include "kernels/storage.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// T: storage type in device code. partials: (blocks, 2).
template <class T>
__global__ void __launch_bounds__(gpu::kSumThreads)
    sum_differences(FeatureContrastProblem p, BasicFeatureContrastArguments<T> a, double* partials) {
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
  BasicFeatureContrastBackwardArguments<T> a;

  __device__ void operator()(std::int64_t k) const {
    a.dderained[k] =
        gpu::from_float<T>(weigh_signs(a.signs[k], *a.dvalue * a.factors[0], *a.dvalue * a.factors[1]));
  }
};

std::int64_t blocks(const FeatureContrastProblem& p) { return gpu::blocks_of_sum(p.count, gpu::kSumThreads); }

}  // namespace

std::size_t feature_contrast_workspace(const FeatureContrastProblem& p) {
  return gpu::floats_for_partials(2 * blocks(p));
}

template <class T>
void feature_contrast(const FeatureContrastProblem& p, const BasicFeatureContrastArguments<T>& a,
                      float* workspace, CudaStream stream) {
  auto* const partials = reinterpret_cast<double*>(workspace);
  const BasicFeatureContrastArguments<gpu::Stored<T>> arguments = {.derained = gpu::stored(a.derained),
                                                                   .clean = gpu::stored(a.clean),
                                                                   .rainy = gpu::stored(a.rainy),
                                                                   .value = a.value,
                                                                   .signs = a.signs,
                                                                   .factors = a.factors};
  gpu::launch(sum_differences<gpu::Stored<T>>, dim3(static_cast<unsigned>(blocks(p))), gpu::kSumThreads, 0,
              stream, p, arguments, partials);
  gpu::finish_sums<2>(partials, blocks(p), stream, WriteContrast{p.count, a.value, a.factors});
}

template <class T>
void feature_contrast_backward(const FeatureContrastProblem& p,
                               const BasicFeatureContrastBackwardArguments<T>& a, CudaStream stream) {
  const BasicFeatureContrastBackwardArguments<gpu::Stored<T>> arguments = {
      .signs = a.signs, .factors = a.factors, .dvalue = a.dvalue, .dderained = gpu::stored(a.dderained)};
  gpu::for_each_element(p.count, stream, WeighSigns<gpu::Stored<T>>{arguments});
}

template void feature_contrast(const FeatureContrastProblem&, const BasicFeatureContrastArguments<float>&,
                               float*, CudaStream);
template void feature_contrast(const FeatureContrastProblem&, const BasicFeatureContrastArguments<Half>&,
                               float*, CudaStream);
template void feature_contrast_backward(const FeatureContrastProblem&,
                                        const BasicFeatureContrastBackwardArguments<float>&, CudaStream);
template void feature_contrast_backward(const FeatureContrastProblem&,
                                        const BasicFeatureContrastBackwardArguments<Half>&, CudaStream);

}  // namespace sapnet::kernels::cuda
