// In-place addition of two arrays: to[k] += from[k] for `count` numbers.
#pragma once

#include <cstdint>

#include "kernels/context.h"

namespace sapnet::kernels {

/// T: float or, on a GPU, Half.
template <class T = float>
struct AddArguments {
  const T* from = nullptr;  // (count)
  T* to = nullptr;          // (count)

  static void for_each_array(const auto& /*context*/, std::int64_t count, const auto& visit, auto&... a) {
    visit(count, a.from...);
    visit(count, a.to...);
  }
};

namespace cpu {

void add(const Context& context, std::int64_t count, const AddArguments<>& arguments);

}  // namespace cpu

namespace cuda {

template <class T>
void add(const Context& context, std::int64_t count, const AddArguments<T>& arguments);

}  // namespace cuda
}  // namespace sapnet::kernels
