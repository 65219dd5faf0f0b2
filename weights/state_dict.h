// From PyTorch's description of tensors to weights: the part that both of its formats share.
#pragma once

#include <functional>
#include <string>

#include "engine/parameters.h"
#include "weights/pickle.h"

namespace sapnet::weights {

/// A tensor's name in the project: without the leading "module." that DataParallel leaves.
/// Throws Error, naming `source`, for a name with control characters.
std::string parameter_name(std::string_view name, const std::string& source);

/// The bytes of a storage, exactly as many as it claims; throws Error when the file has no such bytes.
using StorageBytes = std::function<Bytes(const Storage&)>;

/// The tensors of a state_dict whose names (without "module.") start with `prefix`: of the pickle's root, or
/// of its 'state_dict' where the root is a whole checkpoint. Values that are not tensors are passed over.
/// `storage_bytes` is asked once for each storage that is needed, and for no other. `file_size` in bytes
/// bounds the number of values, however often tensors share a storage.
/// Throws Error, naming `source`, when a tensor leaves its storage or there is no tensor at all.
engine::Parameters read_state_dict(const Pickle& pickle, const std::string& source, std::uint64_t file_size,
                                   std::string_view prefix, const StorageBytes& storage_bytes);

}  // namespace sapnet::weights
