#include "kernels/elementwise.cuh"
#include "kernels/feature_contrast/contrast.h"
#include "kernels/feature_contrast/feature_contrast.h"
#include "kernels/storage.cuh"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct AddDifferences {
  FeatureContrastArguments<T> a;

  __device__ void operator()(std::int64_t k, double (&sums)[2]) const {
    const float derained = gpu::to_float(a.derained[k]);
    const float to_clean = derained - gpu::to_float(a.clean[k]),
                to_rainy = derained - gpu::to_float(a.rainy[k]);
    sums[0] += fabsf(to_clean);
    sums[1] += fabsf(to_rainy);
    if (a.signs) a.signs[k] = encode_signs(to_clean, to_rainy);
  }
};

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

}  // namespace

template <class T>
void feature_contrast(const Context& context, const FeatureContrastProblem& p,
                      const FeatureContrastArguments<T>& a) {
  gpu::sum<2>(context, p.count, AddDifferences<T>{a}, WriteContrast{p.count, a.value, a.factors});
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
