// NaN and infinity in every format that has them.
#include "weights/element_type.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"

using namespace sapnet::weights;

namespace {

template <class Stored>
std::vector<float> converted(ElementType type, const std::vector<Stored>& stored) {
  std::vector<float> values(stored.size());
  to_float(type, std::as_bytes(std::span(stored)), values);
  return values;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("NaN stays NaN, and infinity stays infinite", "[weights]") {
  const auto half = converted<std::uint16_t>(ElementType::kF16, {0x7c00, 0xfc00, 0x7c01, 0x7e00, 0xffff});
  CHECK(half[0] == kInfinity);
  CHECK(half[1] == -kInfinity);
  for (std::size_t i = 2; i < half.size(); ++i) CHECK(std::isnan(half[i]));

  const auto brain = converted<std::uint16_t>(ElementType::kBF16, {0x7f80, 0xff80, 0x7f81, 0xffff});
  CHECK(brain[0] == kInfinity);
  CHECK(brain[1] == -kInfinity);
  CHECK(std::isnan(brain[2]));
  CHECK(std::isnan(brain[3]));

  const auto wide = converted<double>(
      ElementType::kF64, {1e300, -1e300, HUGE_VAL, std::numeric_limits<double>::quiet_NaN(), 3e38});
  CHECK(wide[0] == kInfinity);
  CHECK(wide[1] == -kInfinity);
  CHECK(wide[2] == kInfinity);
  CHECK(std::isnan(wide[3]));
  CHECK(wide[4] == 3e38F);
}
