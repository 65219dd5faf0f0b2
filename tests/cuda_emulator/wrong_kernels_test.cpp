// Incorrect kernels are detected, with a message that says what is wrong and where.
#include <cmath>
#include <string>

#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"
#include "tests/cuda_emulator/limits.h"
#include "tests/cuda_emulator/samples/samples.h"

namespace sapnet::tests {
namespace {

using Catch::Contains;
using Catch::Matchers::Matches;
using cuda_emulator::Schedule;
using samples::Fault;

/// The runtime's message for the first failure reported by waiting.
std::string failure_of(const std::function<void()>& launch) {
  launch();
  const cudaError_t error = cudaDeviceSynchronize();
  if (error == cudaSuccess) return "nothing";
  CHECK(error == cudaErrorLaunchFailure);
  return cudaGetErrorString(error);
}

struct Expected {
  Fault fault;
  std::string sentence;  // a regular expression
};

TEST_CASE("errors in kernels are reported with a message", "[cuda_emulator]") {
  const std::string thread = R"(block \(0, 0, 0\), thread \(\d+, 0, 0\): )";
  const std::string at = R"( at [^ ]*samples/wrong\.cu:\d+)";
  const std::vector<Expected> faults = {
      {Fault::kBarriersDiffer,
       "is in __syncthreads" + at + R"(, while thread \d+ waits)" + at + ": all must meet at the same one"},
      {Fault::kLeavesBeforeBarrier,
       "(leaves the kernel while thread \\d+ of its block waits for it in __syncthreads" + at +
           "|waits in __syncthreads" + at + " for 1 threads that have left the kernel)"},
      {Fault::kLanesLeaveBeforeShuffle,
       "(leaves the kernel while lane \\d+ of its warp waits for it in a shuffle" + at +
           R"( \(mask 0xffffffff\))" + "|calls a shuffle" + at +
           " with mask 0xffffffff, of which lanes 0x[0-9a-f]{8} have left the kernel or "
           "never were)"},
      {Fault::kMaskLacksLane,
       "calls a shuffle" + at + R"( with mask 0x0000ffff, which lacks its own lane \d+)"},
      {Fault::kCollectivesDiffer, "is in (a shuffle|a ballot)" + at +
                                      R"( \(mask 0xffffffff\), while lane \d+ of its )" +
                                      "warp is in (a shuffle|a ballot)" + at + R"( \(mask 0xffffffff\))"},
      {Fault::kWarpWaitsForBarrier, "waits in a shuffle" + at +
                                        R"( \(mask 0xffffffff\) for lanes 0xffff0000, while )" +
                                        R"(thread \d+ waits in __syncthreads)" + at},
      {Fault::kCopyMisaligned, "gives cp.async" + at + " an address that is 4 bytes behind a multiple of 16"},
      {Fault::kCopySourceMisaligned,
       "gives cp.async" + at + " a source that is 4 bytes behind a multiple of 16"},
      {Fault::kCopyOutsideShared, "gives cp.async" + at + " an address outside of the block's shared memory"},
      {Fault::kMatrixMisaligned,
       "gives ldmatrix" + at + " an address that is 8 bytes behind a multiple of 16"},
      {Fault::kStoreMisaligned,
       "gives store16" + at + " an address that is 12 bytes behind a multiple of 16"},
      {Fault::kStoreToShared, "gives store16" + at + " an address in the block's shared memory"},
      {Fault::kCopyNotWaitedFor, "leaves the kernel without having waited for its cp.async" + at},
      {Fault::kGridSyncWithoutGrid, "calls grid_sync" + at + ", but the launch is not cooperative"},
      {Fault::kNoDynamicShared, "asks" + at + " for dynamic shared memory, of which the launch gave none"},
      {Fault::kShuffleWidth, "shuffles" + at + " with width 12, which is no power of two up to 32"},
      {Fault::kPartOfWarpMultiplies, "(leaves the kernel while lane \\d+ of its warp waits for it in mma" +
                                         at + R"( \(mask 0xffffffff\)|calls mma)" + at +
                                         " with mask 0xffffffff, of which "
                                         "lanes 0x[0-9a-f]{8} have left the kernel or never were)"},
  };
  const Restored restored;
  const DeviceArray<float> in(counted(16));
  for (const Schedule& schedule : schedules()) {
    cuda_emulator::set_schedule(schedule);
    for (const Expected& expected : faults) {
      INFO("fault " << static_cast<int>(expected.fault));
      CHECK_THAT(failure_of([&] { samples::fault(expected.fault, in.get(), nullptr); }),
                 Matches(thread + expected.sentence));
    }
  }
}

/// Whether a kernel without its barrier computes wrong values in this order.
bool is_wrong_without_barrier(Schedule::Order order) {
  const Restored restored;
  const DeviceArray<float> in(counted(samples::kThreads)), out(samples::kThreads);
  cuda_emulator::set_schedule({order, 1, 1, 1});
  samples::without_barrier(in.get(), out.get(), nullptr);
  const auto values = out.read();
  for (std::size_t i = 1; i < values.size(); ++i)
    if (!(values[i] == static_cast<float>(i))) return true;
  return false;
}

#ifdef SAPNET_TEST_TSAN
TEST_CASE("runs a kernel that lacks a barrier", "[.cuda_emulator_race]") {
  is_wrong_without_barrier(Schedule::Order::kForward);
}

TEST_CASE("ThreadSanitizer detects a missing barrier", "[cuda_emulator]") {
  const Ended ended = run_again("[.cuda_emulator_race]");
  CHECK(ended.status != 0);
  CHECK_THAT(ended.output, Contains("data race") && Contains("wrong.cu"));
}
#else
TEST_CASE("a missing barrier gives wrong values under some schedule", "[cuda_emulator]") {
  // Each thread sees what the one before it wrote if that ran first.
  CHECK_FALSE(is_wrong_without_barrier(Schedule::Order::kForward));
  CHECK(is_wrong_without_barrier(Schedule::Order::kReverse));
  CHECK(is_wrong_without_barrier(Schedule::Order::kRandom));
}

TEST_CASE("a copy without a wait reads as NaN", "[cuda_emulator]") {
  const Restored restored;
  cuda_emulator::set_schedule({});
  const DeviceArray<float> in(counted(samples::kTile)), out(samples::kTile);
  samples::without_wait(in.get(), out.get(), nullptr);
  // At least those of the first thread, which reads before any has waited.
  const auto sums = out.read();
  for (std::size_t i = 0; i < sums.size(); i += samples::kThreads) CHECK(std::isnan(sums[i]));
}
#endif

#ifdef SAPNET_TEST_ASAN
TEST_CASE("AddressSanitizer detects out-of-bounds accesses", "[cuda_emulator]") {
  const auto found = [](const std::function<void()>& launch) {
    const Ended ended = in_child([&] {
      launch();
      cudaDeviceSynchronize();
    });
    return ended.status == 0 ? std::string("nothing") : ended.output;
  };
  const DeviceArray<float> in(counted(5)), out(1);
  CHECK(found([] { samples::overflow_array(4, nullptr); }) == "nothing");
  CHECK(found([] { samples::overflow_dynamic(4, nullptr); }) == "nothing");
  CHECK(found([&] { samples::read_at(in.get(), 4, out.get(), nullptr); }) == "nothing");
  CHECK_THAT(found([] { samples::overflow_dynamic(5, nullptr); }), Contains("heap-buffer-overflow"));
  CHECK_THAT(found([&] { samples::read_at(in.get(), 5, out.get(), nullptr); }),
             Contains("heap-buffer-overflow"));
  CHECK_THAT(found([&] { samples::read_at(in.get(), -1, out.get(), nullptr); }),
             Contains("heap-buffer-overflow"));
  // UBSan, if present, knows the array's extent and reports first.
  CHECK_THAT(found([] { samples::overflow_array(5, nullptr); }),
             Contains("heap-buffer-overflow") || Contains("index 5 out of bounds"));
  // Host code reads device memory directly.
  CHECK_THAT(found([&] {
               volatile float value = *in.get();
               static_cast<void>(value);
             }),
             Contains("use-after-poison"));
  // Its memory was released in stream order.
  CHECK_THAT(found([&] {
               float* memory = nullptr;
               cudaMallocAsync(&memory, 4, nullptr);
               cudaFreeAsync(memory, nullptr);
               samples::read_at(memory, 0, out.get(), nullptr);
             }),
             Contains("heap-use-after-free"));
}
#endif

TEST_CASE("launches beyond the device's limits fail", "[cuda_emulator]") {
  cudaGetLastError();
  const auto launched = [](dim3 grid, dim3 block, std::size_t shared_bytes = 0, bool cooperative = false) {
    const cudaError_t error = samples::launch_empty(grid, block, shared_bytes, cooperative, nullptr);
    CHECK(cudaGetLastError() == error);
    return error;
  };
  CHECK(launched(1, 1024) == cudaSuccess);
  CHECK(launched(dim3(1, 3, 65535), 1) == cudaSuccess);
  CHECK(launched(1, 1025) == cudaErrorInvalidConfiguration);
  CHECK_THAT(cudaGetErrorString(cudaErrorInvalidConfiguration), Contains("a block of 1025 × 1 × 1 threads"));
  CHECK(launched(1, dim3(32, 33)) == cudaErrorInvalidConfiguration);
  CHECK(launched(1, 0) == cudaErrorInvalidConfiguration);
  CHECK(launched(0, 1) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(0x80000000U), 1) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(1, 1, 65536), 1) == cudaErrorInvalidConfiguration);
  CHECK(launched(dim3(1, 65536), 1) == cudaErrorInvalidConfiguration);
  CHECK_THAT(cudaGetErrorString(cudaErrorInvalidConfiguration), Contains("a grid of 1 × 65536 × 1 blocks"));
  ok(cudaDeviceSynchronize());

