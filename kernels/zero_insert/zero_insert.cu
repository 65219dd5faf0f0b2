#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"
#include "kernels/zero_insert/zero_insert.h"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct ZeroInsert {
  ZeroInsertProblem p;
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
void zero_insert(const ZeroInsertProblem& p, const T* in, T* out, CudaStream stream) {
  gpu::for_each_element(p.n * p.out_h * p.out_w * p.c, stream,
                        ZeroInsert<gpu::Stored<T>>{p, gpu::stored(in), gpu::stored(out)});
}

template void zero_insert(const ZeroInsertProblem&, const float*, float*, CudaStream);
template void zero_insert(const ZeroInsertProblem&, const Half*, Half*, CudaStream);

}  // namespace sapnet::kernels::cuda
