#include "apps/infer/references.h"

#include "engine/error.h"
#include "train/image/folder.h"
#include "train/image/pairs.h"

namespace sapnet::apps {

namespace fs = std::filesystem;

References::References(const fs::path& file, std::size_t tasks)
    : path_(file), folder_(fs::is_directory(file)) {
  if (!fs::exists(file)) throw Error(file.string() + ": this reference does not exist");
  if (!folder_ && tasks != 1) {
    throw Error(file.string() + ": is one reference, but there are " + std::to_string(tasks) +
                " images; specify a folder");
  }
  if (folder_) {
    for (const auto& image : train::list_images(file).images) by_stem_.emplace(image.stem().string(), image);
  }
}

fs::path References::find(const fs::path& input) const {
  if (!folder_) return path_;
  const fs::path same = path_ / input.filename();
  if (train::is_image(same) && fs::exists(same)) return same;
  for (const std::string& stem : train::clean_stems(input.stem().string())) {
    const auto found = by_stem_.find(stem);
    if (found != by_stem_.end()) return found->second;
  }
  throw Error(input.string() + ": has no reference of the same name in " + path_.string());
}

}  // namespace sapnet::apps
