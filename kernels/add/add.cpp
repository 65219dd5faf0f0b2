#include "kernels/add/add.h"

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void add(const Context& /*context*/, std::int64_t count, const AddArguments<>& a) {
  parallel_for_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) a.to[k] += a.from[k];
  });
}

}  // namespace sapnet::kernels::cpu
