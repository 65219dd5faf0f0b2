#include "kernels/elementwise.cuh"
#include "kernels/storage.cuh"
#include "kernels/zero_insert/zero_insert.h"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct ZeroInsert {
  ZeroInsertProblem p;
  ZeroInsertArguments<T> a;

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t c = k % p.c, x = k / p.c % p.out_w, y = k / p.c / p.out_w % p.out_h,
                       image = k / p.c / p.out_w / p.out_h;
    const bool taken = y % p.stride == 0 && x % p.stride == 0 && y / p.stride < p.h && x / p.stride < p.w;
    a.out[k] =
        taken ? a.in[((image * p.h + y / p.stride) * p.w + x / p.stride) * p.c + c] : gpu::from_float<T>(0);
  }
};

}  // namespace

template <class T>
void zero_insert(const Context& context, const ZeroInsertProblem& p, const ZeroInsertArguments<T>& a) {
  gpu::for_each_element(p.n * p.out_h * p.out_w * p.c, context.stream, ZeroInsert<T>{p, a});
}

SAPNET_INSTANTIATE(zero_insert, const ZeroInsertProblem&, ZeroInsertArguments);

}  // namespace sapnet::kernels::cuda
