// Conformance tests of kernels/gpu.cuh, on the emulator and on a GPU alike: what each wrapper delivers to
// each thread, against its documentation. They verify that the emulator has a GPU's semantics.
#include "tests/gpu/wrappers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "kernels/cuda_check.h"
#include "kernels/error.h"
#include "kernels/half.h"
#include "tests/gpu/device_array.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"

namespace sapnet::tests {
namespace {

using namespace wrappers;
using Words = std::vector<std::uint32_t>;

constexpr std::uint32_t kUnwritten = 0xffffffffU;

Words counted_words(std::size_t count) {
  Words words(count);
  std::iota(words.begin(), words.end(), 1U);
  return words;
}

/// Fails the test at the first difference.
void check_equal(const Words& actual, const Words& expected) {
  REQUIRE(actual.size() == expected.size());
  const auto [a, e] = std::ranges::mismatch(actual, expected);
  if (a == actual.end()) {
    SUCCEED();
    return;
  }
  FAIL_CHECK("word " << a - actual.begin() << " is " << *a << ", not " << *e);
}

TEST_CASE("launch starts the requested grid", "[gpu][conformance]") {
  if (!have_gpu()) return;
  constexpr std::uint32_t kX = 3, kY = 5, kZ = 2, kThreads = 70;
  const DeviceArray<std::uint32_t> out(Words(kX * kY * kZ * kThreads, kUnwritten));
  thread_positions({kX, kY, kZ}, kThreads, out.get());
  Words expected;
  for (std::uint32_t z = 0; z < kZ; ++z)
    for (std::uint32_t y = 0; y < kY; ++y)
      for (std::uint32_t x = 0; x < kX; ++x)
        for (std::uint32_t t = 0; t < kThreads; ++t) expected.push_back(x | y << 8U | z << 16U | t << 24U);
  check_equal(out.read(), expected);
}

TEST_CASE("launches that exceed the device's limits are refused", "[gpu][refused]") {
  if (!have_gpu()) return;
  CHECK_THROWS_AS(launch_empty(1, 1025, 0, false), Error);
  CHECK_THROWS_AS(launch_empty(1, 32, std::size_t{1} << 20U, false), Error);
  CHECK_THROWS_AS(launch_empty(1 << 20, 1024, 0, true), Error);
  CHECK_NOTHROW(launch_empty(1, 1024, std::size_t{48} << 10U, false));
  CHECK_NOTHROW(launch_empty(2, 32, 0, true));
  ok(cudaDeviceSynchronize());
}

TEST_CASE("a graph replays a launch whose kernel has since been launched with less shared memory",
          "[gpu][conformance]") {
  if (!have_gpu()) return;
  cudaStream_t stream = nullptr;
  ok(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  launch_empty(1, 32, std::size_t{96} << 10U, false, stream);
  cudaGraph_t graph = nullptr;
  ok(cudaStreamEndCapture(stream, &graph));
  cudaGraphExec_t executable = nullptr;
  ok(cudaGraphInstantiate(&executable, graph, 0));
  ok(cudaGraphDestroy(graph));
  launch_empty(1, 32, std::size_t{64} << 10U, false, stream);
  kernels::check_cuda(cudaGraphLaunch(executable, stream), "launching the graph");
  kernels::check_cuda(cudaStreamSynchronize(stream), "running the graph");
  SUCCEED();
  ok(cudaGraphExecDestroy(executable));
  ok(cudaStreamDestroy(stream));
}

TEST_CASE("a kernel with dynamic shared memory asks for the largest carve-out", "[gpu][conformance]") {
  if (!have_gpu()) return;
  CHECK(attributes_of_unlaunched().preferredShmemCarveout == cudaSharedmemCarveoutDefault);
  constexpr std::size_t kBytes = std::size_t{64} << 10U;
  launch_empty(1, 32, kBytes, false);
  CHECK(attributes_of_empty().preferredShmemCarveout == cudaSharedmemCarveoutMaxShared);
  CHECK(attributes_of_empty().maxDynamicSharedSizeBytes >= static_cast<int>(kBytes));
  ok(cudaDeviceSynchronize());
}

TEST_CASE("shared arrays are private to a block, disjoint and aligned", "[gpu][conformance]") {
  if (!have_gpu()) return;
  const DeviceArray<std::uint32_t> out(Words(std::size_t{kSharedBlocks} * kSharedThreads * 4, kUnwritten));
  const DeviceArray<std::uint32_t> misaligned(Words(kSharedBlocks, kUnwritten));
  shared_arrays(out.get(), misaligned.get());
  Words expected;
  for (std::uint32_t block = 0; block < kSharedBlocks; ++block)
    for (std::uint32_t t = 0; t < kSharedThreads; ++t)
      for (std::uint32_t array = 0; array < 4; ++array)
        expected.push_back(shared_word(block, (t + kSharedThreads - 1) % kSharedThreads, array));
  check_equal(out.read(), expected);
  check_equal(misaligned.read(), Words(kSharedBlocks, 0));
}

TEST_CASE("store16 stores 16 bytes", "[gpu][conformance]") {
  if (!have_gpu()) return;
  Words expected = counted_words(std::size_t{kStores} * 4);
  const DeviceArray<std::uint32_t> out(Words(expected.size() + 8, kUnwritten));
  stores(out.get());
  expected.insert(expected.begin(), 4, kUnwritten);
  expected.insert(expected.end(), 4, kUnwritten);
  check_equal(out.read(), expected);
}

TEST_CASE("cp_async16 copies 16 bytes, or writes zeros", "[gpu][conformance]") {
  if (!have_gpu()) return;
  const Words source = counted_words(std::size_t{kCopies} * 4);
  const DeviceArray<std::uint32_t> in(source), out(Words(std::size_t{2} * kCopies * 8, kUnwritten));
  copies(in.get(), out.get());
  Words expected;
  for (const int ahead : {0, 1}) {
    for (int t = 0; t < kCopies; ++t) {
      const int slot = (t + ahead) % kCopies;
      for (std::size_t i = 0; i < 4; ++i)
        expected.push_back(copy_is_valid(slot) ? source[static_cast<std::size_t>(copy_source(slot)) * 4 + i]
                                               : 0);
      expected.insert(expected.end(), 4, kCanary);
    }
  }
  check_equal(out.read(), expected);
}

TEST_CASE("cp_async_wait leaves only the newest groups in flight", "[gpu][conformance]") {
  if (!have_gpu()) return;
  const Words source = counted_words(std::size_t{kPieces} * kCopies * 4);
  const DeviceArray<std::uint32_t> in(source);
  constexpr int kReadable[] = {4, 3, 1, 1};  // pieces in all groups but the newest 0, 1, 2, 3
  for (int pending = 0; pending < 4; ++pending) {
    INFO(pending << " pending");
    const DeviceArray<std::uint32_t> out(Words(source.size(), kUnwritten));
    pending_groups(pending, kReadable[pending], in.get(), out.get());
    Words expected = source;
    std::fill(expected.begin() + kReadable[pending] * kCopies * 4, expected.end(), kUnwritten);
    check_equal(out.read(), expected);
  }
}

TEST_CASE("ldmatrix_x4 loads each lane's elements, ldmatrix_x4_trans those of the transposed matrices",
          "[gpu][conformance]") {
  if (!have_gpu()) return;
  std::vector<std::uint16_t> elements(32 * kRowLength);
  std::iota(elements.begin(), elements.end(), std::uint16_t{1});
  const DeviceArray<std::uint16_t> in(elements);
  for (const bool transposed : {false, true}) {
    INFO("transposed " << transposed);
    const DeviceArray<std::uint32_t> fragments(Words(32 * 4, kUnwritten));
    matrices(transposed, in.get(), fragments.get());
    const auto element = [&](int k, int row, int column) -> std::uint32_t {
      if (transposed) std::swap(row, column);
      return elements[static_cast<std::size_t>(matrix_row(8 * k + row) * kRowLength + column)];
    };
    Words expected;
    for (int lane = 0; lane < 32; ++lane) {
      for (int k = 0; k < 4; ++k) {
        const int row = lane / 4, column = 2 * (lane % 4);
        expected.push_back(element(k, row, column) | element(k, row, column + 1) << 16U);
      }
    }
    check_equal(fragments.read(), expected);
  }
}

TEST_CASE("shuffle_xor returns the value of the lane that differs in the mask", "[gpu][conformance]") {
  if (!have_gpu()) return;
  std::vector<float> values(32), expected;
  std::iota(values.begin(), values.end(), 1.0F);
  const DeviceArray<float> in(values), out(std::vector<float>(32 * 32, -1.0F));
  shuffles(in.get(), out.get());
  for (std::size_t mask = 0; mask < 32; ++mask)
    for (std::size_t lane = 0; lane < 32; ++lane) expected.push_back(values[lane ^ mask]);
  CHECK(out.read() == expected);
}

TEST_CASE("after grid_sync each block sees what all others wrote", "[gpu][conformance]") {
  if (!have_gpu()) return;
  constexpr int kBlocks = 8, kCount = kBlocks * kGridThreads;
  Words row = counted_words(kCount), expected = row;
  Words start = row;
  start.resize(std::size_t{kRounds + 1} * kCount, kUnwritten);
  const DeviceArray<std::uint32_t> values(start);
  grid_rounds(kBlocks, values.get());
  for (int round = 0; round < kRounds; ++round) {
    Words next;
    for (int i = 0; i < kCount; ++i)
      next.push_back(row[static_cast<std::size_t>(grid_source(i, kCount))] + 1);
    row = next;
    expected.insert(expected.end(), row.begin(), row.end());
  }
  check_equal(values.read(), expected);
}

// --- mma_m16n8k16 ---

constexpr std::size_t kM = 16, kN = 8, kK = 16;

using Random = std::mt19937;

int draw(Random& random, int first, int last) {
  return first + static_cast<int>(random() % static_cast<unsigned>(last - first + 1));
}

/// A random finite half, possibly subnormal.
float any_half(Random& random) {
  constexpr std::uint32_t kInfinity = 0x7c00U;
  const auto bits = static_cast<std::uint32_t>(random() % (2 * kInfinity));
  return kernels::to_float(
      {static_cast<std::uint16_t>(bits < kInfinity ? bits : bits - kInfinity + 0x8000U)});
}

/// One product: a (16, 16) and b (16, 8), representable as halves, and c (16, 8).
struct Operands {
  std::vector<float> a, b, c;
};

Operands operands(const std::function<float()>& of_a, const std::function<float()>& of_b,
                  const std::function<float()>& of_c) {
  Operands result{std::vector<float>(kM * kK), std::vector<float>(kK * kN), std::vector<float>(kM * kN)};
  std::ranges::generate(result.a, of_a);
  std::ranges::generate(result.b, of_b);
  std::ranges::generate(result.c, of_c);
  return result;
}

std::uint32_t half_pair(float low, float high) {
  return kernels::to_half(low).bits | static_cast<std::uint32_t>(kernels::to_half(high).bits) << 16U;
}

/// c + a · b for each, (count, 16, 8), computed on the device with the fragment layouts of gpu.cuh.
std::vector<float> multiplied(const std::vector<Operands>& all) {
  Words a, b;
  std::vector<float> d;
  for (const Operands& one : all) {
    for (std::size_t lane = 0; lane < 32; ++lane) {
      const std::size_t g = lane / 4, t = lane % 4;
      for (std::size_t r = 0; r < 4; ++r) {
        const float* const pair = &one.a[(g + 8 * (r % 2)) * kK + 2 * t + 8 * (r / 2)];
        a.push_back(half_pair(pair[0], pair[1]));
      }
      for (std::size_t r = 0; r < 2; ++r) {
        const float* const pair = &one.b[(2 * t + 8 * r) * kN + g];
        b.push_back(half_pair(pair[0], pair[kN]));
      }
      for (std::size_t i = 0; i < 4; ++i) d.push_back(one.c[(g + 8 * (i / 2)) * kN + 2 * t + i % 2]);
    }
  }
  const DeviceArray<std::uint32_t> device_a(a), device_b(b);
  const DeviceArray<float> device_d(d);
  products(static_cast<int>(all.size()), device_a.get(), device_b.get(), device_d.get());
  d = device_d.read();
  std::vector<float> result(all.size() * kM * kN);
  for (std::size_t k = 0; k < d.size(); ++k) {
    const std::size_t lane = k / 4 % 32, i = k % 4;
    const std::size_t row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
    result[(k / 128 * kM + row) * kN + column] = d[k];
  }
  return result;
}

/// The tolerance of a sum. size: the sum of its terms' absolute values, c included.
///
/// PTX does not specify order and rounding. Measurements of tensor cores (Fasi, Higham, Mikaitis, Pranesh:
/// "Numerical behavior of NVIDIA tensor cores", PeerJ Computer Science 7:e330, 2021) found that products are
/// exact; that at least 4 of them are added to the accumulator at once; that each term is truncated, not
/// rounded, at the 24th bit of the largest one or later, and the result at its own 24th bit; and that
/// subnormals are supported. So each truncation loses less than 2^-23 · size: 5 terms and a result, 4 times.
double mma_tolerance(double size) { return 24 * 0x1p-23 * size; }

/// exact: no bit may be lost, in any order.
void check_products(const std::vector<Operands>& all, bool exact) {
  std::vector<double> expected, tolerance;
  for (const Operands& one : all) {
    for (std::size_t m = 0; m < kM; ++m) {
      for (std::size_t n = 0; n < kN; ++n) {
        double sum = static_cast<double>(one.c[m * kN + n]), size = std::abs(sum);
        for (std::size_t k = 0; k < kK; ++k) {
          const double product =
              static_cast<double>(one.a[m * kK + k]) * static_cast<double>(one.b[k * kN + n]);
          sum += product;
          size += std::abs(product);
        }
        expected.push_back(sum);
        tolerance.push_back(exact ? 0 : mma_tolerance(size));
      }
    }
  }
  check_close("d", {static_cast<std::int64_t>(all.size()), kM, kN}, multiplied(all), expected, tolerance);
}

TEST_CASE("mma_m16n8k16 is exact where 24 bits hold every sum", "[gpu][conformance]") {
  if (!have_gpu()) return;
  Random random(1);
  const auto integer = [&](int limit, float unit) {
    return [&random, limit, unit] { return unit * static_cast<float>(draw(random, -limit, limit)); };
  };
  std::vector<Operands> all;
  for (int k = 0; k < 20; ++k) {
    // Fewer than 2^24 units in total, with c beyond the range of a half.
    all.push_back(operands(integer(64, 1), integer(64, 1), integer(1 << 20, 1)));
    // Subnormal halves on one side, on the other, on both.
    all.push_back(operands(integer(1023, 0x1p-24F), integer(8, 1), integer(1 << 20, 0x1p-24F)));
    all.push_back(operands(integer(8, 1), integer(1023, 0x1p-24F), integer(1 << 20, 0x1p-24F)));
    all.push_back(operands(integer(1023, 0x1p-24F), integer(1023, 0x1p-24F), integer(0, 1)));
  }
  check_products(all, true);
}

TEST_CASE("mma_m16n8k16 sums as accurately as tensor cores do", "[gpu][conformance]") {
  if (!have_gpu()) return;
  Random random(2);
  const auto uniform = [&] {
    return kernels::to_float(
        kernels::to_half(static_cast<float>(draw(random, -(1 << 20), 1 << 20)) * 0x1p-20F));
  };
  const auto large = [&] {
    return static_cast<float>((random() % 2 == 0 ? 32 : -32) * draw(random, 1024, 2047));
  };
  const auto any = [&] { return any_half(random); };
  std::vector<Operands> all;
  for (int k = 0; k < 20; ++k) {
    all.push_back(operands(uniform, uniform, uniform));
    all.push_back(operands(large, large, [&] { return large() * large(); }));
    all.push_back(operands(any, any, [&] { return any() * any(); }));
    all.push_back(operands(any, any, [] { return 0.0F; }));
  }
  check_products(all, false);
}

}  // namespace
}  // namespace sapnet::tests
