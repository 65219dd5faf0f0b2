// Maps inputs to outputs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sapnet::apps {

/// The file options of a command line.
struct FileOptions {
  std::vector<std::filesystem::path> inputs;  // files and folders
  std::filesystem::path output;               // a folder or a file
  std::string format;                         // "png", "jpg", or empty: like the input

  /// A file or folder given by another option. `what` precedes its path in messages.
  struct Named {
    std::string what;  // "the weight file", "--json"
    std::filesystem::path path;
  };
  std::vector<Named> read, written;  // in addition to the images
};

struct ImageTask {
  std::filesystem::path input, output;
};

struct Plan {
  std::vector<ImageTask> tasks;      // at least one
  std::filesystem::path output;      // as given: a folder or the file
  std::vector<std::string> errors;   // inputs without images
  std::vector<std::string> skipped;  // other files in the input folders
};

/// Throws UsageError if the command line has no input or no output.
void require_input_and_output(const FileOptions& options);

/// Lists all input images, those of a folder in natural order, with their output files. Writes nothing.
/// Throws UsageError if an output would overwrite an input or another output, or cannot be written to; Error
/// if there is no image.
Plan plan_images(const FileOptions& options);

}  // namespace sapnet::apps