  CHECK(launched(1, 1, 48 << 10) == cudaSuccess);
  CHECK(launched(1, 1, (48 << 10) + 1) == cudaErrorInvalidValue);
  CHECK_THAT(cudaGetErrorString(cudaErrorInvalidValue),
             Contains("49153 bytes of dynamic shared memory; the kernel may have 49152"));
  CHECK(samples::launch_empty_asking(cuda_emulator::kMaxShared + 1, nullptr) == cudaErrorInvalidValue);
  CHECK(samples::launch_empty_asking(cuda_emulator::kMaxShared, nullptr) == cudaSuccess);
  ok(cudaDeviceSynchronize());
  CHECK_THAT(failure_of([] { samples::too_much_fixed_shared(nullptr); }),
             Contains("has 49156 bytes of SHARED_ARRAY with that at") && Contains("a kernel may have 49152"));

  cudaGetLastError();
  const auto most = static_cast<unsigned>(cuda_emulator::device().multiprocessors);
  CHECK(launched(3 * most, 512, 0, true) == cudaSuccess);
  CHECK(launched(3 * most + 1, 512, 0, true) == cudaErrorCooperativeLaunchTooLarge);
  ok(cudaDeviceSynchronize());
}

TEST_CASE("kernels cannot take host memory", "[cuda_emulator]") {
  float out = 0;
  CHECK_THROWS_WITH(samples::fill(&out, 1, nullptr),
                    Contains("an argument of the kernel points to memory that is not the device's"));
}

TEST_CASE("after a failure the device stays usable and drops queued work", "[cuda_emulator]") {
  const DeviceArray<float> in(counted(16)), out(std::vector<float>(samples::kThreads, 0.0F));
  samples::fault(Fault::kCopyNotWaitedFor, in.get(), nullptr);
  samples::fill(out.get(), 1, nullptr);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(cudaPeekAtLastError() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(out.read()[0] == 0);
  samples::fill(out.get(), 2, nullptr);
  CHECK(out.read()[0] == 2);
}

}  // namespace
}  // namespace sapnet::tests
