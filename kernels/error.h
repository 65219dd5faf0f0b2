// The one exception type of the project.
#pragma once

#include <stdexcept>
#include <string>

namespace sapnet {

/// Thrown by every function of the project: one sentence for the user with the offending value and the file
/// it came from. Programs print it on stderr and exit with 1.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence) : std::runtime_error(sentence) {}
};

}  // namespace sapnet
