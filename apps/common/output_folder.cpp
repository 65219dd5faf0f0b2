#include "apps/common/output_folder.h"

#include <system_error>

#include "apps/common/program.h"
#include "engine/error.h"
#include "engine/files/output_file.h"

namespace sapnet::apps {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(const Plan& plan) {
  const fs::path& output = plan.tasks.front().output;
  try {
    create(output.parent_path());
    const files::OutputFile probe(output);  // finds missing permissions before any work
  } catch (const Error&) {
    remove_empty();
    throw;
  }
}

void OutputFolder::create(const fs::path& folder) {
  fs::path whole;
  for (const fs::path& part : folder) {
    whole /= part;
    std::error_code error;
    if (fs::is_directory(whole, error)) continue;
    if (fs::exists(whole, error)) throw UsageError(whole.string() + ": is a file, but a folder is needed");
    if (fs::create_directory(whole, error)) created_.push_back(whole);
    if (error) throw Error(whole.string() + ": cannot create the output folder: " + error.message());
  }
}

void OutputFolder::remove_empty() {
  std::error_code not_empty;
  for (auto folder = created_.rbegin(); folder != created_.rend(); ++folder) fs::remove(*folder, not_empty);
}

}  // namespace sapnet::apps
