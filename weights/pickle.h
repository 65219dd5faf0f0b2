// A safe reader for the pickles in PyTorch files.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/byte_reader.h"
#include "weights/element_type.h"

namespace sapnet::weights {

/// A storage that a pickle refers to; its data is elsewhere in the file.
struct Storage {
  std::string_view key;  // its name in the file, unique among the pickle's storages
  ElementType type;
  std::uint64_t count;  // elements, according to the file; not yet checked
};

/// A strided view of a storage, in elements. Checked only for non-negative numbers and equal lengths of shape
/// and strides.
struct StridedTensor {
  std::size_t storage;  // index into Pickle::storages
  std::uint64_t offset;
  std::vector<std::int64_t> shape, strides;
};

/// A value in a pickle. Values refer to each other by index, so cyclic references are harmless.
struct Value {
  enum class Kind {
    kOpaque,  // None or a float, which weights do not need
    kBool,
    kInteger,
    kText,      // index into texts
    kSequence,  // list or tuple, index into sequences
    kDict,      // index into dicts
    kStorage,   // index into storages
    kTensor,    // index into tensors
    kStorageType,
    kCallable,
  };
  Kind kind = Kind::kOpaque;
  std::int64_t number = 0;  // the value or the index

  std::size_t index() const { return static_cast<std::size_t>(number); }
};

/// A parsed pickle. The texts point into the file.
struct Pickle {
  using Dict = std::vector<std::pair<Value, Value>>;  // in insertion order; keys may repeat

  Value root;
  std::vector<std::string_view> texts;
  std::vector<std::vector<Value>> sequences;
  std::vector<Dict> dicts;
  std::vector<Storage> storages;
  std::vector<StridedTensor> tensors;

  /// The text of a value; nullopt if it is not text.
  std::optional<std::string_view> text(const Value& value) const;

  /// The last value with this key; null if there is none.
  const Value* find(const Dict& dict, std::string_view key) const;
};

/// Reads one pickle (protocol 2) and leaves the reader after it. Nothing is executed: only OrderedDict and
/// PyTorch's tensor constructors and storage classes are supported; any other name or opcode throws Error, as
/// does a damaged pickle. Memory use is proportional to the number of bytes.
Pickle read_pickle(ByteReader& reader);

}  // namespace sapnet::weights
