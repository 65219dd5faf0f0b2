#include "kernels/add/add.h"

#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {

void add(std::int64_t count, const float* from, float* to) {
  parallel_for_blocks(count, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) to[k] += from[k];
  });
}

}  // namespace sapnet::kernels::cpu
