#include "kernels/focal/focal.h"

#include <algorithm>
#include <cmath>

#include "kernels/focal/pixel.h"
#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {
namespace {

/// The loss of a pixel. dlogits: gradient of the mean over all pixels; or null.
double pixel_loss(const FocalProblem& p, const float* logits, float* dlogits) {
  const std::int64_t label = std::max_element(logits, logits + p.c) - logits;
  double others = 0;
  for (std::int64_t j = 0; j < p.c; ++j) {
    if (j == label) continue;
    const double e = std::exp(static_cast<double>(logits[j]) - static_cast<double>(logits[label]));
    others += e;
    if (dlogits) dlogits[j] = static_cast<float>(e);
  }
  const double complement = others / (1 + others), clamped = clamped_complement(complement);
  const FocalPixel pixel = focal_pixel(p, complement, std::log1p(-clamped), std::pow(clamped, p.gamma));
  if (dlogits) {
    const double slope = pixel.slope / static_cast<double>(p.pixels()), others_slope = -slope / (1 + others);
    for (std::int64_t j = 0; j < p.c; ++j)
      dlogits[j] = static_cast<float>(j == label ? slope * complement
                                                 : others_slope * static_cast<double>(dlogits[j]));
  }
  return pixel.value;
}

}  // namespace

void focal(const Context& /*context*/, const FocalProblem& p, const FocalArguments& a) {
  const double total = parallel_sum(p.n * p.h, [&](std::int64_t job) {
    double sum = 0;
    for (std::int64_t pixel = job * p.w; pixel < (job + 1) * p.w; ++pixel)
      sum += pixel_loss(p, a.logits + pixel * p.c, a.dlogits ? a.dlogits + pixel * p.c : nullptr);
    return sum;
  });
  *a.value = static_cast<float>(total / static_cast<double>(p.pixels()));
}

void focal_backward(const Context& /*context*/, const FocalProblem& p, const FocalBackwardArguments& a) {
  const std::int64_t row = p.w * p.c;
  parallel_for(p.n * p.h, [&](std::int64_t job) {
    for (std::int64_t k = job * row; k < (job + 1) * row; ++k) a.dlogits[k] *= *a.dvalue;
  });
}

}  // namespace sapnet::kernels::cpu
