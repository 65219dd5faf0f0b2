// BMP: every kind, and damaged ones.
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/train/pictures.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

TEST_CASE("BMP of every kind is read", "[image]") {
  expect_rgb(read_image(kPictures / "rgb8.bmp"), 9, 7, kByte, 1e-7, checks);
  expect_rgb(read_image(kPictures / "grey1.bmp"), 9, 7, 1, 1e-7,
             [](int x, int y, int) { return (x + y) % 2; });
  const Image palette = read_image(kPictures / "palette8.bmp");
  CHECK(palette.width == 9);
  CHECK(palette.height == 7);

  auto bytes = picture("rgb8.bmp");
  const std::int32_t from_top = -7;
  std::memcpy(bytes.data() + 22, &from_top, 4);
  expect_rgb(decode_image(bytes, "x.pic"), 9, 7, kByte, 1e-7,
             [](int x, int y, int c) { return checks(x, 6 - y, c); });
}

}  // namespace
}  // namespace sapnet::train
