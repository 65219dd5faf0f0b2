// The registers and memory that ptxas assigned to each kernel, compared with the table in
// kernel_resources.txt, so that a change shows its cost. The build itself fails on register spills.
#include <compare>
#include <fstream>
#include <iomanip>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/kernel_table.h"

namespace sapnet::tests {
namespace {

struct Kernel {
  std::string name, gpu;
  int registers;     // per thread
  int shared_bytes;  // static, per block
  int local_bytes;   // per thread

  auto operator<=>(const Kernel&) const = default;
};

struct Report {
  std::set<Kernel> kernels;
  std::vector<std::string> remarks;  // other output of ptxas
};

/// Adds the ptxas output for one file.
void read(std::istream& text, Report& report) {
  static const std::regex kEntry("ptxas info +: Compiling entry function '(.+)' for '(.+)'");
  static const std::regex kUsed(
      "ptxas info +: Used (\\d+) registers"
      "(?:.*, (\\d+) bytes cumulative stack size)?(?:.*, (\\d+) bytes smem)?.*");
  static const std::regex kKnown(
      "ptxas info +: (?:\\d+ bytes gmem|Function properties|Compile time).*"
      "| +\\d+ bytes stack frame, 0 bytes spill stores, 0 bytes spill loads");
  const auto number = [](const std::string& digits) { return digits.empty() ? 0 : std::stoi(digits); };
  Kernel kernel{};
  for (std::string line; std::getline(text, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kEntry)) {
      kernel = {readable_kernel(match[1]), match[2], 0, 0, 0};
    } else if (std::regex_match(line, match, kUsed)) {
      kernel.registers = number(match[1]);
      kernel.local_bytes = number(match[2]);
      kernel.shared_bytes = number(match[3]);
      report.kernels.insert(kernel);
    } else if (!std::regex_match(line, kKnown)) {
      report.remarks.push_back(line);
    }
  }
}

TEST_CASE("a ptxas report is parsed", "[kernels][kernel_resources]") {
  std::istringstream text(
      "ptxas info    : (C7511) Potential Performance Loss: wgmma.mma_async instructions are serialized\n"
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function '_ZN6sapnet7kernels4cuda49_GLOBAL__N__bf6ab636_16_attended_"
      "conv_cu_2b00860f13fold_partialsEPKflPf' for 'sm_80'\n"
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
  const std::set<Kernel> expected = {{"fold_partials", "sm_80", 26, 0, 0},
                                     {"conv2d_rows<float, 32, false>", "sm_90a", 168, 4608, 32}};
  CHECK((report.kernels == expected));
  REQUIRE(report.remarks.size() == 2);
  CHECK_THAT(report.remarks[0], Catch::Contains("serialized"));
  CHECK_THAT(report.remarks[1], Catch::Contains("28 bytes spill stores"));
}

}  // namespace
}  // namespace sapnet::tests

#ifndef SAPNET_NVCC

TEST_CASE("kernel resources match the table", "[kernels][kernel_resources]") {
  WARN("skipped: this build has no kernels for GPUs");
}

#else

#include <cuda_occupancy.h>

#include "tests/kernels/rows_blocks.h"

namespace sapnet::tests {
namespace {

/// The number of blocks of a kernel resident on a multiprocessor of an A100 (sm_80) or H100.
int blocks_at_once(const Kernel& kernel, int threads, std::size_t dynamic_bytes) {
  constexpr std::size_t kKilo = 1024;
  const bool a100 = kernel.gpu == "sm_80";
  cudaOccDeviceProp gpu;
  gpu.computeMajor = a100 ? 8 : 9;
  gpu.maxThreadsPerBlock = 1024;
  gpu.maxThreadsPerMultiprocessor = 2048;
  gpu.regsPerBlock = gpu.regsPerMultiprocessor = 65536;
  gpu.warpSize = 32;
  gpu.numSms = 1;
  gpu.sharedMemPerBlock = 48 * kKilo;
  gpu.sharedMemPerBlockOptin = (a100 ? 163 : 227) * kKilo;
  gpu.sharedMemPerMultiprocessor = (a100 ? 164 : 228) * kKilo;
  gpu.reservedSharedMemPerBlock = kKilo;
  cudaOccFuncAttributes function;
  function.maxThreadsPerBlock = threads;
  function.numRegs = kernel.registers;
  function.sharedSizeBytes = static_cast<std::size_t>(kernel.shared_bytes);
  function.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  function.maxDynamicSharedSizeBytes = dynamic_bytes;
  function.numBlockBarriers = 1;
  const cudaOccDeviceState state;
  cudaOccResult result{};
  REQUIRE(cudaOccMaxActiveBlocksPerMultiprocessor(&result, &gpu, &function, &state, threads, dynamic_bytes) ==
          CUDA_OCC_SUCCESS);
  return result.activeBlocksPerMultiprocessor;
}

std::string line(const Kernel& kernel) {
  std::ostringstream text;
  text << std::left << std::setw(36) << kernel.name << std::setw(7) << kernel.gpu << std::right
       << std::setw(9) << kernel.registers << std::setw(8) << kernel.shared_bytes << std::setw(7)
       << kernel.local_bytes;
  for (const RowsBlock& block : rows_blocks()) {
    if (kernel.name.find("_rows" + block.arguments) == std::string::npos) continue;
    for (const std::size_t bytes : block.shared_bytes) {
      text << std::setw(8) << bytes << std::setw(7) << blocks_at_once(kernel, block.threads, bytes);
      if (kernel.name.starts_with("conv_lstm")) break;  // its dilation is 1
    }
  }
  return text.str();
}

/// The GPU in a kernel's line, such as "sm_90a"; empty for the header.
std::string gpu_of(const std::string& line) {
  static const std::regex kGpu("(sm_\\w+) +\\d+ ");
  std::smatch match;
  return std::regex_search(line, match, kGpu) ? match[1].str() : "";
}

/// The table's lines; the first says which compiler and architectures it is for.
std::vector<std::string> table(const Report& report) {
  std::vector<std::string> lines = {
      "Kernel resources with " SAPNET_NVCC "; written by ./dev kernel-resources.",
      "registers: per thread. shared: static shared memory per block; local: memory per thread, in bytes.",
      "For the streamed-rows kernels, at dilation 1 and at the largest supported, 16 (4 with two maps):",
      "dynamic: dynamic shared memory per block; blocks: resident per multiprocessor of an A100 or H100.",
      "",
      "                                                                      dilation 1     the largest",
      "kernel                              GPU    registers  shared  local dynamic blocks dynamic blocks"};
  for (const Kernel& kernel : report.kernels) lines.push_back(line(kernel));
  return lines;
}

TEST_CASE("kernel resources match the table", "[kernels][kernel_resources]") {
  const auto files = kernel_files(SAPNET_KERNELS_BUILD, ".o.ptxas");
  if (files.empty()) return;
  Report report;
  for (const auto& file : files) {
    std::ifstream text(file);
    read(text, report);
  }
  REQUIRE(report.kernels.size() > 20);
  for (const std::string& remark : report.remarks) FAIL_CHECK("ptxas says: " << remark);

  std::set<std::string> gpus;
  for (const Kernel& kernel : report.kernels) gpus.insert(kernel.gpu);
  check_kernel_table("kernel_resources.txt", table(report), [&](const std::string& next) {
    const std::string gpu = gpu_of(next);
    return gpu.empty() || gpus.contains(gpu);
  });
}

}  // namespace
}  // namespace sapnet::tests

#endif
