#include "kernels/add/add.h"
#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct Add {
  const T* from;
  T* to;

  __device__ void operator()(std::int64_t k) const {
    to[k] = gpu::from_float<T>(gpu::to_float(to[k]) + gpu::to_float(from[k]));
  }
};

}  // namespace

template <class T>
void add(std::int64_t count, const T* from, T* to, CudaStream stream) {
  gpu::for_each_element(count, stream, Add<gpu::Stored<T>>{gpu::stored(from), gpu::stored(to)});
}

template void add(std::int64_t, const float*, float*, CudaStream);
template void add(std::int64_t, const Half*, Half*, CudaStream);

}  // namespace sapnet::kernels::cuda
