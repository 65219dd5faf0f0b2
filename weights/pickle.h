// A reader of the few pickles that PyTorch writes around its tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/byte_reader.h"
#include "weights/element_type.h"

namespace sapnet::weights {

/// What a pickle says of a run of numbers that lies elsewhere in the file.
struct Storage {
  std::string_view key;  // its name in the file, unique among the pickle's storages
  ElementType type;
  std::uint64_t count;  // elements, as claimed: not yet held against the file
};

/// A strided view of a storage, in elements. Nothing of it is checked but that no number is negative and
/// that shape and strides have the same length.
struct StridedTensor {
  std::size_t storage;  // index into Pickle::storages
  std::uint64_t offset;
  std::vector<std::int64_t> shape, strides;
};

/// A value of a pickle. Values refer to each other by index, so that cyclic references cost nothing.
struct Value {
  enum class Kind {
    kOpaque,  // None, a float: nothing that a weight file's meaning depends on
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

/// A pickle, read. The texts point into the file.
struct Pickle {
  using Dict = std::vector<std::pair<Value, Value>>;  // in the order of insertion; keys may repeat

  Value root;
  std::vector<std::string_view> texts;
  std::vector<std::vector<Value>> sequences;
  std::vector<Dict> dicts;
  std::vector<Storage> storages;
  std::vector<StridedTensor> tensors;

  /// The text that a value is, or none.
  std::optional<std::string_view> text(const Value& value) const;

  /// The last value of a dict under a text key, or null.
  const Value* find(const Dict& dict, std::string_view key) const;
};

/// Reads one pickle of protocol 2 and leaves the reader behind it. Nothing is executed: of all of Python,
/// only OrderedDict, PyTorch's tensor makers and storage classes have a meaning here, and an instruction or a
/// name beyond them throws Error, as does whatever else is damaged. Memory stays proportional to the bytes.
Pickle read_pickle(ByteReader& reader);

}  // namespace sapnet::weights
