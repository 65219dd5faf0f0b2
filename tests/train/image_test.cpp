// Pictures of every kind that is read, written by make_pictures.py, and damaged ones.
#include "train/image.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>

#include "engine/error.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using Bytes = std::vector<std::uint8_t>;

const fs::path kPictures = fs::path(SAPNET_SOURCE_DIR) / "tests/train/pictures";

// The motifs of make_pictures.py.
int checks(int x, int y, int c) { return (37 * x + 59 * y + 83 * c + 11) % 256; }
int checks16(int x, int y, int c) { return (5003 * x + 7919 * y + 20011 * c + 257) % 65536; }
int ramp(int x, int y, int c) { return c == 0 ? 10 * x : c == 1 ? 15 * y : 128; }

Bytes bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Bytes picture(const std::string& name) { return bytes_of(kPictures / name); }

Bytes beginning(const std::string& name, std::size_t size) {
  auto bytes = picture(name);
  bytes.resize(size);
  return bytes;
}

/// Expects rgb(x, y, c) · scale everywhere, within `tolerance`.
void expect_rgb(const Image& image, int width, int height, double scale, double tolerance,
                const std::function<double(int, int, int)>& rgb) {
  REQUIRE(image.width == width);
  REQUIRE(image.height == height);
  REQUIRE(image.rgb.size() == static_cast<std::size_t>(width * height * 3));
  double worst = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double value = image.rgb[static_cast<std::size_t>((y * width + x) * 3 + c)];
        worst = std::max(worst, std::abs(value - rgb(x, y, c) * scale));
      }
    }
  }
  CHECK(worst <= tolerance);
}

void expect_alpha(const Image& image, double scale, const std::function<double(int, int)>& alpha) {
  REQUIRE(image.alpha.size() == static_cast<std::size_t>(image.width * image.height));
  double worst = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const double value = image.alpha[static_cast<std::size_t>(y * image.width + x)];
      worst = std::max(worst, std::abs(value - alpha(x, y) * scale));
    }
  }
  CHECK(worst <= 1e-6);
}

/// The sentence that refuses these bytes; fails when they are read.
std::string refusal(std::span<const std::uint8_t> bytes) {
  try {
    decode_image(bytes, "x.pic");
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Catch::StartsWith("x.pic: "));
    return error.what();
  }
  FAIL_CHECK("was read");
  return "";
}

/// Reads, or refuses with an Error; anything else fails the test. Says whether it was read.
bool reads(std::span<const std::uint8_t> bytes) {
  try {
    const Image image = decode_image(bytes, "x.pic");
    CHECK(image.rgb.size() ==
          static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
    return true;
  } catch (const Error&) {
    return false;
  }
}

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

std::size_t find(const Bytes& bytes, const std::string& what) {
  const Bytes wanted(what.begin(), what.end());
  const auto found = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
  REQUIRE(found != bytes.end());
  return static_cast<std::size_t>(found - bytes.begin());
}

/// A picture whose folder and temporary files disappear with it.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("sapnet-image-test-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {}));
  }
};

TEST_CASE("PNG of every kind is read exactly", "[image]") {
  constexpr double kByte = 1 / 255.0, kWord = 1 / 65535.0, kExact = 1e-7;
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

TEST_CASE("JPEG of every kind is read", "[image]") {
  // Quality 95, most with 4:2:0 chroma, on a ramp of 10 and 15 levels a pixel.
  constexpr double kByte = 1 / 255.0, kLossy = 10.5 / 255;
  for (const char* name : {"ramp.jpg", "ramp_progressive.jpg", "ramp_cmyk.jpg"}) {
    CAPTURE(name);
    const Image image = read_image(kPictures / name);
    expect_rgb(image, 24, 16, kByte, kLossy, ramp);
    CHECK_FALSE(image.grey);
  }
  const Image grey = read_image(kPictures / "ramp_grey.jpg");
  CHECK(grey.grey);
  expect_rgb(grey, 24, 16, kByte, kLossy, [](int x, int y, int) { return ramp(x, y, 0); });
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const std::string name = "ramp_orientation" + std::to_string(orientation) + ".jpg";
    expect_rgb(read_image(kPictures / name), 24, 16, kByte, kLossy, ramp);
  }
}

