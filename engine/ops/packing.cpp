#include "engine/ops/packing.h"

#include "engine/ops/op.h"
#include "kernels/gather/gather.h"

namespace sapnet::engine {

void pack_by_places(const Tensor& weight, const Tensor& places, Tensor& packed) {
  dispatch(
      packed.device(), [] {},
      [&](auto stream) {
        visit_dtype(packed.dtype(), [&]<class T>(T) {
          kernels::cuda::gather(places.shape().count(), weight.data(), places.data(), packed.data<T>(),
                                stream);
        });
      });
}

}  // namespace sapnet::engine
