#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/spread/spread.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct Spread {
  SpreadProblem p;
  const T* in;
  T* out;

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t c = k % p.c, x = k / p.c % p.out_w, y = k / p.c / p.out_w % p.out_h,
                       image = k / p.c / p.out_w / p.out_h;
    const bool taken = y % p.stride == 0 && x % p.stride == 0 && y / p.stride < p.h && x / p.stride < p.w;
    out[k] =
        taken ? in[((image * p.h + y / p.stride) * p.w + x / p.stride) * p.c + c] : gpu::from_float<T>(0);
  }
};

}  // namespace

template <class T>
void spread(const SpreadProblem& p, const T* in, T* out, CudaStream stream) {
  gpu::for_each_element(p.n * p.out_h * p.out_w * p.c, stream,
                        Spread<gpu::Stored<T>>{p, gpu::stored(in), gpu::stored(out)});
}

template void spread(const SpreadProblem&, const float*, float*, CudaStream);
template void spread(const SpreadProblem&, const Half*, Half*, CudaStream);

}  // namespace sapnet::kernels::cuda
