#include "kernels/elementwise.cuh"
#include "kernels/gather/gather.h"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct Gather {
  const float* in;
  const std::int32_t* indices;
  T* out;

  __device__ void operator()(std::int64_t k) const {
    const std::int32_t index = indices[k];
    out[k] = gpu::from_float<T>(index == 0 ? 0.0F : in[index - 1]);
  }
};

}  // namespace

template <class T>
void gather(const Context& context, std::int64_t count, const float* in, const std::int32_t* indices,
            T* out) {
  gpu::for_each_element(count, context.stream, Gather<T>{in, indices, out});
}

template void gather(const Context&, std::int64_t, const float*, const std::int32_t*, float*);
template void gather(const Context&, std::int64_t, const float*, const std::int32_t*, Half*);

}  // namespace sapnet::kernels::cuda
