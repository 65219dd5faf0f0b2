#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct EpilogueBackward {
  Conv2dEpilogueBackwardArguments<T> a;
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
void conv2d_epilogue_backward(const Context& context, const Conv2dProblem& p,
                              const Conv2dEpilogueBackwardArguments<T>& a) {
  const std::int64_t image_size = p.out_h() * p.out_w() * p.out_channels;
  gpu::for_each_element(p.n * image_size, context.stream, EpilogueBackward<T>{a, p.out_channels, image_size});
}

SAPNET_INSTANTIATE(conv2d_epilogue_backward, const Conv2dProblem&, Conv2dEpilogueBackwardArguments);

}  // namespace sapnet::kernels::cuda
