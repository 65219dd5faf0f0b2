// BMP: every kind, and damaged ones.
#include <cstring>
#include <limits>
#include <utility>

#include "tests/catch.h"
#include "tests/train/image/test_images.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

void append(Bytes& bytes, std::size_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

struct Bmp {
  int width, height;
  std::size_t bits;
  Bytes colours;  // masks, or a palette of blue, green, red and nothing
  Bytes pixels;   // rows from below, each a multiple of four bytes
  std::size_t compression = 0;
  std::size_t header = 40;

  Bytes bytes() const {
    Bytes result = {'B', 'M'};
    append(result, 14 + header + colours.size() + pixels.size(), 4);
    append(result, 0, 4);
    append(result, 14 + header + colours.size(), 4);  // where the pixels begin
    append(result, header, 4);
    const int side = header == 12 ? 2 : 4;
    append(result, static_cast<std::size_t>(width), side);
    append(result, static_cast<std::size_t>(height), side);
    append(result, 1, 2);
    append(result, bits, 2);
    append(result, compression, 4);
    result.resize(14 + header);
    result.insert(result.end(), colours.begin(), colours.end());
    result.insert(result.end(), pixels.begin(), pixels.end());
    return result;
  }
};

TEST_CASE("BMP of every kind is read", "[image]") {
  expect_rgb(read_image(kImages / "rgb8.bmp"), 9, 7, kByte, 1e-7, checks);
  expect_rgb(read_image(kImages / "grey1.bmp"), 9, 7, 1, 1e-7, [](int x, int y, int) { return (x + y) % 2; });
  expect_rgb(read_image(kImages / "palette8.bmp"), 9, 7, kByte, 1e-7,
             [](int x, int y, int c) { return checks((x + y) % 16, 0, c); });

  auto bytes = image("rgb8.bmp");
  const std::int32_t from_top = -7;
  std::memcpy(bytes.data() + 22, &from_top, 4);
  expect_rgb(decode_image(bytes, "x.pic"), 9, 7, kByte, 1e-7,
             [](int x, int y, int c) { return checks(x, 6 - y, c); });
}

// Three colours, each unlike the others in every channel: red 50, 51, 52, green 30, 31, 32, blue 10, 11, 12.
const Bytes kPalette = {10, 30, 50, 0, 11, 31, 51, 0, 12, 32, 52, 0};

double in_palette(int colour, int c) { return 50 - 20 * c + colour; }

TEST_CASE("A BMP's palette may be short, but must hold every pixel's colour", "[image]") {
  SECTION("1 bit") {
    Bmp bmp{.width = 3, .height = 1, .bits = 1, .colours = kPalette, .pixels = {0b0100'0000, 0, 0, 0}};
    bmp.colours.resize(8);
    expect_rgb(decode_image(bmp.bytes(), "x.pic"), 3, 1, kByte, 1e-7,
               [](int x, int, int c) { return in_palette(x == 1 ? 1 : 0, c); });
    bmp.colours.resize(4);
    CHECK_THAT(refusal(bmp.bytes()), Contains("a pixel's colour is not in the palette"));
    bmp.pixels[0] = 0b0001'1111;  // beyond the row's end
    CHECK(reads(bmp.bytes()));
  }
  SECTION("4 bits") {
    Bmp bmp{.width = 3,
            .height = 2,
            .bits = 4,
            .colours = kPalette,
            .pixels = {0x20, 0x10, 0, 0, 0x01, 0x20, 0, 0}};
    expect_rgb(decode_image(bmp.bytes(), "x.pic"), 3, 2, kByte, 1e-7,
               [](int x, int y, int c) { return in_palette((x + 2 * y) % 3, c); });
    for (const auto& [at, value] : {std::pair{0, 0x30}, {0, 0x03}, {1, 0x30}, {4, 0x03}}) {
      Bmp wrong = bmp;
      wrong.pixels[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
      CAPTURE(at, value);
      CHECK_THAT(refusal(wrong.bytes()), Contains("a pixel's colour is not in the palette"));
    }
    bmp.pixels[1] = 0x1F;  // beyond the row's end
    CHECK(reads(bmp.bytes()));
  }
  SECTION("8 bits") {
    Bmp bmp{.width = 3, .height = 1, .bits = 8, .colours = kPalette, .pixels = {0, 2, 1, 0}};
    expect_rgb(decode_image(bmp.bytes(), "x.pic"), 3, 1, kByte, 1e-7,
               [](int x, int, int c) { return in_palette(x == 0 ? 0 : 3 - x, c); });
    bmp.pixels[1] = 3;
    CHECK_THAT(refusal(bmp.bytes()), Contains("a pixel's colour is not in the palette"));
  }
}

TEST_CASE("BMPs of true colour say where its bits are", "[image]") {
  const auto expected = [](int x, int, int c) { return x == 0 ? 10 + c : 20 + c; };
  Bmp bmp{.width = 2, .height = 1, .bits = 24, .colours = {}, .pixels = {12, 11, 10, 22, 21, 20, 0, 0}};
  SECTION("24 bits, in OS/2's header") {
    bmp.header = 12;
    expect_rgb(decode_image(bmp.bytes(), "x.pic"), 2, 1, kByte, 1e-7, expected);
  }
  SECTION("32 bits, with alpha") {
    bmp.bits = 32;
    bmp.pixels = {12, 11, 10, 77, 22, 21, 20, 255};
    const Image image = decode_image(bmp.bytes(), "x.pic", 2 * (4 + 16));
    expect_rgb(image, 2, 1, kByte, 1e-7, expected);
    expect_alpha(image, kByte, [](int x, int) { return x == 0 ? 77 : 255; });
    CHECK_THROWS_WITH(decode_image(bmp.bytes(), "x.pic", 2 * (4 + 16) - 1), Contains("not enough memory"));
  }
  SECTION("32 bits, by masks") {
    bmp.bits = 32;
    bmp.compression = 3;
    bmp.colours = {0xFF, 0, 0, 0, 0, 0xFF, 0, 0, 0, 0, 0xFF, 0};  // red lowest
    bmp.pixels = {10, 11, 12, 0, 20, 21, 22, 0};
    expect_rgb(decode_image(bmp.bytes(), "x.pic"), 2, 1, kByte, 1e-7, expected);
    CHECK_NOTHROW(decode_image(bmp.bytes(), "x.pic", 2 * (3 + 12)));
    bmp.colours.assign(12, 0xFF);  // which only stb refuses
    CHECK_THAT(refusal(bmp.bytes()), Contains("cannot be decoded"));
    CHECK_THROWS_WITH(decode_image(bmp.bytes(), "x.pic", 2 * (3 + 12) - 1), Contains("not enough memory"));
  }
  SECTION("32 bits, by masks with alpha's among them") {
    bmp.bits = 32;
    bmp.compression = 3;
    bmp.header = 108;
    bmp.pixels = {10, 11, 12, 77, 20, 21, 22, 255};
    auto bytes = bmp.bytes();
    for (std::size_t i = 0; i < 4; ++i) bytes[54 + 5 * i] = 0xFF;
    const Image image = decode_image(bytes, "x.pic", 2 * (4 + 16));
    expect_rgb(image, 2, 1, kByte, 1e-7, expected);
    expect_alpha(image, kByte, [](int x, int) { return x == 0 ? 77 : 255; });
    CHECK_THROWS_WITH(decode_image(bytes, "x.pic", 2 * (4 + 16) - 1), Contains("not enough memory"));
    bytes[54 + 5 * 3] = 0;
    CHECK(decode_image(bytes, "x.pic", 2 * (3 + 12)).alpha.empty());
  }
}

TEST_CASE("Hostile BMPs are refused", "[image]") {
  Bmp bmp{.width = 2, .height = 1, .bits = 24, .colours = {}, .pixels = Bytes(8)};
  CHECK(reads(bmp.bytes()));
  const auto refuses = [&](const std::string& part) { CHECK_THAT(refusal(bmp.bytes()), Contains(part)); };
  SECTION("too large") {
    bmp.height = -(1 << 21);
    refuses("too large: 2x2097152 pixels");
    bmp.height = std::numeric_limits<int>::min();
    refuses("too large: 2x2147483648 pixels");
  }
  SECTION("no size") {
    bmp.width = 0;
    refuses("0x1 pixels");
    bmp.width = -2;
    refuses("-2x1 pixels");
  }
  SECTION("more pixels than there are bytes") {
    bmp.height = 2;
    refuses("truncated BMP");
  }
  SECTION("a header of another length") {
    bmp.header = 64;
    refuses("a BMP with a header of 64 bytes cannot be read");
  }
  SECTION("run lengths") {
    bmp.compression = 1;
    refuses("a compressed BMP cannot be read");
    bmp.compression = 3;  // masks, which 24 bits do not have
    refuses("a compressed BMP cannot be read");
  }
  SECTION("a depth that does not exist") {
    bmp.bits = 2;
    refuses("2 bits per pixel are invalid");
  }
  SECTION("OS/2's palette") {
    bmp.header = 12;
    bmp.bits = 8;
    refuses("a BMP with an OS/2 palette cannot be read");
  }
  SECTION("masks that the pixels overlap") {
    bmp.bits = 32;
    bmp.compression = 3;
    refuses("its pixels overlap its header");
  }
}

}  // namespace
}  // namespace sapnet::train
