// Which picture goes where.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sapnet::apps {

/// What a command line says about files.
struct FileOptions {
  std::vector<std::filesystem::path> inputs;  // files and folders
  std::filesystem::path output;               // a folder, or a file
  std::string format;                         // "png", "jpg", or empty: as the input

  /// A file that an option names, or a folder of pictures. `what` stands before its path in messages.
  struct Named {
    std::string what;  // "the weight file", "--json"
    std::filesystem::path path;
  };
  std::vector<Named> read, written;  // besides the pictures
};

struct PictureTask {
  std::filesystem::path input, output;
};

struct Plan {
  std::vector<PictureTask> tasks;        // at least one
  std::filesystem::path output;          // as it was named: a folder, or the file
  std::vector<std::string> faults;       // sentences about inputs that gave no task
  std::vector<std::string> passed_over;  // sentences about what else lies in the input folders
};

/// Throws UsageError when the command line names no input or no output.
void require_names(const FileOptions& options);

/// Lists the pictures that the command line names, folders' in the order of their names, each with the file
/// it becomes. Touches nothing. Throws UsageError when an output would overwrite what is read or another
/// output, or cannot be one; Error when no input gives a task.
Plan plan_pictures(const FileOptions& options);

/// The rain-free pictures of --reference.
class References {
 public:
  /// `file` is a folder, or the picture itself when there is one task. Throws Error when it is neither.
  References(const std::filesystem::path& file, std::size_t tasks);

  /// The reference of an input: the picture of its name, whatever the extensions, or norain-N for rain-N.
  /// Throws Error when there is none.
  std::filesystem::path find(const std::filesystem::path& input) const;

 private:
  std::filesystem::path path_;
  bool folder_;
  std::map<std::string, std::filesystem::path> by_stem_;
};

}  // namespace sapnet::apps