TEST_CASE("BMP of every kind is read", "[image]") {
  expect_rgb(read_image(kPictures / "rgb8.bmp"), 9, 7, 1 / 255.0, 1e-7, checks);
  expect_rgb(read_image(kPictures / "grey1.bmp"), 9, 7, 1, 1e-7,
             [](int x, int y, int) { return (x + y) % 2; });
  const Image palette = read_image(kPictures / "palette8.bmp");
  CHECK(palette.width == 9);
  CHECK(palette.height == 7);

  auto bytes = picture("rgb8.bmp");
  const std::int32_t from_top = -7;
  std::memcpy(bytes.data() + 22, &from_top, 4);
  expect_rgb(decode_image(bytes, "x.pic"), 9, 7, 1 / 255.0, 1e-7,
             [](int x, int y, int c) { return checks(x, 6 - y, c); });
}

TEST_CASE("A truncated picture is refused in a sentence wherever it ends", "[image]") {
  for (const auto& entry : fs::directory_iterator(kPictures)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    const auto bytes = bytes_of(entry.path());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      refusal(std::span(bytes).first(size));
    }
  }
  CHECK_THAT(refusal({}), Contains("is empty"));
  CHECK_THAT(refusal(beginning("rgb8.png", 60)), Contains("truncated PNG: it ends inside its IDAT"));
  CHECK_THAT(refusal(beginning("ramp.jpg", 740)), Contains("truncated JPEG: it has no end marker"));
  CHECK_THAT(refusal(beginning("rgb8.bmp", 200)), Contains("truncated BMP"));
}

TEST_CASE("A flipped bit is refused where checksums see it, and never harms", "[image]") {
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
  std::size_t read = 0;
  for (const char* name :
       {"ramp_progressive.jpg", "ramp_orientation6.jpg", "ramp_cmyk.jpg", "rgb8.bmp", "palette8.bmp"}) {
    CAPTURE(name);
    const auto original = picture(name);
    for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
      auto bytes = original;
      bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      CAPTURE(bit);
      if (reads(bytes)) ++read;
    }
  }
  CHECK(read > 1000);  // a JPEG's pixels have no checksum
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

TEST_CASE("Hostile JPEGs are refused", "[image]") {
  auto bytes = picture("ramp.jpg");
  const std::size_t frame = find(bytes, "\xFF\xC0") + 2;
  SECTION("a size that no data follows") {
    bytes[frame + 3] = 0x3F;
    bytes[frame + 5] = 0x3F;
    CHECK_THAT(refusal(bytes), Contains("too short for 16152x16144 pixels"));
  }
  SECTION("too large") {
    bytes[frame + 3] = bytes[frame + 5] = 0xFF;
    CHECK_THAT(refusal(bytes), Contains("too large"));
  }
  SECTION("a Huffman table with more codes than its lengths allow") {
    const std::size_t counts = find(bytes, "\xFF\xC4") + 5;  // of codes of 1, 2, 3… bits
    REQUIRE(bytes[counts + 2] >= 3);
    bytes[counts] = 3;
    bytes[counts + 2] = static_cast<std::uint8_t>(bytes[counts + 2] - 3);
    CHECK_THAT(refusal(bytes), Contains("a Huffman table is invalid"));
  }
  SECTION("a Huffman table with more codes than there are bytes") {
    Bytes table = {0xFF, 0xC4, 0x02, 0x11, 0x00};  // 2 + 17 + 510 bytes, DC table 0
    table.resize(5 + 14, 0);
    table.insert(table.end(), {255, 255});  // of 15 and 16 bits
    table.resize(table.size() + 510, 1);
    bytes.insert(bytes.begin() + 2, table.begin(), table.end());
    CHECK_THAT(refusal(bytes), Contains("a Huffman table is invalid"));
  }
  SECTION("12 bits") {
    bytes[frame + 2] = 12;
    CHECK_THAT(refusal(bytes), Contains("12 bits per sample"));
  }
  SECTION("arithmetic coding") {
    bytes[frame - 1] = 0xC9;
    CHECK_THAT(refusal(bytes), Contains("arithmetic-coded"));
  }
  SECTION("CMYK that does not say how it is stored") {
    bytes = picture("ramp_cmyk.jpg");
    bytes[find(bytes, "Adobe")] = 'a';
    CHECK_THAT(refusal(bytes), Contains("without Adobe's marker"));
  }
}

