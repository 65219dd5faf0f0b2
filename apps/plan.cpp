#include "apps/plan.h"

#include <set>
#include <utility>

#include "apps/output_guard.h"
#include "apps/program.h"
#include "engine/error.h"
#include "engine/output_file.h"
#include "train/pairs.h"
#include "train/picture_files.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;
using train::extension_of;
using train::is_picture;
using train::list_pictures;
using train::Listing;

bool is_jpeg(const fs::path& file) { return extension_of(file) == ".jpg" || extension_of(file) == ".jpeg"; }
bool is_written(const fs::path& file) { return extension_of(file) == ".png" || is_jpeg(file); }

/// "3 other files and 1 folder in gw were passed over"; empty when none was.
std::string passed_over(const Listing& listing, const fs::path& folder) {
  std::string text;
  if (listing.other_files > 0) text = counted(listing.other_files, "other file");
  if (listing.folders > 0) text += (text.empty() ? "" : " and ") + counted(listing.folders, "folder");
  if (text.empty()) return text;
  const bool one = listing.other_files + listing.folders == 1;
  return text + " in " + folder.string() + (one ? " was" : " were") + " passed over";
}

std::string output_name(const fs::path& input, const std::string& format) {
  const bool jpeg = format.empty() ? is_jpeg(input) : format == "jpg";
  const bool keeps_name = jpeg ? is_jpeg(input) : extension_of(input) == ".png";
  return keeps_name ? input.filename().string() : input.stem().string() + (jpeg ? ".jpg" : ".png");
}

/// OUT is a file, not a folder, when it has an extension and is no folder yet. Throws UsageError when that
/// file cannot hold what is to be written.
bool output_is_file(const FileOptions& options) {
  const fs::path& output = options.output;
  const std::string what = "-o " + output.string();
  if (output == "-") throw UsageError(what + ": pictures go to files, not to standard output");
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
    throw UsageError(what + ": pictures are written as " + written + ", not " + extension +
                     "; a folder of this name is " + output.string() + "/");
  }
  if (options.inputs.size() > 1 || fs::is_directory(options.inputs.front()))
    throw UsageError(what + ": is one file, for several pictures; name a folder");
  return true;
}

/// Throws UsageError when an output would replace what is read, or another output.
void check_outputs(const std::vector<PictureTask>& tasks, bool to_file, const FileOptions& options) {
  OutputGuard guard;
  for (const auto& task : tasks) guard.reads("the input " + task.input.string(), task.input);
  for (const auto& [what, path] : options.read) {
    for (const auto& file : fs::is_directory(path) ? list_pictures(path).pictures : std::vector{path})
      guard.reads(what + " " + file.string(), file);
  }
  std::map<fs::path, fs::path> inputs;  // by output
  for (const auto& [input, output] : tasks) {
    const auto [first, fresh] = inputs.emplace(engine::resolve(output), input);
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

void require_names(const FileOptions& options) {
  if (options.inputs.empty()) throw UsageError("no INPUT is named");
  if (options.output.empty()) throw UsageError("no output is named; say where to write with -o");
}

Plan plan_pictures(const FileOptions& options) {
  const bool to_file = output_is_file(options);
  Plan plan;
  plan.output = options.output;
  std::set<fs::path> seen;  // a file may be named twice, or lie in a folder that is named too
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
      const Listing listing = list_pictures(input);
      for (const auto& picture : listing.pictures) add(picture);
      if (auto sentence = passed_over(listing, input); !sentence.empty())
        plan.passed_over.push_back(std::move(sentence));
      if (listing.pictures.empty())
        throw Error(input.string() + ": holds no pictures (.png, .jpg, .jpeg, .bmp)");
    } catch (const Error& error) {
      plan.faults.emplace_back(error.what());
    }
  }
  if (plan.tasks.empty()) throw Error(join(plan.faults));
  check_outputs(plan.tasks, to_file, options);
  return plan;
}

References::References(const fs::path& file, std::size_t tasks)
    : path_(file), folder_(fs::is_directory(file)) {
  if (!fs::exists(file)) throw Error(file.string() + ": there is no such reference");
  if (!folder_ && tasks != 1) {
    throw Error(file.string() + ": is one reference for " + std::to_string(tasks) +
                " pictures; name a folder");
  }
  if (folder_) {
    for (const auto& picture : list_pictures(file).pictures)
      by_stem_.emplace(picture.stem().string(), picture);
  }
}

fs::path References::find(const fs::path& input) const {
  if (!folder_) return path_;
  const fs::path same = path_ / input.filename();
  if (is_picture(same) && fs::exists(same)) return same;
  for (const std::string& stem : train::clean_stems(input.stem().string())) {
    const auto found = by_stem_.find(stem);
    if (found != by_stem_.end()) return found->second;
  }
  throw Error(input.string() + ": has no reference of its name in " + path_.string());
}

}  // namespace sapnet::apps
