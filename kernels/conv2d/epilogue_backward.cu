#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/elementwise.cuh"

namespace sapnet::kernels::cuda {
namespace {

struct EpilogueBackward {
  Conv2dEpilogueBackwardArguments a;
  std::int64_t channels, image_size;

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t of_image = k / image_size * channels + k % channels;
    const float dout = a.out && !(a.out[k] > 0) ? 0 : a.dout[k];
    if (a.dresidual) a.dresidual[k] = dout + (a.dresidual_before ? a.dresidual_before[k] : 0);
    float dsum = a.inner && !(a.inner[k] > 0) ? 0 : dout;
    if (a.scale) dsum *= a.scale[of_image];
    if (a.shift) dsum += a.shift[of_image];
    a.dsum[k] = dsum;
  }
};

}  // namespace

void conv2d_epilogue_backward(const Conv2dProblem& p, const Conv2dEpilogueBackwardArguments& a,
                              CudaStream stream) {
  const std::int64_t image_size = p.out_h() * p.out_w() * p.out_channels;
  gpu::for_each_element(p.n * image_size, stream, EpilogueBackward{a, p.out_channels, image_size});
}

}  // namespace sapnet::kernels::cuda
