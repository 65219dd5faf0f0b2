// PyTorch's zip format (torch.save since 1.6).
#pragma once

#include "engine/parameters.h"
#include "weights/byte_reader.h"

namespace sapnet::weights {

/// Whether the bytes start like a zip archive.
bool is_torch_zip(Bytes bytes);

/// Reads the tensors whose names start with `prefix`; see state_dict.h. `source` names the file in messages.
/// Throws Error if the file is damaged or another kind of zip archive.
engine::Parameters read_torch_zip(Bytes bytes, const std::string& source, std::string_view prefix);

}  // namespace sapnet::weights
