// Reading and writing files of learned weights.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/parameters.h"

namespace sapnet::weights {

/// Reads a weight file, its format told by its first bytes: safetensors, PyTorch's zip format (1.6 and
/// later) or PyTorch's legacy format. Values of any numeric type become fp32; a leading "module." (left by
/// DataParallel) is dropped from names. Only the tensors whose names then start with `prefix` are read and
/// only their part of the file is touched. Nothing in the file is executed.
/// Throws Error, naming the file and the fault, for a file that is missing, damaged or of another kind.
engine::Parameters read_weights(const std::filesystem::path& file, std::string_view prefix = "");

/// The same for a weight file in memory; `source` names it in messages.
engine::Parameters read_weights(std::span<const std::byte> bytes, const std::string& source,
                                std::string_view prefix = "");

/// The "__metadata__" of a safetensors file; empty when it has none, or is of another format. Throws Error as
/// read_weights() does.
std::map<std::string, std::string> read_metadata(const std::filesystem::path& file);

/// One entry of it, such as how the weights were trained; empty where there is none of that name.
std::string trained_with(const std::filesystem::path& file, const std::string& name);

/// Writes fp32 safetensors, to a temporary name first and then renamed, so that no half-written file is
/// ever seen. `metadata` becomes the header's "__metadata__". The same parameters give the same bytes.
/// Throws Error when the disk is full or the folder cannot be written.
void write_safetensors(const std::filesystem::path& file, const engine::Parameters& parameters,
                       const std::map<std::string, std::string>& metadata);

}  // namespace sapnet::weights
