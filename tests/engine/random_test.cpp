#include "engine/random.h"

#include "tests/catch.h"

using sapnet::engine::philox4x32;
using sapnet::engine::uniform;
using Block = std::array<std::uint32_t, 4>;

TEST_CASE("philox4x32 matches the known answers of Random123", "[random]") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform is at least 0 and below 1", "[random]") {
  CHECK(uniform(0) == 0.0F);
  CHECK(uniform(0xffffffff) == 1.0F - 0x1p-24F);
  CHECK(uniform(0x80000000) == 0.5F);
}

TEST_CASE("uniform draws have the mean and variance of a uniform distribution", "[random]") {
  constexpr std::uint32_t kDraws = 100000;
  double sum = 0, squares = 0;
  for (std::uint32_t i = 0; i < kDraws / 4; ++i) {
    for (const std::uint32_t bits : philox4x32({i, 0, 0, 0}, {7, 0})) {
      const auto u = static_cast<double>(uniform(bits));
      sum += u;
      squares += u * u;
    }
  }
  // Five standard errors of the mean at 100000 draws: 0.29 / √100000 = 0.0009 each.
  CHECK(sum / kDraws == Approx(0.5).margin(0.005));
  CHECK(squares / kDraws == Approx(1.0 / 3).margin(0.005));
}
