// Reads and writes weight files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/parameters.h"

namespace sapnet::weights {

/// Reads a weight file; the format is detected from the first bytes: safetensors, PyTorch's zip format (1.6
/// and later) or PyTorch's legacy format. All numeric types are converted to fp32; a leading "module." (from
/// DataParallel) is dropped from names. Only tensors whose names then start with `prefix` are read from the
/// file. Nothing in the file is executed. Throws Error, naming the file and the problem, if the file is
/// missing, damaged or in another format.
engine::Parameters read_weights(const std::filesystem::path& file, std::string_view prefix = "");

/// The same for a weight file in memory; `source` names it in messages.
engine::Parameters read_weights(std::span<const std::byte> bytes, const std::string& source,
                                std::string_view prefix = "");

/// The "__metadata__" of a safetensors file; empty if it has none or has another format. Throws Error as
/// read_weights() does.
std::map<std::string, std::string> read_metadata(const std::filesystem::path& file);

/// One entry of the metadata; empty if there is none.
std::string read_metadata_entry(const std::filesystem::path& file, const std::string& name);

/// Writes fp32 safetensors atomically (to a temporary file, then renamed). `metadata` is written as the
/// header's
/// "__metadata__". Equal arguments give equal bytes. Throws Error if the disk is full or the folder is not
/// writable.
void write_safetensors(const std::filesystem::path& file, const engine::Parameters& parameters,
                       const std::map<std::string, std::string>& metadata);

}  // namespace sapnet::weights
