#include "apps/common/plan.h"

#include <map>
#include <set>
#include <utility>

#include "apps/common/output_guard.h"
#include "apps/common/program.h"
#include "engine/error.h"
#include "engine/files/output_file.h"
#include "train/image/folder.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;
using train::extension_of;
using train::is_image;
using train::list_images;
using train::Listing;

bool is_jpeg(const fs::path& file) { return extension_of(file) == ".jpg" || extension_of(file) == ".jpeg"; }
bool is_written(const fs::path& file) { return extension_of(file) == ".png" || is_jpeg(file); }

/// "3 other files and 1 folder in gw were skipped"; empty if there were none.
std::string skipped_files(const Listing& listing, const fs::path& folder) {
  std::string text;
  if (listing.other_files > 0) text = counted(listing.other_files, "other file");
  if (listing.folders > 0) text += (text.empty() ? "" : " and ") + counted(listing.folders, "folder");
  if (text.empty()) return text;
  const bool one = listing.other_files + listing.folders == 1;
  return text + " in " + folder.string() + (one ? " was" : " were") + " skipped";
}

std::string output_name(const fs::path& input, const std::string& format) {
  const bool jpeg = format.empty() ? is_jpeg(input) : format == "jpg";
  const bool keeps_name = jpeg ? is_jpeg(input) : extension_of(input) == ".png";
  return keeps_name ? input.filename().string() : input.stem().string() + (jpeg ? ".jpg" : ".png");
}

/// OUT is a file if it has an extension and is not an existing folder. Throws UsageError if the file cannot
/// hold the output.
bool output_is_file(const FileOptions& options) {
  const fs::path& output = options.output;
  const std::string what = "-o " + output.string();
  if (output == "-")
    throw UsageError(what + ": images cannot be written to standard output; specify a file or folder");
  if (fs::is_directory(output)) return false;
  if (fs::exists(output) && !fs::is_regular_file(output)) throw UsageError(what + ": is not a regular file");
  const std::string extension = extension_of(output);
  if (extension.empty()) return false;
  const bool fits = options.format.empty()
                        ? is_written(output)
                        : is_written(output) && is_jpeg(output) == (options.format == "jpg");
  if (!fits) {
    const std::string written = options.format.empty()    ? ".png, .jpg or .jpeg"
                                : options.format == "jpg" ? ".jpg or .jpeg"
                                                          : ".png";
    throw UsageError(what + ": images are written as " + written + ", not " + extension +
                     "; for a folder, write " + output.string() + "/");
  }
  if (options.inputs.size() > 1 || fs::is_directory(options.inputs.front()))
    throw UsageError(what + ": is one file, but there are several images; specify a folder");
  return true;
}

/// Throws UsageError if an output would overwrite an input or another output.
void check_outputs(const std::vector<ImageTask>& tasks, bool to_file, const FileOptions& options) {
  OutputGuard guard;
  for (const auto& task : tasks) guard.reads("the input " + task.input.string(), task.input);
  for (const auto& [what, path] : options.read) {
    for (const auto& file : fs::is_directory(path) ? list_images(path).images : std::vector{path})
      guard.reads(what + " " + file.string(), file);
  }
  std::map<fs::path, fs::path> inputs;  // by output
  for (const auto& [input, output] : tasks) {
    const auto [first, fresh] = inputs.emplace(files::resolve(output), input);
    if (!fresh) {
      throw UsageError(output.string() + " would be written twice, from " + first->second.string() +
                       " and from " + input.string());
    }
    guard.writes((to_file ? "-o " : "") + output.string(), output);
  }
  for (const auto& [what, path] : options.written) guard.writes(what + " " + path.string(), path);
}

std::string join(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += (text.empty() ? "" : "; ") + sentence;
  return text;
}

}  // namespace

void require_input_and_output(const FileOptions& options) {
  if (options.inputs.empty()) throw UsageError("no INPUT; specify images or folders");
  if (options.output.empty()) throw UsageError("no output; specify a file or folder with -o");
}

Plan plan_images(const FileOptions& options) {
  const bool to_file = output_is_file(options);
  Plan plan;
  plan.output = options.output;
  std::set<fs::path> seen;  // a file may be given twice, or directly and in a folder
  const auto add = [&](const fs::path& input) {
    if (!seen.insert(fs::weakly_canonical(input)).second) return;
    plan.tasks.push_back(
        {input, to_file ? options.output : options.output / output_name(input, options.format)});
  };
  for (const auto& input : options.inputs) {
    if (!fs::is_directory(input)) {
      add(input);
      continue;
    }
    try {
      const Listing listing = list_images(input);
      for (const auto& image : listing.images) add(image);
      if (auto sentence = skipped_files(listing, input); !sentence.empty())
        plan.skipped.push_back(std::move(sentence));
      if (listing.images.empty())
        throw Error(input.string() + ": contains no images (.png, .jpg, .jpeg, .bmp)");
    } catch (const Error& error) {
      plan.errors.emplace_back(error.what());
    }
  }
  if (plan.tasks.empty()) throw Error(join(plan.errors));
  check_outputs(plan.tasks, to_file, options);
  return plan;
}

}  // namespace sapnet::apps
