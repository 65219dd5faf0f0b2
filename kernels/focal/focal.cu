// One thread per pixel: there are few classes, and their logits are contiguous.
#include "kernels/elementwise.cuh"
#include "kernels/focal/focal.h"
#include "kernels/focal/pixel.h"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// The loss of a pixel. dlogits: gradient of the mean over all pixels; or null.
__device__ double pixel_loss(const FocalProblem& p, const float* logits, float* dlogits) {
  std::int64_t label = 0;
  for (std::int64_t j = 1; j < p.c; ++j)
    if (logits[j] > logits[label]) label = j;
  double others = 0;
  for (std::int64_t j = 0; j < p.c; ++j) {
    if (j == label) continue;
    const double e = exp(static_cast<double>(logits[j]) - static_cast<double>(logits[label]));
    others += e;
    if (dlogits) dlogits[j] = static_cast<float>(e);
  }
  const double complement = others / (1 + others), clamped = clamped_complement(complement);
  const FocalPixel pixel = focal_pixel(p, complement, log1p(-clamped), pow(clamped, p.gamma));
  if (dlogits) {
    const double slope = pixel.slope / static_cast<double>(p.pixels()), others_slope = -slope / (1 + others);
    for (std::int64_t j = 0; j < p.c; ++j)
      dlogits[j] = static_cast<float>(j == label ? slope * complement
                                                 : others_slope * static_cast<double>(dlogits[j]));
  }
  return pixel.value;
}

__global__ void __launch_bounds__(gpu::kSumThreads)
    sum_losses(FocalProblem p, FocalArguments a, double* partials) {
  double sums[1] = {};
  for (std::int64_t pixel = static_cast<std::int64_t>(blockIdx.x) * gpu::kSumThreads + threadIdx.x;
       pixel < p.pixels(); pixel += static_cast<std::int64_t>(gridDim.x) * gpu::kSumThreads)
    sums[0] += pixel_loss(p, a.logits + pixel * p.c, a.dlogits ? a.dlogits + pixel * p.c : nullptr);
  gpu::sum_over_block(sums);
  if (threadIdx.x == 0) partials[blockIdx.x] = sums[0];
}

struct Scale {
  FocalBackwardArguments a;

  __device__ void operator()(std::int64_t k) const { a.dlogits[k] *= *a.dvalue; }
};

std::int64_t blocks(const FocalProblem& p) { return gpu::blocks_of_sum(p.pixels(), gpu::kSumThreads); }

}  // namespace

void focal(const Context& context, const FocalProblem& p, const FocalArguments& a) {
  double* const partials = gpu::doubles(context, blocks(p));
  gpu::launch(sum_losses, dim3(static_cast<unsigned>(blocks(p))), gpu::kSumThreads, 0, context.stream, p, a,
              partials);
  gpu::finish_sums<1>(partials, blocks(p), context.stream,
                      gpu::Mean{static_cast<double>(p.pixels()), a.value});
}

void focal_backward(const Context& context, const FocalProblem& p, const FocalBackwardArguments& a) {
  gpu::for_each_element(p.pixels() * p.c, context.stream, Scale{a});
}

}  // namespace sapnet::kernels::cuda
