// What every program does the same way: its messages, its exit codes, its default weights.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "engine/error.h"

namespace CLI {
class App;
}

namespace sapnet::apps {

/// A command line that cannot be obeyed.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Runs `body` and returns the exit code: its own, 2 after a UsageError, 1 after any other exception, each
/// with one line `NAME: error: SENTENCE` on stderr. A signal that ends the program leaves no temporary files.
int run_program(const std::string& name, char** argv, const std::function<int()>& body);

/// Parses with CLI11. Returns false when --help or --version was asked for, and printed.
/// Throws UsageError with CLI11's message.
bool parse_command_line(CLI::App& app, int argc, char** argv);

/// sapnet.safetensors: where it is installed (PREFIX/share/sapnet, beside PREFIX/bin), else in weights/ of
/// the source tree that the program was built in. Throws Error when it is in neither place.
std::filesystem::path default_weights();

}  // namespace sapnet::apps
