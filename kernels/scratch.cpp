#include "kernels/scratch.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <new>

namespace sapnet::kernels {

float* scratch(std::size_t count) {
  thread_local hwy::AlignedFreeUniquePtr<float[]> memory;
  thread_local std::size_t size = 0;
  if (size < count) {
    size = 0;
    memory = hwy::AllocateAligned<float>(count);
    if (!memory) throw std::bad_alloc();
    std::fill_n(memory.get(), count, 0.0F);
    size = count;
  }
  return memory.get();
}

}  // namespace sapnet::kernels
