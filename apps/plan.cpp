#include "apps/plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <system_error>

#include "apps/program.h"
#include "engine/error.h"

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

std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> pictures;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& file = entry->path();
    if (is_read(file) && file.filename().string().front() != '.' && !fs::is_directory(file))
      pictures.push_back(file);
  }
  if (error) throw Error(folder.string() + ": cannot be listed: " + error.message());
  std::ranges::sort(pictures);
  return pictures;
}

std::string output_name(const fs::path& input, const std::string& format) {
  const bool jpeg = format.empty() ? is_jpeg(input) : format == "jpg";
  const bool keeps_name = jpeg ? is_jpeg(input) : extension_of(input) == ".png";
  return keeps_name ? input.filename().string() : input.stem().string() + (jpeg ? ".jpg" : ".png");
}

/// OUT is a file, not a folder, when it looks like a picture and there is one to write.
bool output_is_file(const InferOptions& options) {
  if (options.inputs.size() != 1 || fs::is_directory(options.inputs[0]) || fs::is_directory(options.output)) {
    return false;
  }
  constexpr std::array<std::string_view, 6> kUnwritten = {".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif"};
  const std::string extension = extension_of(options.output);
  if (std::ranges::find(kUnwritten, extension) != kUnwritten.end()) {
    throw UsageError("--output: pictures are written as .png, .jpg or .jpeg, not " + extension);
  }
  if (!is_written(options.output)) return false;
  if (!options.format.empty() && (options.format == "jpg") != is_jpeg(options.output)) {
    throw UsageError("--format " + options.format + " contradicts --output " + options.output.string());
  }
  return true;
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && !fs::is_directory(folder)) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw Error(folder.string() + ": the output folder cannot be made: " + error.message());
}

/// An existing output would be replaced; that must not be anything that is read.
void check_outputs(const std::vector<PictureTask>& tasks, const InferOptions& options) {
  std::set<fs::path> inputs, outputs;
  for (const auto& task : tasks) inputs.insert(fs::weakly_canonical(task.input));
  if (!options.reference.empty() && fs::exists(options.reference)) {
    const bool folder = fs::is_directory(options.reference);
    for (const auto& file : folder ? pictures_in(options.reference) : std::vector{options.reference}) {
      inputs.insert(fs::weakly_canonical(file));
    }
  }
  for (const auto& [input, output] : tasks) {
    const fs::path canonical = fs::weakly_canonical(output);
    if (inputs.contains(canonical)) {
      throw Error(output.string() +
                  ": is an input or a reference, which would be overwritten; name another output");
    }
    if (!outputs.insert(canonical).second) {
      throw Error(output.string() + ": two pictures would be written to it, the second of them " +
                  input.string());
    }
  }
}

}  // namespace

std::vector<PictureTask> plan_pictures(const InferOptions& options) {
  std::vector<fs::path> inputs;
  for (const auto& input : options.inputs) {
    if (!fs::is_directory(input)) {
      inputs.push_back(input);
      continue;
    }
    const auto pictures = pictures_in(input);
    if (pictures.empty()) throw Error(input.string() + ": holds no pictures (.png, .jpg, .jpeg, .bmp)");
    inputs.insert(inputs.end(), pictures.begin(), pictures.end());
  }

  std::vector<PictureTask> tasks;
  const bool to_file = output_is_file(options);
  std::set<fs::path> seen;  // a file may be named twice, or lie in a folder that is named too
  for (const auto& input : inputs) {
    if (!seen.insert(fs::weakly_canonical(input)).second) continue;
    tasks.push_back({input, to_file ? options.output : options.output / output_name(input, options.format)});
  }
  check_outputs(tasks, options);
  if (!to_file) create_folder(options.output);
  return tasks;
}

References::References(const fs::path& file, std::size_t tasks)
    : path_(file), folder_(fs::is_directory(file)) {
  if (!fs::exists(file)) throw Error(file.string() + ": there is no such reference");
  if (!folder_ && tasks != 1) {
    throw Error(file.string() + ": is one reference for " + std::to_string(tasks) +
                " pictures; name a folder");
  }
  if (folder_) {
    for (const auto& picture : pictures_in(file)) by_stem_.emplace(picture.stem().string(), picture);
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
