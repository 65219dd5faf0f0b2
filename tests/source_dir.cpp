#include "tests/source_dir.h"

#include <cstdlib>

namespace sapnet::tests {

std::filesystem::path source_dir() {
  const char* const named = std::getenv("SAPNET_SOURCE_DIR");
  return named ? named : SAPNET_SOURCE_DIR;
}

}  // namespace sapnet::tests
