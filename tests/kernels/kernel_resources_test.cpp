// What ptxas gave each kernel, held against the table in kernel_resources.txt, so that a change shows what it
// costs. That no registers are spilled, the build itself sees to.
#include <cxxabi.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sapnet::tests {
namespace {

namespace fs = std::filesystem;

struct Report {
  std::set<std::string> kernels;     // lines of the table
  std::vector<std::string> remarks;  // what ptxas says besides
};

std::string line(const std::string& kernel, const std::string& gpu, const std::string& registers,
                 const std::string& shared, const std::string& local) {
  std::ostringstream text;
  text << std::left << std::setw(38) << kernel << std::setw(6) << gpu << std::right << std::setw(10)
       << registers << std::setw(8) << shared << std::setw(7) << local;
  return text.str();
}

/// "conv2d_rows<float, 32, true>" of a mangled name.
std::string readable(const std::string& mangled) {
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, nullptr), &std::free);
  if (!demangled) return mangled;
  static const std::regex kAround(R"(^void |sapnet::kernels::cuda::|\(anonymous namespace\)::)");
  const std::string name = std::regex_replace(demangled.get(), kAround, "");
  return name.substr(0, name.find('('));
}

/// Adds what ptxas said of one file.
void read(std::istream& text, Report& report) {
  static const std::regex kEntry("ptxas info +: Compiling entry function '(.+)' for '(.+)'");
  static const std::regex kUsed(
      "ptxas info +: Used (\\d+) registers"
      "(?:.*, (\\d+) bytes cumulative stack size)?(?:.*, (\\d+) bytes smem)?.*");
  static const std::regex kKnown(
      "ptxas info +: (?:\\d+ bytes gmem|Function properties|Compile time).*"
      "| +\\d+ bytes stack frame, 0 bytes spill stores, 0 bytes spill loads");
  const auto figure = [](const std::string& digits) { return digits.empty() ? "0" : digits; };
  std::string kernel, gpu, next;
  while (std::getline(text, next)) {
    std::smatch match;
    if (std::regex_match(next, match, kEntry)) {
      kernel = readable(match[1]);
      gpu = match[2];
    } else if (std::regex_match(next, match, kUsed)) {
      report.kernels.insert(line(kernel, gpu, match[1], figure(match[3]), figure(match[2])));
    } else if (!std::regex_match(next, kKnown)) {
      report.remarks.push_back(next);
    }
  }
}

TEST_CASE("a report of ptxas is read", "[kernels][kernel_resources]") {
  std::istringstream text(
      "ptxas info    : (C7511) Potential Performance Loss: wgmma.mma_async instructions are serialized\n"
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function '_ZN6sapnet7kernels4cuda49_GLOBAL__N__bf6ab636_16_attended_"
      "conv_cu_2b00860f10fold_partsEPKflPf' for 'sm_80'\n"
      "ptxas info    : Function properties for _Z1f\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 26 registers, used 0 barriers, 376 bytes cmem[0]\n"
      "ptxas info    : Compile time = 18.997 ms\n"
      "ptxas info    : Compiling entry function "
      "'_ZN6sapnet7kernels4cuda41_GLOBAL__N__4af71fe0_9_conv2d_cu_82c"
      "6280a11conv2d_rowsIfLi32ELb0EEEvNS1_4rows5InputIT_EEiNS2_6EndingIS6_EEiPf' for 'sm_90a'\n"
      "    32 bytes stack frame, 28 bytes spill stores, 200 bytes spill loads\n"
      "ptxas info    : Used 168 registers, used 1 barriers, 32 bytes cumulative stack size, 4608 bytes "
      "smem\n");
  Report report;
  read(text, report);
  CHECK(report.kernels == std::set{line("conv2d_rows<float, 32, false>", "sm_90a", "168", "4608", "32"),
                                   line("fold_parts", "sm_80", "26", "0", "0")});
  REQUIRE(report.remarks.size() == 2);
  CHECK_THAT(report.remarks[0], Catch::Contains("serialized"));
  CHECK_THAT(report.remarks[1], Catch::Contains("28 bytes spill stores"));
}

#ifdef SAPNET_PTXAS_REPORTS

const fs::path kTable = SAPNET_SOURCE_DIR "/tests/kernels/kernel_resources.txt";

/// What ptxas said of every kernel of this build.
Report report_of_build() {
  Report report;
  const fs::path kernels = SAPNET_SOURCE_DIR "/kernels", reports = SAPNET_PTXAS_REPORTS;
  for (const auto& source : fs::recursive_directory_iterator(kernels)) {
    if (source.path().extension() != ".cu") continue;
    std::ifstream text(reports / (fs::relative(source, kernels).string() + ".o.ptxas"));
    INFO(source.path() << " was built without a report");
    REQUIRE(text);
    read(text, report);
  }
  REQUIRE(report.kernels.size() > 20);
  return report;
}

/// The table's lines; the first says what they hold for.
std::vector<std::string> table(const Report& report) {
  std::vector<std::string> lines = {
      "What " SAPNET_PTXAS " gives the kernels; ./dev kernel-resources writes this file.",
      "registers: of a thread. shared: static shared memory of a block, local: memory of a thread, in bytes.",
      "",
      line("kernel", "GPU", "registers", "shared", "local"),
  };
  lines.insert(lines.end(), report.kernels.begin(), report.kernels.end());
  return lines;
}

TEST_CASE("every kernel takes what the table says", "[kernels][kernel_resources]") {
  if (!fs::exists(SAPNET_PTXAS_REPORTS)) {
    WARN("skipped: the kernels were built on another machine");
    return;
  }
  const Report report = report_of_build();
  for (const std::string& remark : report.remarks) FAIL_CHECK("ptxas says: " << remark);

  std::vector<std::string> known;
  std::ifstream file(kTable);
  for (std::string line; std::getline(file, line);) known.push_back(line);
  const std::vector<std::string> found = table(report);
  if (known.empty() || known.front() != found.front()) {
    WARN("skipped: the table is not of " SAPNET_PTXAS);
    return;
  }
  std::ostringstream changes;
  const auto list = [&](const char* what, const std::vector<std::string>& from,
                        const std::vector<std::string>& to) {
    for (const std::string& line : from)
      if (std::find(to.begin(), to.end(), line) == to.end()) changes << what << line << '\n';
  };
  list("  was  ", known, found);
  list("  is   ", found, known);
  if (!changes.str().empty())
    FAIL(kTable << " differs from this build:\n"
                << changes.str() << "If that is meant, run ./dev kernel-resources and commit the file.");
}

TEST_CASE("writes the table of what kernels take", "[.write_kernel_resources]") {
  std::ofstream file(kTable);
  for (const std::string& line : table(report_of_build())) file << line << '\n';
  REQUIRE(file.flush());
}

#else

TEST_CASE("every kernel takes what the table says", "[kernels][kernel_resources]") {
  WARN("skipped: this build has no kernels for GPUs");
}

#endif

}  // namespace
}  // namespace sapnet::tests
