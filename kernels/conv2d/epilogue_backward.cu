#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// T: as kernels know what is stored.
template <class T>
struct EpilogueBackward {
  BasicConv2dEpilogueBackwardArguments<T> a;
  std::int64_t channels, image_size;

  __device__ static bool shut(const T* map, std::int64_t k) { return map && !(gpu::to_float(map[k]) > 0); }

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t of_image = k / image_size * channels + k % channels;
    const float dout = shut(a.out, k) ? 0 : gpu::to_float(a.dout[k]);
    if (a.dresidual) {
      const float before = a.dresidual_before ? gpu::to_float(a.dresidual_before[k]) : 0;
      a.dresidual[k] = gpu::from_float<T>(dout + before);
    }
    float dsum = shut(a.inner, k) ? 0 : dout;
    if (a.scale) dsum *= a.scale[of_image];
    if (a.shift) dsum += a.shift[of_image];
    a.dsum[k] = gpu::from_float<T>(dsum);
  }
};

}  // namespace

template <class T>
void conv2d_epilogue_backward(const Conv2dProblem& p, const BasicConv2dEpilogueBackwardArguments<T>& a,
                              CudaStream stream) {
  const std::int64_t image_size = p.out_h() * p.out_w() * p.out_channels;
  const BasicConv2dEpilogueBackwardArguments<gpu::Stored<T>> arguments = {
      .dout = gpu::stored(a.dout),
      .out = gpu::stored(a.out),
      .inner = gpu::stored(a.inner),
      .scale = a.scale,
      .shift = a.shift,
      .dsum = gpu::stored(a.dsum),
      .dresidual_before = gpu::stored(a.dresidual_before),
      .dresidual = gpu::stored(a.dresidual)};
  gpu::for_each_element(p.n * image_size, stream,
                        EpilogueBackward<gpu::Stored<T>>{arguments, p.out_channels, image_size});
}

template void conv2d_epilogue_backward(const Conv2dProblem&,
                                       const BasicConv2dEpilogueBackwardArguments<float>&, CudaStream);
template void conv2d_epilogue_backward(const Conv2dProblem&,
                                       const BasicConv2dEpilogueBackwardArguments<Half>&, CudaStream);

}  // namespace sapnet::kernels::cuda
