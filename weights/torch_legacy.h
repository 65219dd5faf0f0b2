// PyTorch's format before 1.6: five pickles followed by the raw storages.
#pragma once

#include "engine/parameters.h"
#include "weights/byte_reader.h"

namespace sapnet::weights {

/// Whether the bytes start with the pickled magic number 0x1950a86a20f9469cfc6c.
bool is_torch_legacy(Bytes bytes);

/// Reads the tensors whose names start with `prefix`; see state_dict.h. Only the lengths of other storages
/// are read. `source` names the file in messages. Throws Error for a damaged file.
engine::Parameters read_torch_legacy(Bytes bytes, const std::string& source, std::string_view prefix);

}  // namespace sapnet::weights
