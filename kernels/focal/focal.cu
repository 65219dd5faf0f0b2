// One thread per pixel: there are few classes, and their logits are contiguous.
#include "kernels/elementwise.cuh"
#include "kernels/focal/focal.h"
#include "kernels/focal/pixel.h"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// The loss of a pixel. dlogits: gradient of the mean over all pixels; or null.
__device__ double pixel_loss(const FocalProblem& p, const float* logits, float* dlogits) {
  int label = 0;
  for (int j = 1; j < p.c; ++j)
    if (logits[j] > logits[label]) label = j;
  double others = 0;
  for (int j = 0; j < p.c; ++j) {
    if (j == label) continue;
    const double e = exp(static_cast<double>(logits[j]) - static_cast<double>(logits[label]));
    others += e;
    if (dlogits) dlogits[j] = static_cast<float>(e);
  }
  const double complement = others / (1 + others), clamped = clamped_complement(complement);
  const FocalPixel pixel = focal_pixel(p, complement, log1p(-clamped), pow(clamped, p.gamma));
  if (dlogits) {
    const double slope = pixel.slope / static_cast<double>(p.pixels()), others_slope = -slope / (1 + others);
    for (int j = 0; j < p.c; ++j)
      dlogits[j] = static_cast<float>(j == label ? slope * complement
                                                 : others_slope * static_cast<double>(dlogits[j]));
  }
  return pixel.value;
}

struct AddLoss {
  FocalProblem p;
  FocalArguments a;

  __device__ void operator()(std::int64_t pixel, double (&sums)[1]) const {
    const std::int64_t at = pixel * p.c;
    sums[0] += pixel_loss(p, a.logits + at, a.dlogits ? a.dlogits + at : nullptr);
  }
};

struct Scale {
  FocalBackwardArguments a;

  __device__ void operator()(std::int64_t k) const { a.dlogits[k] *= *a.dvalue; }
};

}  // namespace

void focal(const Context& context, const FocalProblem& p, const FocalArguments& a) {
  gpu::sum<1>(context, p.pixels(), AddLoss{p, a}, gpu::Mean{static_cast<double>(p.pixels()), a.value});
}

void focal_backward(const Context& context, const FocalProblem& p, const FocalBackwardArguments& a) {
  gpu::for_each_element(p.pixels() * p.c, context.stream, Scale{a});
}

}  // namespace sapnet::kernels::cuda
