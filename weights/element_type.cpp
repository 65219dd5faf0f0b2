#include "weights/element_type.h"

#include <bit>
#include <cmath>
#include <limits>

#include "engine/dtype.h"

namespace sapnet::weights {
namespace {

struct TypeFacts {
  ElementType type;
  std::uint64_t size;
  std::string_view safetensors_name;
  std::string_view torch_storage_name;  // empty if PyTorch has no such class
};

constexpr TypeFacts kTypes[] = {
    {ElementType::kF64, 8, "F64", "DoubleStorage"},
    {ElementType::kF32, 4, "F32", "FloatStorage"},
    {ElementType::kF16, 2, "F16", "HalfStorage"},
    {ElementType::kBF16, 2, "BF16", "BFloat16Storage"},
    {ElementType::kI64, 8, "I64", "LongStorage"},
    {ElementType::kI32, 4, "I32", "IntStorage"},
    {ElementType::kI16, 2, "I16", "ShortStorage"},
    {ElementType::kI8, 1, "I8", "CharStorage"},
    {ElementType::kU64, 8, "U64", ""},
    {ElementType::kU32, 4, "U32", ""},
    {ElementType::kU16, 2, "U16", ""},
    {ElementType::kU8, 1, "U8", "ByteStorage"},
    {ElementType::kBool, 1, "BOOL", "BoolStorage"},
};

float from_double(double value) {
  // Converting a double beyond the range of fp32 is undefined behaviour in C++.
  if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max()))
    return std::copysign(std::numeric_limits<float>::infinity(), value < 0 ? -1.0f : 1.0f);
  return static_cast<float>(value);
}

template <class Stored, class Convert>
void convert_all(Bytes bytes, std::span<float> values, Convert convert) {
  const std::byte* next = bytes.data();
  for (float& value : values) {
    Stored stored;
    std::memcpy(&stored, next, sizeof(Stored));
    next += sizeof(Stored);
    value = convert(stored);
  }
}

template <class Integer>
void convert_integers(Bytes bytes, std::span<float> values) {
  convert_all<Integer>(bytes, values, [](Integer value) { return static_cast<float>(value); });
}

}  // namespace

std::uint64_t element_size(ElementType type) {
  for (const TypeFacts& facts : kTypes)
    if (facts.type == type) return facts.size;
  return 0;
}

std::optional<ElementType> from_safetensors_name(std::string_view name) {
  for (const TypeFacts& facts : kTypes)
    if (facts.safetensors_name == name) return facts.type;
  return std::nullopt;
}

std::optional<ElementType> from_torch_storage_name(std::string_view name) {
  for (const TypeFacts& facts : kTypes)
    if (!facts.torch_storage_name.empty() && facts.torch_storage_name == name) return facts.type;
  return std::nullopt;
}

void to_float(ElementType type, Bytes bytes, std::span<float> values) {
  switch (type) {
    case ElementType::kF64:
      return convert_all<double>(bytes, values, from_double);
    case ElementType::kF32:
      if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size_bytes());
      return;
    case ElementType::kF16:
      return convert_all<engine::Half>(bytes, values, [](engine::Half half) { return to_float(half); });
    case ElementType::kBF16:
      return convert_all<std::uint16_t>(
          bytes, values, [](std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); });
    case ElementType::kI64:
      return convert_integers<std::int64_t>(bytes, values);
    case ElementType::kI32:
      return convert_integers<std::int32_t>(bytes, values);
    case ElementType::kI16:
      return convert_integers<std::int16_t>(bytes, values);
    case ElementType::kI8:
      return convert_integers<std::int8_t>(bytes, values);
    case ElementType::kU64:
      return convert_integers<std::uint64_t>(bytes, values);
    case ElementType::kU32:
      return convert_integers<std::uint32_t>(bytes, values);
    case ElementType::kU16:
      return convert_integers<std::uint16_t>(bytes, values);
    case ElementType::kU8:
      return convert_integers<std::uint8_t>(bytes, values);
    case ElementType::kBool:
      return convert_all<std::uint8_t>(bytes, values, [](std::uint8_t value) { return value ? 1.0f : 0.0f; });
  }
}

std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  return static_cast<std::uint64_t>(count);
}

}  // namespace sapnet::weights
