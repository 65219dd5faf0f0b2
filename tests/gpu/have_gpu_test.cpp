// Tests the skipping by running the program again with all GPUs hidden.
#include "tests/gpu/have_gpu.h"

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/catch.h"

namespace sapnet::tests {
namespace {

int exit_code_without_gpu(const std::string& required, const std::string& tests) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const int status =
      std::system(("CUDA_VISIBLE_DEVICES= SAPNET_EMULATOR_DEVICE=none SAPNET_REQUIRE_GPU=" + required + " '" +
                   program + "' --warn NoTests '" + tests + "' >/dev/null 2>&1")
                      .c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("GPU tests are skipped without a GPU, or fail if one is required", "[skip]") {
  const std::string name = "shifted_sums of batches and of other numbers of channels";
  const std::string on_gpu = name + " (gpu)", on_both = name + "*";
  CHECK(exit_code_without_gpu("", on_gpu) == 77);
  CHECK(exit_code_without_gpu("", on_both) == 0);
  CHECK(exit_code_without_gpu("1", on_gpu) == 1);
  CHECK(exit_code_without_gpu("1", on_both) == 1);
}

}  // namespace
}  // namespace sapnet::tests
