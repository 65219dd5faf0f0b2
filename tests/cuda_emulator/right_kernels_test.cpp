// Correct kernels give the same result under every schedule.
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"
#include "tests/cuda_emulator/samples/samples.h"

namespace sapnet::tests {
namespace {

std::vector<__half> random_halves(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<__half> values(count);
  for (__half& value : values) value = __float2half_rn(uniform(random));
  return values;
}

void check_product(const std::vector<__half>& a, const std::vector<__half>& b,
                   const std::vector<float>& out) {
  REQUIRE(out.size() == 16 * 8);
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      double sum = 0;
      for (std::size_t k = 0; k < 16; ++k)
        sum += double{__half2float(a[row * 16 + k])} * double{__half2float(b[column * 16 + k])};
      INFO("row " << row << ", column " << column);
      // 16 exact products below 1, summed in fp32.
      CHECK(std::abs(double{out[row * 8 + column]} - sum) <= 16 * 16 * 0x1p-24);
    }
  }
}

TEST_CASE("correct kernels give the same result under every schedule", "[cuda_emulator]") {
  const Restored restored;
  for (const auto& schedule : schedules()) {
    cuda_emulator::set_schedule(schedule);
    INFO("order " << static_cast<int>(schedule.order) << ", seed " << schedule.seed << ", "
                  << schedule.resident_blocks << " resident blocks, " << schedule.workers << " workers");
    {
      constexpr int kBlocks = 7;
      const auto values = counted(kBlocks * samples::kThreads);
      const DeviceArray<float> in(values), out(kBlocks);
      samples::block_sums(in.get(), out.get(), kBlocks, nullptr);
      const auto sums = out.read();
      for (std::size_t block = 0; block < kBlocks; ++block) {
        const auto* const first = values.data() + block * samples::kThreads;
        CHECK(sums[block] == std::accumulate(first, first + samples::kThreads, 0.0F));
      }
    }
    {
      constexpr std::size_t kTiles = 5;
      const auto values = counted(kTiles * samples::kTile);
      const DeviceArray<float> in(values), out(values.size());
      samples::wrapped_sums(in.get(), out.get(), kTiles, nullptr);
      const auto sums = out.read();
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t tile = i / samples::kTile * samples::kTile;
        wrong += sums[i] != values[i] + values[tile + (i + 1 - tile) % samples::kTile];
      }
      CHECK(wrong == 0);
    }
    {
      const auto a = random_halves(16 * 16, 1), b = random_halves(8 * 16, 2);
      const DeviceArray<__half> device_a(a), device_b(b);
      const DeviceArray<float> out(16 * 8);
      samples::product(device_a.get(), device_b.get(), out.get(), nullptr);
      check_product(a, b, out.read());
    }
    {
      constexpr std::size_t kCount = 1000;
      constexpr int kRounds = 6;  // even, so that the result is in the original array
      std::vector<float> expected(kCount, 0.0F);
      expected[0] = expected[500] = 64;
      const DeviceArray<float> values(expected), scratch(kCount);
      samples::smooth(values.get(), scratch.get(), kCount, kRounds, 4, nullptr);
      for (int round = 0; round < kRounds; ++round) {
        std::vector<float> next(kCount);
        for (std::size_t i = 0; i < kCount; ++i)
          next[i] = (expected[(i + kCount - 1) % kCount] + expected[(i + 1) % kCount]) / 2;
        expected = next;
      }
      CHECK(values.read() == expected);
    }
    {
      const DeviceArray<int> counter(std::vector<int>{0});
      samples::count_threads(counter.get(), 5, nullptr);
      CHECK(counter.read()[0] == 3 * 5 * 2 * samples::kThreads);
    }
  }
}

TEST_CASE("shuffles, ballots and counts", "[cuda_emulator]") {
  const DeviceArray<int> out(32 * 5);
  samples::collect(out.get(), nullptr);
  const auto rows = out.read();
  for (int lane = 0; lane < 32; ++lane) {
    const int* const row = rows.data() + lane * 5;
    CHECK(row[0] == (lane % 8 == 0 ? lane : lane - 1));
    CHECK(row[1] == (lane % 8 >= 6 ? lane : lane + 2));
    CHECK(row[2] == lane / 8 * 8 + 3);
    CHECK(static_cast<unsigned>(row[3]) == 0xaaaaaaaaU);
    CHECK(row[4] == 16);
  }
}

TEST_CASE("halves are rounded to nearest, ties to even", "[cuda_emulator]") {
  using cuda_emulator::float_from_half_portably;
  using cuda_emulator::half_bits_portably;
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const __half half = __ushort_as_half(static_cast<unsigned short>(bits));
    const float value = __half2float(half);
    INFO("half " << bits);
    const float portable = float_from_half_portably(half.bits);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(portable));
      REQUIRE(std::isnan(__half2float(__float2half_rn(value))));
      continue;
    }
    REQUIRE(portable == value);
    REQUIRE(__half_as_ushort(__float2half_rn(value)) == bits);
    REQUIRE(half_bits_portably(value) == bits);
    // Between this half and the next: below the midpoint, at it, above it.
    if ((bits & 0x7fffU) >= 0x7bffU) continue;
    const float next = __half2float(__ushort_as_half(static_cast<unsigned short>(bits + 1)));
    const float middle = (value + next) / 2;
    const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    for (const auto& [given, expected] :
         {std::pair{std::nextafter(middle, value), bits}, std::pair{middle, even},
          std::pair{std::nextafter(middle, next), bits + 1}}) {
      REQUIRE(__half_as_ushort(__float2half_rn(given)) == expected);
      REQUIRE(half_bits_portably(given) == expected);
    }
  }
  CHECK(half_bits_portably(65519.996F) == 0x7bffU);
  CHECK(half_bits_portably(65520.0F) == 0x7c00U);
  CHECK(half_bits_portably(-1e30F) == 0xfc00U);
  CHECK(half_bits_portably(0x1p-26F) == 0);
  CHECK(std::isnan(float_from_half_portably(half_bits_portably(NAN))));
}

}  // namespace
}  // namespace sapnet::tests
