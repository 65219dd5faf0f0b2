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
void gather(std::int64_t count, const float* in, const std::int32_t* indices, T* out, CudaStream stream) {
  gpu::for_each_element(count, stream, Gather<gpu::Stored<T>>{in, indices, gpu::stored(out)});
}

template void gather(std::int64_t, const float*, const std::int32_t*, float*, CudaStream);
template void gather(std::int64_t, const float*, const std::int32_t*, Half*, CudaStream);

}  // namespace sapnet::kernels::cuda
