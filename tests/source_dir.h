// The source tree, from which tests read files.
#pragma once

#include <filesystem>

namespace sapnet::tests {

/// The environment variable SAPNET_SOURCE_DIR, for tests on another machine, or else the build's source tree.
std::filesystem::path source_dir();

}  // namespace sapnet::tests