TEST_CASE("Other files are refused by what they are", "[image]") {
  CHECK_THAT(refusal(Bytes(100, 'a')), Contains("is not a PNG, JPEG or BMP picture"));
  CHECK_THROWS_WITH(read_image("/no/such/file.png"),
                    "/no/such/file.png: cannot be read: No such file or directory");
  CHECK_THROWS_WITH(read_image(kPictures), Contains("is a folder, not a picture"));
}

TEST_CASE("Bytes are rounded as asked and clamped", "[image]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {-0.1F, 0,    0.999F / 255, 1.5F / 255, 254.49F / 255,
                                     1,     1.1F, nan,          infinity,   -infinity};
  CHECK(to_bytes(values, Rounding::kNearest) == Bytes{0, 0, 1, 2, 254, 255, 255, 0, 255, 0});
  CHECK(to_bytes(values, Rounding::kTruncate) == Bytes{0, 0, 0, 1, 254, 255, 255, 0, 255, 0});
  for (int value = 0; value < 256; ++value) {
    const std::vector<float> one = {static_cast<float>(value) / 255.0F};
    CHECK(to_bytes(one, Rounding::kNearest)[0] == value);
  }
}

TEST_CASE("A written picture is read back", "[image]") {
  const Folder folder;
  constexpr int kWidth = 37, kHeight = 23;
  const auto channels = GENERATE(1, 2, 3, 4);
  CAPTURE(channels);
  Bytes bytes;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      for (int c = 0; c < channels; ++c) bytes.push_back(static_cast<std::uint8_t>(6 * x + 3 * y + 20 * c));
    }
  }
  write_image(folder.path / "a.png", bytes, kWidth, kHeight, channels, 95);
  const Image png = read_image(folder.path / "a.png");
  const bool grey = channels <= 2;
  CHECK(png.grey == grey);
  CHECK(png.alpha.empty() == (channels % 2 == 1));
  const auto expected = [&](int x, int y, int c) { return (6 * x + 3 * y + (grey ? 0 : 20 * c)) % 256; };
  expect_rgb(png, kWidth, kHeight, 1 / 255.0, 1e-7, expected);
  if (channels % 2 == 0) {
    expect_alpha(png, 1 / 255.0, [&](int x, int y) { return (6 * x + 3 * y + 20 * (channels - 1)) % 256; });
  }
  write_image(folder.path / "a.JPG", bytes, kWidth, kHeight, channels, 100);
  expect_rgb(read_image(folder.path / "a.JPG"), kWidth, kHeight, 1 / 255.0, 6.5 / 255, expected);
  CHECK(folder.files() == 2);
}

TEST_CASE("A picture that cannot be written leaves nothing behind", "[image]") {
  const Folder folder;
  const Bytes bytes(12);
  CHECK_THROWS_WITH(write_image(folder.path / "no/such.png", bytes, 2, 2, 3, 95),
                    Contains("cannot be written: No such file or directory"));
  CHECK_THROWS_WITH(write_image(folder.path / "a.gif", bytes, 2, 2, 3, 95), Contains("written as .png"));
  CHECK_THROWS_WITH(write_image(folder.path / "a.png", bytes, 2, 3, 3, 95),
                    Contains("are not a picture of 2x3"));
  CHECK_THROWS_WITH(write_image(folder.path / "a.jpg", Bytes(70000), 70000, 1, 1, 95),
                    Contains("a.jpg: 70000x1 pixels are too large for JPEG"));
  fs::create_directory(folder.path / "b.png");
  CHECK_THROWS_WITH(write_image(folder.path / "b.png", bytes, 2, 2, 3, 95), Contains("not a regular file"));
  CHECK(folder.files() == 1);
}

}  // namespace
}  // namespace sapnet::train
