#include "engine/ops/packing.h"

#include <limits>
#include <numeric>
#include <string>

#include "engine/ops/op.h"
#include "kernels/gather/gather.h"

namespace sapnet::engine {

std::vector<std::int32_t> weight_indices(std::int64_t count) {
  if (count > std::numeric_limits<std::int32_t>::max())
    throw Error("a layer of " + std::to_string(count) + " weights is too large to be trained on a GPU");
  std::vector<std::int32_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 1);
  return indices;
}

void pack_by_gather(const Tensor& weight, const Tensor& indices, Tensor& packed) {
  if (!indices) throw Error("weights that are not tracked cannot be repacked on a GPU");
  dispatch(
      packed.device(),
      [](const auto& /*context*/) { throw Error("weights are packed by gather on a GPU only"); },
      [&](const auto& context) {
        visit_dtype(packed.dtype(), [&]<class T>(T) {
          gather(context, indices.shape().count(), weight.data(),
                 reinterpret_cast<const std::int32_t*>(indices.data()), packed.data<T>());
        });
      });
}

}  // namespace sapnet::engine
