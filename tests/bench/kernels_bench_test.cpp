// Tests that the kernel benchmarks time the operations that they name.
#include <set>
#include <string>
#include <vector>

#include "bench/kernels/cases.h"
#include "bench/kernels/cudnn.h"
#include "bench/kernels/work.h"
#include "engine/error.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"

namespace sapnet::tests {
namespace {

using bench::Case;
using engine::DType;
using engine::Execution;

/// The kernels have tests of their own with derived error bounds. Here a wrong operation would be off by
/// about the size of its results, so 1 % of the largest is enough to tell.
constexpr double kSameOperation = 0.01;

void check_all(const Execution& execution, std::int64_t max_channels) {
  std::set<std::string> seen;  // sizes differ, their small versions do not
  for (const Case& what : bench::cases()) {
    const Case small = bench::small_version(what);
    const std::string name = small.operation_name() + " " + small.pass_name() + ", " + small.shape_name();
    if (what.in[0] * what.out > max_channels * max_channels || !seen.insert(name).second) continue;
    INFO(name);
    const bench::Work work = bench::make_work(small, execution);
    CHECK(work.cost.flops > 0);
    CHECK(work.cost.bytes > 0);
    if (work.expected) {
      CHECK(bench::largest_error(work) < kSameOperation);
    } else {
      CHECK_FALSE(work.run(0).empty());
    }
  }
}

}  // namespace

TEST_CASE("each benchmark case runs the operation that it names", "[bench][not_tsan]") {
  SECTION("on the CPU") { check_all({}, 128); }
  SECTION("on the CPU, strict") { check_all({.strict = true}, 64); }
}

TEST_CASE("each benchmark case runs the operation that it names on a GPU", "[bench][gpu][not_tsan]") {
  if (!have_gpu()) return;
  SECTION("fp32, but for the widest") { check_all({.device = engine::Device::kCuda}, 32); }
  SECTION("fp16") { check_all({.device = engine::Device::kCuda, .maps = DType::kFloat16}, 64); }
}

TEST_CASE("cuDNN accepts each convolution of the benchmarks", "[bench][cudnn]") {
  try {
    bench::cudnn::check({.problem = {.n = 1, .h = 4, .w = 4, .in_channels = {8, 0}, .out_channels = 8}});
  } catch (const Error& error) {
    WARN("not tested: " << error.what());
    return;
  }
  for (const DType maps : {DType::kFloat32, DType::kFloat16}) {
    for (const Case& what : bench::cases()) {
      const bench::Convolution peer = bench::make_work(bench::small_version(what), {}).peer;
      if (peer.problem.out_channels == 0) continue;
      INFO(what.operation_name() << " " << what.pass_name() << ", " << what.shape_name());
      bench::Convolution convolution = peer;
      convolution.maps = maps;
      CHECK_NOTHROW(bench::cudnn::check(convolution));
    }
  }
  bench::Convolution nonsense = {
      .problem = {.n = 1, .h = 4, .w = 4, .in_channels = {8, 0}, .out_channels = 8}};
  nonsense.problem.dilation = 0;
  CHECK_THROWS_AS(bench::cudnn::check(nonsense), Error);
}

}  // namespace sapnet::tests
