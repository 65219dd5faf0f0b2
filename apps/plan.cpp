#include "apps/plan.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <system_error>
#include <utility>

#include "apps/output_guard.h"
#include "apps/program.h"
#include "engine/error.h"
#include "engine/output_file.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;

std::string extension_of(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_jpeg(const fs::path& file) { return extension_of(file) == ".jpg" || extension_of(file) == ".jpeg"; }
bool is_written(const fs::path& file) { return extension_of(file) == ".png" || is_jpeg(file); }
bool is_read(const fs::path& file) { return extension_of(file) == ".bmp" || is_written(file); }

struct Listing {
  std::vector<fs::path> pictures;
  std::size_t other_files = 0, folders = 0;  // hidden ones apart
};

Listing list(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& file = entry->path();
    std::error_code gone;
    if (file.filename().string().front() == '.') continue;
    if (fs::is_directory(file, gone)) {
      ++listing.folders;
    } else if (is_read(file)) {
      listing.pictures.push_back(file);
    } else {
      ++listing.other_files;
    }
  }
  if (error) throw Error(folder.string() + ": cannot be listed: " + error.message());
  std::ranges::sort(listing.pictures);
  return listing;
}

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
    for (const auto& file : fs::is_directory(path) ? list(path).pictures : std::vector{path})
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
      const Listing listing = list(input);
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
    for (const auto& picture : list(file).pictures) by_stem_.emplace(picture.stem().string(), picture);
  }
}

fs::path References::find(const fs::path& input) const {
  if (!folder_) return path_;
  const fs::path same = path_ / input.filename();
  if (is_read(same) && fs::exists(same)) return same;
  const std::string stem = input.stem().string();
  for (const std::string& candidate : {stem, stem.starts_with("rain-") ? "no" + stem : stem}) {
    const auto found = by_stem_.find(candidate);
    if (found != by_stem_.end()) return found->second;
  }
  throw Error(input.string() + ": has no reference of its name in " + path_.string());
}

}  // namespace sapnet::apps
