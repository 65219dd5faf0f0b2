#include <limits>

#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// The backward pass for kCount adjacent channels. Index holds an index of any such group.
template <class T, int kCount, class Index>
struct EpilogueBackward {
  using Channels = gpu::Pack<T, kCount>;
  Conv2dEpilogueBackwardArguments<T> a;
  Index groups, image_groups;  // of a pixel, of an image

  /// Clears the gradient where `map`, if given, is not positive.
  __device__ static void mask(const T* map, std::int64_t at, float (&grad)[kCount]) {
    if (!map) return;
    const auto values = Channels::load(map + at);
#pragma unroll
    for (int c = 0; c < kCount; ++c)
      if (!(gpu::to_float(values.values[c]) > 0)) grad[c] = 0;
  }

  __device__ void operator()(std::int64_t group) const {
    const std::int64_t at = group * kCount;
    const auto dout = Channels::load(a.dout + at);
    float grad[kCount];
#pragma unroll
    for (int c = 0; c < kCount; ++c) grad[c] = gpu::to_float(dout.values[c]);
    mask(a.out, at, grad);
    if (a.dresidual) {
      Channels before = {};
      if (a.dresidual_before) before = Channels::load(a.dresidual_before + at);
      float sums[kCount];
#pragma unroll
      for (int c = 0; c < kCount; ++c) sums[c] = grad[c] + gpu::to_float(before.values[c]);
      gpu::pack<T>(sums).store_global(a.dresidual + at);
    }
    mask(a.pre_residual, at, grad);
    if (a.scale || a.shift) {
      const auto k = static_cast<Index>(group);
      const Index of_image = (k / image_groups * groups + k % groups) * kCount;
#pragma unroll
      for (int c = 0; c < kCount; ++c) {
        if (a.scale) grad[c] *= a.scale[of_image + c];
        if (a.shift) grad[c] += a.shift[of_image + c];
      }
    }
    gpu::pack<T>(grad).store_global(a.grad_preactivation + at);
  }
};

template <int kCount, class Index, class T>
void launch(const Context& context, const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments<T>& a) {
  const std::int64_t groups = p.out_channels / kCount, image_groups = p.out_h() * p.out_w() * groups;
  gpu::for_each_element(
      p.n * image_groups, context.stream,
      EpilogueBackward<T, kCount, Index>{a, static_cast<Index>(groups), static_cast<Index>(image_groups)});
}

}  // namespace

template <class T>
void conv2d_epilogue_backward(const Context& context, const Conv2dProblem& p,
                              const Conv2dEpilogueBackwardArguments<T>& a) {
  constexpr int kCount = 16 / sizeof(T);
  const std::int64_t groups = p.n * p.out_h() * p.out_w() * p.out_channels / kCount;
  if (p.out_channels % kCount == 0 && groups <= std::numeric_limits<std::uint32_t>::max())
    launch<kCount, std::uint32_t>(context, p, a);
  else
    launch<1, std::int64_t>(context, p, a);
}

SAPNET_INSTANTIATE(conv2d_epilogue_backward, const Conv2dProblem&, Conv2dEpilogueBackwardArguments);

}  // namespace sapnet::kernels::cuda
