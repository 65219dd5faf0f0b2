#include "kernels/add/add.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void add(std::int64_t count, const float* from, float* to) {
  constexpr std::int64_t kBlock = 16384;
  parallel_for((count + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t end = std::min(count, (block + 1) * kBlock);
    for (std::int64_t k = block * kBlock; k < end; ++k) to[k] += from[k];
  });
}

}  // namespace sapnet::kernels::cpu
