#include "engine/ops/packing.h"

#include <string>

#include "engine/ops/op.h"
#include "kernels/gather/gather.h"

namespace sapnet::engine {
namespace {

constexpr std::int64_t kBase = 2048;

}  // namespace

Digits place_digits(const Shape& weight, Device device) {
  if (weight.count() >= kBase * kBase)
    throw Error("a layer of " + std::to_string(weight.count()) +
                " weights is too large to be trained on a GPU");
  std::vector<float> high, low;
  for (std::int64_t place = 1; place <= weight.count(); ++place) {
    high.push_back(static_cast<float>(place / kBase));
    low.push_back(static_cast<float>(place % kBase));
  }
  return {from_host(high, weight, device), from_host(low, weight, device)};
}

Tensor places(const Tensor& packed_high, const Tensor& packed_low) {
  std::vector<float> all = to_vector(packed_high);
  const std::vector<float> low = to_vector(packed_low);
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = static_cast<float>(kBase) * all[k] + low[k];
  return from_host(all, packed_high.shape(), packed_high.device());
}

void pack_by_places(const Tensor& weight, const Tensor& places, Tensor& packed) {
  if (!places) throw Error("weights that are not tracked cannot be packed anew on a GPU");
  dispatch(
      packed.device(), [] { throw Error("weights are packed by places on a GPU only"); },
      [&](auto stream) {
        visit_dtype(packed.dtype(), [&]<class T>(T) {
          kernels::cuda::gather(places.shape().count(), weight.data(), places.data(), packed.data<T>(),
                                stream);
        });
      });
}

}  // namespace sapnet::engine
