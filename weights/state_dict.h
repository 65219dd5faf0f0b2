// Converts a pickled state_dict to weights; shared by both PyTorch formats.
#pragma once

#include <functional>
#include <string>

#include "engine/parameters.h"
#include "weights/pickle.h"

namespace sapnet::weights {

/// A tensor's name without DataParallel's leading "module.". Throws Error, naming `source`, if it contains
/// control characters.
std::string parameter_name(std::string_view name, const std::string& source);

/// Returns all bytes of a storage; throws Error if the file does not have them.
using StorageBytes = std::function<Bytes(const Storage&)>;

/// The tensors of a state_dict whose names (without "module.") start with `prefix`. The state_dict is the
/// pickle's root, or the root's 'state_dict' entry if the root is a checkpoint. Values that are not tensors
/// are skipped. `storage_bytes` is called once for each storage that is needed. `file_size`, in bytes, limits
/// the number of values, however often tensors share a storage. Throws Error, naming `source`, if a tensor
/// exceeds its storage or there is no tensor.
engine::Parameters read_state_dict(const Pickle& pickle, const std::string& source, std::uint64_t file_size,
                                   std::string_view prefix, const StorageBytes& storage_bytes);

}  // namespace sapnet::weights
