// Element types of weight files, and their conversion to fp32.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "weights/byte_reader.h"

namespace sapnet::weights {

enum class ElementType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

/// Maximum number of dimensions of a tensor.
inline constexpr std::size_t kMaxDimensions = 32;

/// Bytes of one element: 1, 2, 4 or 8.
std::uint64_t element_size(ElementType type);

/// The type with this safetensors name ("F32", "BF16", ...); nullopt if unsupported.
std::optional<ElementType> from_safetensors_name(std::string_view name);

/// The type of this PyTorch storage class ("FloatStorage", ...); nullopt if unsupported.
std::optional<ElementType> from_torch_storage_name(std::string_view name);

/// Converts contiguous elements to fp32, rounding to nearest. `bytes` holds exactly values.size() elements,
/// at any alignment. Booleans become 0 and 1; doubles beyond the range of fp32 become infinite.
void to_float(ElementType type, Bytes bytes, std::span<float> values);

/// The product of the extents; nullopt if one is negative or a product of leading extents overflows 64 bits.
std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape);

}  // namespace sapnet::weights
