// The instructions in each kernel's machine code for sm_90a that its speed depends on, compared with the
// table in kernel_instructions.txt: a store that is no longer vectorised fails the test.
//
// Instructions of the whole kernel are counted, each once: the stores are in the epilogues, outside of the
// innermost loop.
#include <array>
#include <compare>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/kernels/kernel_table.h"

namespace sapnet::tests {
namespace {

enum Column { kHmma, kLdsm, kFfma, kLoads, kStores = kLoads + 4, kLocal = kStores + 4, kColumns };

struct Kernel {
  std::string name;
  std::array<int, kColumns> counts{};

  auto operator<=>(const Kernel&) const = default;
};

/// The column that counts this instruction, e.g. "STG.E.128"; kColumns if none does.
int column_of(const std::string& instruction) {
  const auto is = [&](const char* name) { return instruction.starts_with(name); };
  const auto has = [&](const char* part) { return instruction.find(part) != std::string::npos; };
  if (is("HMMA")) return kHmma;
  if (is("LDSM")) return kLdsm;
  if (is("FFMA")) return kFfma;
  if (is("LDL") || is("STL")) return kLocal;
  const int width = has(".128") ? 3 : has(".64") ? 2 : has("16") || has("8") ? 0 : 1;
  if (is("LDG.") || is("LD.")) return kLoads + width;
  if (is("STG.") || is("ST.")) return kStores + width;
  return kColumns;
}

/// Adds the kernels of a disassembly by cuobjdump.
void read(std::istream& text, std::set<Kernel>& kernels) {
  Kernel kernel;
  const auto finish = [&] {
    if (!kernel.name.empty()) kernels.insert(kernel);
  };
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with("*/") && line.find(';') == std::string::npos) continue;  // only an encoding
    std::istringstream words(line);
    std::string first, second;
    words >> first >> second;
    if (first == "Function") {
      finish();
      words >> second;
      kernel = {readable_kernel(second)};
    } else if (first.starts_with("/*") && first.ends_with("*/")) {  // the address
      if (second.starts_with('@')) words >> second;                 // the predicate
      const int column = column_of(second);
      if (column < kColumns) ++kernel.counts[static_cast<std::size_t>(column)];
    }
  }
  finish();
}

TEST_CASE("instructions are counted by kernel", "[kernels][kernel_resources]") {
  std::istringstream text(
      "\t\tFunction : _ZN6sapnet7kernels4cuda49_GLOBAL__N__bf6ab636_16_attended_"
      "conv_cu_2b00860f13fold_partialsEPKflPf\n"
      "\t.headerflags\t@\"EF_CUDA_SM90\"\n"
      "        /*0000*/                   LDC R1, c[0x0][0x28] ;   /* 0x00000a00ff017b82 */\n"
      "                                                            /* 0x000fe20000000800 */\n"
      "        /*0010*/              @!P0 LDG.E R5, desc[UR4][R2.64] ;  /* 0x00000a00ff017b82 */\n"
      "        /*0020*/                   LDG.E.U16 R5, desc[UR4][R2.64] ;\n"
      "        /*0030*/                   LDG.E.S8 R5, desc[UR4][R2.64] ;\n"
      "        /*0040*/                   LDG.E.64 R4, desc[UR4][R2.64] ;\n"
      "        /*0050*/                   LD.E.128 R4, desc[UR4][R2.64] ;\n"
      "        /*0060*/                   LDGSTS.E.BYPASS.128 [R3], desc[UR4][R2.64] ;\n"
      "\t\tFunction : second\n"
      "        /*0000*/                   HMMA.16816.F32 R8, R28, R32, R8 ;\n"
      "        /*0010*/                   LDSM.16.M88.4 R28, [R4] ;\n"
      "        /*0020*/                   FFMA R5, R5, R6, R7 ;\n"
      "        /*0030*/                   FFMA.RM R5, R5, R6, R7 ;\n"
      "        /*0040*/                   STG.E.U16 desc[UR4][R2.64], R5 ;\n"
      "        /*0050*/            @!UPT  STG.E desc[UR4][R2.64], R5 ;\n"
      "        /*0060*/                   ST.E.64 desc[UR4][R2.64], R4 ;\n"
      "        /*0070*/                   STG.E.128 desc[UR4][R2.64], R4 ;\n"
      "        /*10080*/                  STL.64 [R1], R4 ;\n"
      "        /*10090*/                  LDL R4, [R1] ;\n");
  std::set<Kernel> kernels;
  read(text, kernels);
  const std::set<Kernel> expected = {{"fold_partials", {0, 0, 0, 2, 1, 1, 1, 0, 0, 0, 0, 0}},
                                     {"second", {1, 1, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2}}};
  CHECK((kernels == expected));
}

}  // namespace
}  // namespace sapnet::tests

#ifndef SAPNET_NVCC

TEST_CASE("kernel instructions match the table", "[kernels][kernel_resources]") {
  WARN("skipped: this build has no kernels for GPUs");
}

#else

namespace sapnet::tests {
namespace {

/// Runs a shell command and returns its output.
std::string output_of(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string output;
  std::array<char, 65536> buffer;
  for (std::size_t bytes = 0; (bytes = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), bytes);
  INFO(command);
  REQUIRE(pclose(pipe) == 0);
  return output;
}

std::string line(const Kernel& kernel) {
  std::ostringstream text;
  text << std::left << std::setw(52) << kernel.name << std::right;
  for (const int count : kernel.counts) text << std::setw(5) << count;
  return text.str();
}

TEST_CASE("kernel instructions match the table", "[kernels][kernel_resources]") {
  const auto objects = kernel_files(SAPNET_KERNELS_BUILD, ".o");
  if (objects.empty()) return;
  const std::string path = "PATH=\"$PATH\":'" SAPNET_CUDA_BIN "'; ";
  if (std::system((path + "command -v cuobjdump nvdisasm >/dev/null").c_str()) != 0) {
    const std::string needs =
        "needs cuobjdump and nvdisasm, from a full CUDA toolkit, or: pip install --target DIR "
        "nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm, with DIR/nvidia/cu13/bin on the PATH";
    if (write_kernel_tables()) FAIL(needs);
    WARN("skipped: " << needs);
    return;
  }
  std::set<Kernel> kernels;
  for (const auto& object : objects) {
    std::istringstream text(output_of(path + "cuobjdump -sass -arch sm_90a '" + object.string() + "'"));
    read(text, kernels);
  }
  if (kernels.empty()) {
    WARN("skipped: this build has no kernels for sm_90a");
    return;
  }
  std::vector<std::string> table = {
      "Instructions in the kernels for sm_90a with " SAPNET_NVCC "; written by ./dev kernel-resources.",
      "LDG, STG: accesses to global memory by width in bits; 16 includes 8. Those to addresses that the",
      "compiler does not know to be global (LD, ST) are included. local: accesses to local memory.",
      "",
      "                                                                      LDG                 STG",
      "kernel                                              HMMA LDSM FFMA   16   32   64  128   16   32   64 "
      " "
      "128 local"};
  for (const Kernel& kernel : kernels) table.push_back(line(kernel));
  check_kernel_table("kernel_instructions.txt", table, [](const std::string& /*line*/) { return true; });
}

}  // namespace
}  // namespace sapnet::tests

#endif
