// Converts a pickled state_dict to weights; shared by both PyTorch formats.
#pragma once

#include <functional>
#include <string>

#include "engine/parameters.h"
#include "weights/pickle.h"

namespace sapnet::weights {

/// A tensor's name without the leading "module." of DataParallel. Throws Error, naming `source`, if it has
/// control characters.
std::string parameter_name(std::string_view name, const std::string& source);

/// Returns the bytes of a storage, exactly as many as it claims; throws Error if the file does not have them.
using StorageBytes = std::function<Bytes(const Storage&)>;

/// The tensors of a state_dict whose names (without "module.") start with `prefix`: of the pickle's root, or
/// of its 'state_dict' if the root is a checkpoint. Values that are not tensors are skipped.
/// `storage_bytes` is called once for each storage that is needed. `file_size` in bytes
/// bounds the number of values, however often tensors share a storage.
/// Throws Error, naming `source`, if a tensor exceeds its storage or there is no tensor.
engine::Parameters read_state_dict(const Pickle& pickle, const std::string& source, std::uint64_t file_size,
                                   std::string_view prefix, const StorageBytes& storage_bytes);

}  // namespace sapnet::weights
