#include "kernels/elementwise.cuh"
#include "kernels/gather/gather.h"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct Gather {
  const float* in;
  const float* places;
  T* out;

  __device__ void operator()(std::int64_t k) const {
    const int place = static_cast<int>(places[k]);
    out[k] = gpu::from_float<T>(place == 0 ? 0.0F : in[place - 1]);
  }
};

}  // namespace

template <class T>
void gather(std::int64_t count, const float* in, const float* places, T* out, CudaStream stream) {
  gpu::for_each_element(count, stream, Gather<gpu::Stored<T>>{in, places, gpu::stored(out)});
}

template void gather(std::int64_t, const float*, const float*, float*, CudaStream);
template void gather(std::int64_t, const float*, const float*, Half*, CudaStream);

}  // namespace sapnet::kernels::cuda
