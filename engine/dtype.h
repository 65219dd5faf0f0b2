// The element types of tensors.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "kernels/half.h"

namespace sapnet::engine {

using kernels::Half;

enum class DType { kFloat32, kFloat16 };

inline std::size_t size_of(DType dtype) { return dtype == DType::kFloat16 ? sizeof(Half) : sizeof(float); }

/// "fp32" or "fp16".
inline std::string_view to_string(DType dtype) { return dtype == DType::kFloat16 ? "fp16" : "fp32"; }

template <class T>
inline constexpr DType kDTypeOf = std::is_same_v<T, Half> ? DType::kFloat16 : DType::kFloat32;

/// Calls visit(T()) with the C++ type of a dtype and returns its result.
template <class Visit>
decltype(auto) visit_dtype(DType dtype, const Visit& visit) {
  return dtype == DType::kFloat16 ? visit(Half()) : visit(float());
}

}  // namespace sapnet::engine
