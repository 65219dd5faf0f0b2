// One thread per element: of the output in the forward pass, of the input in the backward pass.
#include "kernels/elementwise.cuh"
#include "kernels/resize_bilinear/resize_bilinear.h"
#include "kernels/resize_bilinear/taps.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct Resize {
  ResizeProblem p;
  ResizeArguments<T> a;

  __device__ void operator()(int row, int k) const {
    const int channels = static_cast<int>(p.c), out_h = static_cast<int>(p.out_h);
    const ResizeTaps rows = resize_taps(p.h, p.out_h, row % out_h),
                     columns = resize_taps(p.w, p.out_w, k / channels);
    const T* const image = a.in + row / out_h * p.h * p.w * p.c + k % channels;
    const auto along_row = [&](std::int64_t y) {
      const T* const from = image + y * p.w * p.c;
      return (1 - columns.high_weight) * gpu::to_float(from[columns.low * p.c]) +
             columns.high_weight * gpu::to_float(from[columns.high * p.c]);
    };
    const std::int64_t at = row * p.out_w * p.c + k;
    float sum = (1 - rows.high_weight) * along_row(rows.low) + rows.high_weight * along_row(rows.high);
    if (a.residual) sum += gpu::to_float(a.residual[at]);
    a.out[at] = gpu::from_float<T>(sum);
  }
};

template <class T>
struct ResizeBackward {
  ResizeProblem p;
  ResizeBackwardArguments<T> a;

  __device__ void operator()(int row, int k) const {
    const int channels = static_cast<int>(p.c), h = static_cast<int>(p.h);
    const int x = k / channels, y = row % h;
    const ResizeOutputs rows = outputs_of(p.h, p.out_h, y), columns = outputs_of(p.w, p.out_w, x);
    const T* const image = a.dout + row / h * p.out_h * p.out_w * p.c + k % channels;
    float sum = 0;
    for (std::int64_t v = rows.begin; v < rows.end; ++v) {
      const float row_weight = resize_taps(p.h, p.out_h, v).weight(y);
      for (std::int64_t u = columns.begin; u < columns.end; ++u)
        sum += row_weight * resize_taps(p.w, p.out_w, u).weight(x) *
               gpu::to_float(image[(v * p.out_w + u) * p.c]);
    }
    a.din[row * p.w * p.c + k] = gpu::from_float<T>(sum);
  }
};

}  // namespace

template <class T>
void resize_bilinear(const Context& context, const ResizeProblem& p, const ResizeArguments<T>& a) {
  gpu::for_each_element_of_rows(p.n * p.out_h, p.out_w * p.c, context.stream, Resize<T>{p, a});
}

template <class T>
void resize_bilinear_backward(const Context& context, const ResizeProblem& p,
                              const ResizeBackwardArguments<T>& a) {
  gpu::for_each_element_of_rows(p.n * p.h, p.w * p.c, context.stream, ResizeBackward<T>{p, a});
}

SAPNET_INSTANTIATE(resize_bilinear, const ResizeProblem&, ResizeArguments);
SAPNET_INSTANTIATE(resize_bilinear_backward, const ResizeProblem&, ResizeBackwardArguments);

}  // namespace sapnet::kernels::cuda
