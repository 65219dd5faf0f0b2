#include "kernels/add/add.h"
#include "kernels/elementwise.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

template <class T>
struct Add {
  AddArguments<T> a;

  __device__ void operator()(std::int64_t k) const {
    a.to[k] = gpu::from_float<T>(gpu::to_float(a.to[k]) + gpu::to_float(a.from[k]));
  }
};

}  // namespace

template <class T>
void add(const Context& context, std::int64_t count, const AddArguments<T>& a) {
  gpu::for_each_element(count, context.stream, Add<T>{a});
}

SAPNET_INSTANTIATE(add, std::int64_t, AddArguments);

}  // namespace sapnet::kernels::cuda
