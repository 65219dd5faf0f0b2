// PNG: every kind, and damaged ones.
#include <zlib.h>

#include <catch2/catch.hpp>

#include "tests/train/pictures.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

constexpr double kExact = 1e-7;

/// Rewrites the CRC of every chunk, so that a hostile PNG gets past the checksums.
void seal(Bytes& png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = static_cast<std::size_t>(png[at]) << 24 |
                               static_cast<std::size_t>(png[at + 1]) << 16 |
                               static_cast<std::size_t>(png[at + 2]) << 8 | png[at + 3];
    if (length > png.size() - at - 12) return;
    const auto crc = crc32(0, png.data() + at + 4, static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      png[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

TEST_CASE("PNG of every kind is read exactly", "[image]") {
  SECTION("RGB") {
    for (const char* name : {"rgb8.png", "rgb8_interlaced.png", "rgb8_upside_down.png"}) {
      CAPTURE(name);
      const Image image = read_image(kPictures / name);
      expect_rgb(image, 9, 7, kByte, kExact, checks);
      CHECK(image.alpha.empty());
      CHECK_FALSE(image.grey);
    }
  }
  SECTION("RGBA") {
    const Image image = read_image(kPictures / "rgba8.png");
    expect_rgb(image, 9, 7, kByte, kExact, checks);
    expect_alpha(image, kByte, [](int x, int y) { return checks(x, y, 3); });
  }
  SECTION("16 bit") {
    expect_rgb(read_image(kPictures / "rgb16.png"), 9, 7, kWord, kExact, checks16);
    const Image image = read_image(kPictures / "rgba16_interlaced.png");
    expect_rgb(image, 9, 7, kWord, kExact, checks16);
    expect_alpha(image, kWord, [](int x, int y) { return checks16(x, y, 3); });
    const Image grey = read_image(kPictures / "grey16.png");
    CHECK(grey.grey);
    expect_rgb(grey, 9, 7, kWord, kExact, [](int x, int y, int) { return checks16(x, y, 0); });
  }
  SECTION("grey") {
    const Image image = read_image(kPictures / "grey8.png");
    CHECK(image.grey);
    CHECK(image.alpha.empty());
    expect_rgb(image, 9, 7, kByte, kExact, [](int x, int y, int) { return checks(x, y, 0); });
    const Image alpha = read_image(kPictures / "grey_alpha8.png");
    CHECK(alpha.grey);
    expect_rgb(alpha, 9, 7, kByte, kExact, [](int x, int y, int) { return checks(x, y, 0); });
    expect_alpha(alpha, kByte, [](int x, int y) { return checks(x, y, 1); });
    expect_rgb(read_image(kPictures / "grey1.png"), 9, 7, 1, kExact,
               [](int x, int y, int) { return (x + y) % 2; });
    expect_rgb(read_image(kPictures / "grey4_interlaced.png"), 9, 7, 1 / 15.0, kExact,
               [](int x, int y, int) { return (x + 2 * y) % 16; });
  }
  SECTION("palette") {
    const auto colour = [](int x, int y, int c) { return checks((x + y) % 16, 0, c); };
    const Image image = read_image(kPictures / "palette4.png");
    CHECK_FALSE(image.grey);
    expect_rgb(image, 9, 7, kByte, kExact, colour);
    const Image transparent = read_image(kPictures / "palette8_transparent.png");
    expect_rgb(transparent, 9, 7, kByte, kExact, colour);
    expect_alpha(transparent, kByte, [](int x, int y) {
      const int index = (x + y) % 16;
      return index == 0 ? 0 : index == 1 ? 128 : 255;
    });
    expect_rgb(read_image(kPictures / "palette_short.png"), 9, 7, kByte, kExact, [](int x, int y, int c) {
      const int index = (x + y) % 16;
      return index < 8 ? checks(index, 0, c) : 0;
    });
  }
  SECTION("one colour transparent") {
    const Image image = read_image(kPictures / "rgb8_keyed.png");
    expect_rgb(image, 9, 7, kByte, kExact, checks);
    expect_alpha(image, 1, [](int x, int y) {
      for (int c = 0; c < 3; ++c) {
        if (checks(x, y, c) != checks(1, 1, c)) return 1;
      }
      return 0;
    });
  }
  SECTION("one pixel") { expect_rgb(read_image(kPictures / "one_pixel.png"), 1, 1, kByte, kExact, checks); }
}

TEST_CASE("A flipped bit in a PNG is refused, and with new checksums does no harm", "[image]") {
  for (const char* name : {"rgb8.png", "palette8_transparent.png", "rgba16_interlaced.png"}) {
    CAPTURE(name);
    const auto original = picture(name);
    for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
      auto bytes = original;
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      CAPTURE(bit);
      refusal(bytes);  // PNG checks every byte
      seal(bytes);
      reads(bytes);
    }
  }
}

TEST_CASE("Hostile PNGs are refused before they cost memory", "[image]") {
  auto bytes = picture("rgb8.png");
  const std::size_t ihdr = find(bytes, "IHDR") + 4;
  SECTION("a size that no pixels follow") {
    bytes[ihdr + 1] = 0x03;  // 196617 x 7
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("fewer pixels than its size says"));
  }
  SECTION("too large") {
    bytes[ihdr + 1] = bytes[ihdr + 5] = 0x0F;
    seal(bytes);
    CHECK_THAT(refusal(bytes),
               Contains("too large: 983049x983047 pixels; at most 268 megapixels can be read"));
    bytes[ihdr] = 0xFF;
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("too large"));
  }
  SECTION("no size") {
    bytes[ihdr + 3] = 0;
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("0x7"));
  }
  SECTION("a kind that does not exist") {
    bytes[ihdr + 8] = 4;  // 4-bit RGB
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("does not exist"));
  }
  SECTION("a decompression bomb") {
    const Bytes zeros(50'000'000);
    uLongf size = compressBound(static_cast<uLong>(zeros.size()));
    Bytes bomb(size);
    REQUIRE(compress2(bomb.data(), &size, zeros.data(), zeros.size(), 9) == Z_OK);
    bomb.resize(size);
    bytes.resize(33);  // signature and IHDR
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(size >> shift));
    for (const char c : {'I', 'D', 'A', 'T'}) bytes.push_back(static_cast<std::uint8_t>(c));
    bytes.insert(bytes.end(), bomb.begin(), bomb.end());
    const std::string end("\0\0\0\0\0\0\0\0IEND\0\0\0\0", 16);  // the CRC of IDAT, and IEND
    bytes.insert(bytes.end(), end.begin(), end.end());
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("more pixels than its size says"));
  }
  SECTION("a chunk that must be understood") {
    const std::size_t idat = find(bytes, "IDAT");
    bytes[idat] = 'X';
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("XDAT"));
  }
}

}  // namespace
}  // namespace sapnet::train
