#include "weights/state_dict.h"

#include <algorithm>

#include "engine/error.h"

namespace sapnet::weights {
namespace {

bool is_contiguous(const StridedTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t d = tensor.shape.size(); d-- > 0; expected *= tensor.shape[d])
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected) return false;
  return true;
}

// Index of the last element of a non-empty tensor; nullopt if it overflows 64 bits.
std::optional<std::uint64_t> last_element(const StridedTensor& tensor) {
  std::uint64_t last = tensor.offset;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
    std::uint64_t reach = 0;
    if (__builtin_mul_overflow(tensor.shape[d] - 1, tensor.strides[d], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return std::nullopt;
  }
  return last;
}

// Gathers the values of a non-empty tensor in row-major order; `elements` is the whole storage.
void gather(const StridedTensor& tensor, ElementType type, Bytes elements, std::span<float> values) {
  const std::uint64_t size = element_size(type);
  if (is_contiguous(tensor))
    return to_float(type, elements.subspan(tensor.offset * size, values.size() * size), values);

  std::vector<std::int64_t> index(tensor.shape.size(), 0);
  std::uint64_t position = tensor.offset;
  for (float& value : values) {
    to_float(type, elements.subspan(position * size, size), {&value, 1});
    for (std::size_t d = index.size(); d-- > 0;) {
      const auto stride = static_cast<std::uint64_t>(tensor.strides[d]);
      if (++index[d] < tensor.shape[d]) {
        position += stride;
        break;
      }
      position -= static_cast<std::uint64_t>(tensor.shape[d] - 1) * stride;
      index[d] = 0;
    }
  }
}

bool holds_tensors(const Pickle::Dict& dict) {
  return std::ranges::any_of(dict, [](const auto& item) { return item.second.kind == Value::Kind::kTensor; });
}

const Pickle::Dict& find_state_dict(const Pickle& pickle, const std::string& source) {
  if (pickle.root.kind == Value::Kind::kDict) {
    const Pickle::Dict& root = pickle.dicts[pickle.root.index()];
    if (const Value* nested = pickle.find(root, "state_dict"); nested && nested->kind == Value::Kind::kDict) {
      const Pickle::Dict& dict = pickle.dicts[nested->index()];
      if (holds_tensors(dict)) return dict;
    }
    if (holds_tensors(root)) return root;
  }
  throw Error(source + ": has no named tensors, neither at the top level nor under 'state_dict'");
}

}  // namespace

std::string parameter_name(std::string_view name, const std::string& source) {
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    throw Error(source + ": the tensor name " + in_quotes(name) + " has control characters");
  constexpr std::string_view kParallel = "module.";
  return std::string(name.starts_with(kParallel) ? name.substr(kParallel.size()) : name);
}

engine::Parameters read_state_dict(const Pickle& pickle, const std::string& source, std::uint64_t file_size,
                                   std::string_view prefix, const StorageBytes& storage_bytes) {
  engine::Parameters parameters(source);
  std::vector<std::optional<Bytes>> storages(pickle.storages.size());
  std::uint64_t values_left = file_size;
  std::uint64_t storage_left = file_size;

  for (const auto& [key, value] : find_state_dict(pickle, source)) {
    const auto text = pickle.text(key);
    if (!text || value.kind != Value::Kind::kTensor) continue;
    std::string name = parameter_name(*text, source);
    if (!name.starts_with(prefix)) continue;

    const StridedTensor& tensor = pickle.tensors[value.index()];
    const Storage& storage = pickle.storages[tensor.storage];
    const std::string subject =
        source + ": tensor " + in_quotes(name) + " of shape " + engine::to_string(tensor.shape);
    const auto count = element_count(tensor.shape);
    if (!count) throw Error(subject + " is impossibly large");
    if (*count > 0) {
      const auto last = last_element(tensor);
      if (!last || *last >= storage.count)
        throw Error(subject + " does not fit its storage of " + std::to_string(storage.count) + " elements");
    }
    if (*count > values_left) throw Error(subject + " is more than a file of this size can hold");
    values_left -= *count;

    engine::Parameter parameter{std::move(name), tensor.shape, {}};
    if (*count > 0) {
      auto& bytes = storages[tensor.storage];
      if (!bytes) {
        // Storages do not overlap, so together they fit the file; this also bounds the time that checksums
        // take.
        const std::uint64_t size = element_size(storage.type);
        if (storage.count > storage_left / size) throw Error(subject + " has a storage larger than the file");
        storage_left -= storage.count * size;
        bytes = storage_bytes(storage);
      }
      parameter.values.resize(*count);
      gather(tensor, storage.type, *bytes, parameter.values);
    }
    parameters.add(std::move(parameter));
  }
  return parameters;
}

}  // namespace sapnet::weights
