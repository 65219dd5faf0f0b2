// The safetensors format: a length, a JSON header of that length, and the data.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/parameters.h"
#include "weights/byte_reader.h"

namespace sapnet::weights {

/// Whether the bytes start like safetensors: eight bytes of length, then '{'.
bool is_safetensors(Bytes bytes);

/// The "__metadata__" of the header; `source` names the file in messages. Throws Error if the header is
/// damaged or a value is not text.
std::map<std::string, std::string> read_metadata(Bytes bytes, const std::string& source);

/// Reads the tensors whose names (without a leading "module.") start with `prefix`, in the order of their
/// data. `source` names the file in messages. Throws Error if the file is damaged, for example if the tensors
/// do not cover the data exactly once, as the format requires.
engine::Parameters read_safetensors(Bytes bytes, const std::string& source, std::string_view prefix);

}  // namespace sapnet::weights
