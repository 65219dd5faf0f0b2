// In-place addition of two arrays: to[k] += from[k] for `count` numbers.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/context.h"

namespace sapnet::kernels {

/// T: float or, on a GPU, Half.
template <class T = float>
struct AddArguments {
  const T* from = nullptr;  // (count)
  T* to = nullptr;          // (count)

  static auto arrays(auto& a) { return std::tie(a.from, a.to); }
};

namespace cpu {

void add(const Context& context, std::int64_t count, const AddArguments<>& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void add(const Context& context, std::int64_t count, const AddArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
