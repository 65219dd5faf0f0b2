#include "tests/kernels/kernel_table.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>

#include "tests/catch.h"
#include "tests/source_dir.h"

namespace sapnet::tests {

namespace fs = std::filesystem;

std::string readable_kernel(const std::string& mangled) {
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, nullptr), &std::free);
  if (!demangled) return mangled;
  static const std::regex kAround(R"(^void |sapnet::kernels::(?:(?:cuda|gpu)::)?|\(anonymous namespace\)::)");
  const std::string name = std::regex_replace(demangled.get(), kAround, "");
  return name.substr(0, name.find('('));
}

bool write_kernel_tables() { return std::getenv("SAPNET_WRITE_KERNEL_RESOURCES") != nullptr; }

void check_kernel_table(const std::string& name, const std::vector<std::string>& table,
                        const std::function<bool(const std::string&)>& wanted) {
  const fs::path path = source_dir() / "tests/kernels" / name;
  if (write_kernel_tables()) {
    std::ofstream file(path);
    for (const std::string& line : table) file << line << '\n';
    REQUIRE(file.flush());
    return;
  }
  std::vector<std::string> known;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (wanted(line)) known.push_back(line);
  if (known.empty() || known.front() != table.front()) {
    WARN("skipped: " << path << " is not for this nvcc; this build's table begins: " << table.front());
    return;
  }
  std::ostringstream changes;
  const auto list = [&](const char* what, const std::vector<std::string>& from,
                        const std::vector<std::string>& to) {
    for (const std::string& line : from)
      if (std::find(to.begin(), to.end(), line) == to.end()) changes << what << line << '\n';
  };
  list("  was  ", known, table);
  list("  is   ", table, known);
  if (!changes.str().empty())
    FAIL(path << " differs from this build:\n"
              << changes.str() << "If this is intended, run ./dev kernel-resources and commit the file.");
}

std::vector<fs::path> kernel_files(const fs::path& build, const std::string& suffix) {
  std::vector<fs::path> files;
  if (!fs::exists(build)) {
    WARN("skipped: the kernels were built on another machine");
    return files;
  }
  const fs::path kernels = source_dir() / "kernels";
  for (const auto& source : fs::recursive_directory_iterator(kernels)) {
    if (source.path().extension() != ".cu") continue;
    files.push_back(build / (fs::relative(source, kernels).string() + suffix));
    INFO(files.back() << " is missing");
    REQUIRE(fs::exists(files.back()));
  }
  return files;
}

}  // namespace sapnet::tests
