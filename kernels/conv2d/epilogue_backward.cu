#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

/// T: storage type in device code.
template <class T>
struct EpilogueBackward {
  BasicConv2dEpilogueBackwardArguments<T> a;
  std::int64_t channels, image_size;

  __device__ static bool blocked(const T* map, std::int64_t k) { return map && !(gpu::to_float(map[k]) > 0); }

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t of_image = k / image_size * channels + k % channels;
    const float dout = blocked(a.out, k) ? 0 : gpu::to_float(a.dout[k]);
    if (a.dresidual) {
      const float before = a.dresidual_before ? gpu::to_float(a.dresidual_before[k]) : 0;
      a.dresidual[k] = gpu::from_float<T>(dout + before);
    }
    float grad_preactivation = blocked(a.pre_residual, k) ? 0 : dout;
    if (a.scale) grad_preactivation *= a.scale[of_image];
    if (a.shift) grad_preactivation += a.shift[of_image];
    a.grad_preactivation[k] = gpu::from_float<T>(grad_preactivation);
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
      .pre_residual = gpu::stored(a.pre_residual),
      .scale = a.scale,
      .shift = a.shift,
      .grad_preactivation = gpu::stored(a.grad_preactivation),
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
