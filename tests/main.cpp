// Catch2's main, with one more exit code: 77 when every test that ran was skipped, which ctest counts as
// such.
#define CATCH_CONFIG_RUNNER
#include <iostream>

#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"

namespace {

constexpr int kSkipped = 77;

std::size_t tests_run = 0;

class Count : public Catch::TestEventListenerBase {
 public:
  using Catch::TestEventListenerBase::TestEventListenerBase;
  void testRunEnded(const Catch::TestRunStats& run) override { tests_run = run.totals.testCases.total(); }
};
CATCH_REGISTER_LISTENER(Count)

}  // namespace

int main(int argc, char** argv) {
  const int result = Catch::Session().run(argc, argv);
  const int skipped = sapnet::tests::skipped_tests();
  if (skipped == 0) return result;
  std::cout << skipped << (skipped == 1 ? " test was" : " tests were")
            << " skipped because there is no GPU\n";
  return result == 0 && static_cast<std::size_t>(skipped) == tests_run ? kSkipped : result;
}
