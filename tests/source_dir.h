// Where tests find what they read.
#pragma once

#include <filesystem>

namespace sapnet::tests {

/// The checkout: the environment's SAPNET_SOURCE_DIR, for tests that were carried to another machine, or else
/// the one that they were built from.
std::filesystem::path source_dir();

}  // namespace sapnet::tests
