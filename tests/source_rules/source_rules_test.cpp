// Rules for the source tree: which folder may include which, and the form of files.
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/source_dir.h"

namespace sapnet::tests {
namespace {

namespace fs = std::filesystem;

using Folders = std::set<std::string>;

/// A folder of sources, and the other folders that it may include.
struct Module {
  std::string folder;
  Folders may_include;
};

/// From bottom to top: a module may include only modules listed before it, so there are no cycles. A file
/// belongs to the innermost module that it lies in. tests and bench may include everything.
const std::vector<Module> kModules = {
    {"kernels", {}},
    {"engine", {"kernels"}},
    {"model", {"engine"}},
    {"engine/files", {"engine"}},
    {"weights", {"engine/files", "engine"}},
    {"train/image", {"engine/files", "engine"}},
    {"train/metrics", {"train/image", "model", "weights", "engine"}},
    {"train/rain", {"train/image", "engine"}},
    {"train/data", {"train/rain", "train/image", "engine"}},
    {"train",
     {"train/data", "train/rain", "train/metrics", "train/image", "weights", "engine/files", "model",
      "engine"}},
    {"apps/common", {"train/image", "engine/files", "engine"}},
    {"apps/infer",
     {"apps/common", "train/metrics", "train/image", "weights", "engine/files", "model", "engine"}},
    {"apps/rain", {"apps/common", "train/rain", "train/image"}},
    {"apps/train",
     {"apps/common", "train", "train/data", "train/metrics", "weights", "engine/files", "model", "engine"}},
};

/// The modules that may include a package's headers, by prefix of their names; headers of the standard
/// library have neither a dot nor a slash. tests and bench may include everything.
const std::map<std::string, Folders> kPackages = {
    {"hwy/", {"kernels"}},
    {"omp.h", {"kernels"}},
    {"cuda", {"kernels", "engine"}},
    {"cublas_v2.h", {"kernels"}},
    {"dlfcn.h", {"kernels"}},
    {"cooperative_groups.h", {"kernels"}},
    {"emulated_", {"kernels"}},  // headers of tests/cuda_emulator that replace nvcc built-ins
    {"nlohmann/", {"weights", "train", "apps/infer"}},
    {"zlib.h", {"weights", "train/image", "train"}},
    {"stb/", {"train/image"}},
    {"libexif/", {"train/image"}},
    {"CLI/", {"apps/common"}},
    {"sys/", {"engine", "engine/files", "weights", "apps/common", "apps/train"}},
    {"unistd.h", {"engine/files", "weights", "apps/common", "apps/infer", "apps/train"}},
    {"fcntl.h", {"engine/files", "weights", "apps/train"}},
    {"pthread.h", {"kernels", "apps/common"}},
};

const fs::path kRoot = source_dir();
const std::array kFolders = {"apps",  "bench", "docs",  "engine", "kernels",
                             "model", "tests", "train", "weights"};
const Folders kCode = {".cpp", ".h", ".cu", ".cuh", ".py"};
const Folders kText = {".cpp", ".h", ".cu", ".cuh", ".py", ".txt", ".md", ".sh", ".cmake"};

struct Include {
  std::string file, name;  // file: relative to the root
  bool quoted;
};

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// All files in the folders with one of these extensions.
std::vector<fs::path> files(const Folders& extensions) {
  std::vector<fs::path> result;
  for (const auto* folder : kFolders) {
    if (!fs::is_directory(kRoot / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder))
      if (entry.is_regular_file() && extensions.contains(entry.path().extension().string()))
        result.push_back(entry.path());
  }
  REQUIRE(result.size() > 20);
  return result;
}

std::vector<Include> includes(const std::string& file, const std::string& text) {
  static const std::regex kPattern(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^">\n]+)[">])",
                                   std::regex::ECMAScript | std::regex::multiline);
  std::vector<Include> result;
  for (std::sregex_iterator match(text.begin(), text.end(), kPattern), end; match != end; ++match)
    result.push_back({file, (*match)[2], (*match)[1] == "\""});
  return result;
}

/// The module of a file; null for those of tests and bench, and for a file in no module.
const Module* module_of(const std::string& file) {
  const Module* found = nullptr;
  for (const Module& module : kModules)
    if (file.starts_with(module.folder + "/") && (!found || module.folder.size() > found->folder.size()))
      found = &module;
  return found;
}

/// An error message about an include; empty if it is allowed.
std::string fault(const Include& include) {
  const bool unrestricted = include.file.starts_with("tests/") || include.file.starts_with("bench/");
  const Module* const module = module_of(include.file);
  if (!unrestricted && !module) return include.file + " is in none of the modules of this test";
  const std::string line = include.file + " includes " + include.name;
  if (include.quoted) {
    if (!fs::exists(kRoot / include.name)) return line + ", which is not a path from the root";
    if (unrestricted) return "";
    const Module* const target = module_of(include.name);
    if (!target) return line + ", which is in none of the modules of this test";
    if (target != module && !module->may_include.contains(target->folder))
      return line + ": " + module->folder + " may not include " + target->folder;
    return "";
  }
  if (unrestricted || include.name.find_first_of("./") == std::string::npos) return "";
  const auto package = std::find_if(kPackages.begin(), kPackages.end(),
                                    [&](const auto& entry) { return include.name.starts_with(entry.first); });
  if (package == kPackages.end()) return line + ", which is not in the list of this test";
  if (!package->second.contains(module->folder)) return line + ": not allowed in " + module->folder;
  return "";
}

