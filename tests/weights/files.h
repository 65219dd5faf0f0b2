// Files for the tests of weights/: committed fixtures, and malicious files made byte by byte.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/parameters.h"

namespace sapnet::tests {

/// Files are strings, which makes malicious ones easy to write.
inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string contents(const std::filesystem::path& file);
std::string fixture(const std::string& name);
std::vector<std::string> fixture_names();

/// The number as `size` little-endian bytes, at most eight.
std::string little_endian(std::uint64_t number, int size);

std::string safetensors_of(std::string_view header, std::string_view data = "");
std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries);

/// The parts of a zip archive: a local entry; the central directory entry for the local entry at `position`;
/// and the end record of a central directory from `directory` to `end`. kZip64 writes the numbers as zip64
/// does: in an extra field of the directory entry, and in a separate end record with a locator.
enum class ZipNumbers { kPlain, kZip64 };
std::string zip_entry(const std::string& name, const std::string& data);
std::string zip_directory_entry(const std::string& name, const std::string& data, std::uint64_t position,
                                ZipNumbers numbers = ZipNumbers::kPlain);
std::string zip_end(std::uint64_t entry_count, std::uint64_t directory, std::uint64_t end,
                    ZipNumbers numbers = ZipNumbers::kPlain);

/// Pickle fragments (protocol 2): a string, and a whole pickle from its instructions.
std::string pickled_text(std::string_view text);
std::string pickle_of(std::string_view instructions);
/// The instructions for a float storage of `count` elements, and for a tensor on it.
std::string pickled_storage(std::string_view key, std::uint64_t count);
std::string pickled_tensor(std::string_view storage, std::uint64_t offset,
                           const std::vector<std::uint64_t>& shape,
                           const std::vector<std::uint64_t>& strides);
/// The instructions for {name: tensor}.
std::string pickled_dict(std::string_view name, std::string_view tensor);

/// A file in the legacy format with the state_dict of these instructions.
std::string legacy_of(std::string_view instructions, const std::vector<std::string>& keys,
                      std::string_view storages);

/// The error message when these bytes are read as the file "FILE"; "" if there is none.
std::string error_of(std::string_view file);

/// Whether names, shapes and values agree, bit for bit.
bool identical(const engine::Parameters& a, const engine::Parameters& b);

}  // namespace sapnet::tests
