#include "kernels/scratch.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>

namespace sapnet::kernels {

float* scratch(std::size_t count) {
  thread_local hwy::AlignedFreeUniquePtr<float[]> memory;
  thread_local std::size_t size = 0;
  if (size < count) {
    memory = hwy::AllocateAligned<float>(count);
    std::fill_n(memory.get(), count, 0.0F);
    size = count;
  }
  return memory.get();
}

}  // namespace sapnet::kernels
