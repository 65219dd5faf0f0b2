#include "apps/output_folder.h"

#include <system_error>

#include "apps/program.h"
#include "engine/error.h"
#include "engine/output_file.h"

namespace sapnet::apps {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(const Plan& plan) {
  const fs::path& output = plan.tasks.front().output;
  try {
    make(output.parent_path());
    const engine::OutputFile trial(output);  // finds a missing permission before any work
  } catch (const Error&) {
    remove_empty();
    throw;
  }
}

void OutputFolder::make(const fs::path& folder) {
  fs::path whole;
  for (const fs::path& part : folder) {
    whole /= part;
    std::error_code error;
    if (fs::is_directory(whole, error)) continue;
    if (fs::exists(whole, error)) throw UsageError(whole.string() + ": is a file where a folder is needed");
    if (fs::create_directory(whole, error)) made_.push_back(whole);
    if (error) throw Error(whole.string() + ": the output folder cannot be made: " + error.message());
  }
}

void OutputFolder::remove_empty() {
  std::error_code not_empty;
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) fs::remove(*folder, not_empty);
}

}  // namespace sapnet::apps
