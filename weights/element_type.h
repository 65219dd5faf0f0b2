// The number formats that weight files store, and their conversion to fp32.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "weights/byte_reader.h"

namespace sapnet::weights {

enum class ElementType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

/// More than any tensor has; a bound for what a file may claim.
inline constexpr std::size_t kMostDimensions = 32;

/// Bytes of one element: 1, 2, 4 or 8.
std::uint64_t element_size(ElementType type);

/// The type that safetensors calls by this name ("F32", "BF16", ...); none for a name that is not read.
std::optional<ElementType> from_safetensors_name(std::string_view name);

/// The type of the storage class of this name in Python's module `torch` ("FloatStorage", ...).
std::optional<ElementType> from_torch_storage_name(std::string_view name);

/// Converts elements that lie side by side to fp32, rounding to nearest; `bytes` holds exactly
/// values.size() of them, at any alignment. Booleans become 0 and 1; a double beyond fp32 becomes infinite.
void to_float(ElementType type, Bytes bytes, std::span<float> values);

/// The product of the extents. None when an extent is negative or the product (of any leading extents)
/// leaves 64 bits.
std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape);

}  // namespace sapnet::weights
