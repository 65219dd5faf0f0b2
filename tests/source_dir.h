// The source tree, from which tests read files.
#pragma once

#include <filesystem>

namespace sapnet::tests {

/// The environment's SAPNET_SOURCE_DIR, for tests run on another machine, or the tree they were built from.
std::filesystem::path source_dir();

}  // namespace sapnet::tests