TEST_CASE("violations of the include rules are found", "[source_rules]") {
  const auto of = [](const std::string& file, const std::string& text) {
    std::string faults;
    for (const Include& include : includes(file, text)) faults += fault(include);
    return faults;
  };
  CHECK(of("kernels/a.cpp", "#include <vector>\n#include \"kernels/error.h\"\n#include <hwy/highway.h>\n")
            .empty());
  CHECK(of("apps/infer/a.cpp", "#include \"engine/error.h\"\n").empty());
  CHECK(of("tests/a.cpp", "#include \"kernels/error.h\"\n#include <hwy/highway.h>\n").empty());
  CHECK(of("kernels/a.cpp", "int a;\n  #  include \"engine/error.h\"\n") ==
        "kernels/a.cpp includes engine/error.h: kernels may not include engine");
  CHECK(of("apps/infer/a.cpp", "#include \"kernels/error.h\"\n") ==
        "apps/infer/a.cpp includes kernels/error.h: apps/infer may not include kernels");
  CHECK(of("weights/a.cpp", "#include \"model/network.h\"\n") ==
        "weights/a.cpp includes model/network.h: weights may not include model");
  CHECK(of("train/a.h", "#include \"train/image/image.h\"\n#include \"train/config.h\"\n").empty());
  CHECK(of("train/image/a.h", "#include \"train/config.h\"\n") ==
        "train/image/a.h includes train/config.h: train/image may not include train");
  CHECK(of("apps/infer/a.h", "#include \"apps/train/options.h\"\n") ==
        "apps/infer/a.h includes apps/train/options.h: apps/infer may not include apps/train");
  CHECK(of("apps/a.h", "#include <vector>\n") == "apps/a.h is in none of the modules of this test");
  CHECK(of("engine/a.h", "#include <nlohmann/json.hpp>\n") ==
        "engine/a.h includes nlohmann/json.hpp: not allowed in engine");
  CHECK(of("engine/a.h", "#include \"error.h\"\n") ==
        "engine/a.h includes error.h, which is not a path from the root");
  CHECK(of("apps/infer/a.cpp", "#include <boost/any.hpp>\n") ==
        "apps/infer/a.cpp includes boost/any.hpp, which is not in the list of this test");
}

TEST_CASE("the modules have no cycle", "[source_rules]") {
  Folders below;
  for (const Module& module : kModules) {
    for (const std::string& other : module.may_include)
      if (!below.contains(other))
        FAIL_CHECK(module.folder << " may include " << other << ", which is not listed before it");
    below.insert(module.folder);
  }
  CHECK(below.size() == kModules.size());
}

TEST_CASE("every include follows the rules", "[source_rules]") {
  std::size_t seen = 0;
  for (const fs::path& file : files({".cpp", ".h", ".cu", ".cuh"})) {
    for (const Include& include : includes(fs::relative(file, kRoot).generic_string(), read(file))) {
      ++seen;
      const std::string sentence = fault(include);
      if (!sentence.empty()) FAIL_CHECK(sentence);
    }
  }
  CHECK(seen > 100);
}

TEST_CASE("source files are not too long", "[source_rules]") {
  constexpr std::ptrdiff_t kMaxLines = 450;
  for (const fs::path& file : files(kCode)) {
    const std::string text = read(file);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    if (lines > kMaxLines) FAIL_CHECK(file << " has " << lines << " lines, more than " << kMaxLines);
  }
  SUCCEED();
}

TEST_CASE("text files end with a newline and contain no absolute home paths", "[source_rules]") {
  for (const fs::path& file : files(kText)) {
    const std::string text = read(file);
    if (!text.empty() && text.back() != '\n') FAIL_CHECK(file << " does not end with a newline");
    for (const std::string folder : {"home", "root", "work", "Users"})
      if (text.find("/" + folder + "/") != std::string::npos)
        FAIL_CHECK(file << " has a path below /" << folder);
  }
  SUCCEED();
}

TEST_CASE("the root has no unknown folders", "[source_rules]") {
  for (const auto& entry : fs::directory_iterator(kRoot)) {
    const std::string name = entry.path().filename().string();
    const bool generated = name.starts_with("build") || name == "derained";
    if (!entry.is_directory() || name.starts_with(".") || generated) continue;
    if (std::find(kFolders.begin(), kFolders.end(), name) == kFolders.end())
      FAIL_CHECK(name << " is not a known folder");
  }
  SUCCEED();
}

}  // namespace
}  // namespace sapnet::tests
