// PNG: every kind, and damaged ones.
#include <zlib.h>

#include <tuple>
#include <utility>

#include "tests/catch.h"
#include "tests/train/image/test_images.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

constexpr double kExact = 1e-7;

std::size_t big_endian(const Bytes& bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

void append_big_endian(Bytes& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Rewrites the CRC of every chunk, so that a hostile PNG gets past the checksums.
void seal(Bytes& png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = big_endian(png, at);
    if (length > png.size() - at - 12) return;
    Bytes crc;
    append_big_endian(crc, crc32(0, png.data() + at + 4, static_cast<uInt>(length + 4)));
    std::ranges::copy(crc, png.begin() + static_cast<std::ptrdiff_t>(at + 8 + length));
    at += 12 + length;
  }
}

struct Chunk {
  std::string type;
  Bytes data;
};

std::vector<Chunk> chunks_of(const Bytes& png) {
  std::vector<Chunk> chunks;
  for (std::size_t at = 8; at < png.size();) {
    const auto type = png.begin() + static_cast<std::ptrdiff_t>(at + 4);
    const auto end = type + 4 + static_cast<std::ptrdiff_t>(big_endian(png, at));
    chunks.push_back({{type, type + 4}, {type + 4, end}});
    at += 12 + chunks.back().data.size();
  }
  return chunks;
}

Bytes png_of(const std::vector<Chunk>& chunks) {
  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  for (const auto& [type, data] : chunks) {
    append_big_endian(png, data.size());
    png.insert(png.end(), type.begin(), type.end());
    png.insert(png.end(), data.begin(), data.end());
    append_big_endian(png, 0);
  }
  seal(png);
  return png;
}

Bytes deflated_zeros(std::size_t count) {
  const Bytes zeros(count);
  uLongf size = compressBound(static_cast<uLong>(count));
  Bytes deflated(size);
  REQUIRE(compress2(deflated.data(), &size, zeros.data(), zeros.size(), 9) == Z_OK);
  deflated.resize(size);
  return deflated;
}

/// The image with one more chunk, as its `place`th.
Bytes with(const std::string& name, std::size_t place, Chunk chunk) {
  auto chunks = chunks_of(image(name));
  REQUIRE(place <= chunks.size());
  chunks.insert(chunks.begin() + static_cast<std::ptrdiff_t>(place), std::move(chunk));
  return png_of(chunks);
}

/// 0 where a motif has the colour of its pixel (1, 1), else 1.
int opaque(int motif(int, int, int), int x, int y) {
  for (int c = 0; c < 3; ++c) {
    if (motif(x, y, c) != motif(1, 1, c)) return 1;
  }
  return 0;
}

TEST_CASE("PNG of every kind is read exactly", "[image]") {
  SECTION("RGB") {
    for (const char* name : {"rgb8.png", "rgb8_interlaced.png", "rgb8_upside_down.png"}) {
      CAPTURE(name);
      const Image image = read_image(kImages / name);
      expect_rgb(image, 9, 7, kByte, kExact, checks);
      CHECK(image.alpha.empty());
      CHECK_FALSE(image.grey);
    }
  }
  SECTION("RGBA") {
    const Image image = read_image(kImages / "rgba8.png");
    expect_rgb(image, 9, 7, kByte, kExact, checks);
    expect_alpha(image, kByte, [](int x, int y) { return checks(x, y, 3); });
  }
  SECTION("16 bit") {
    expect_rgb(read_image(kImages / "rgb16.png"), 9, 7, kWord, kExact, checks16);
    const Image image = read_image(kImages / "rgba16_interlaced.png");
    expect_rgb(image, 9, 7, kWord, kExact, checks16);
    expect_alpha(image, kWord, [](int x, int y) { return checks16(x, y, 3); });
    const Image grey = read_image(kImages / "grey16.png");
    CHECK(grey.grey);
    expect_rgb(grey, 9, 7, kWord, kExact, [](int x, int y, int) { return checks16(x, y, 0); });
    const Image grey_alpha = read_image(kImages / "grey_alpha16.png");
    CHECK(grey_alpha.grey);
    expect_rgb(grey_alpha, 9, 7, kWord, kExact, [](int x, int y, int) { return checks16(x, y, 0); });
    expect_alpha(grey_alpha, kWord, [](int x, int y) { return checks16(x, y, 1); });
  }
  SECTION("grey") {
    const Image image = read_image(kImages / "grey8.png");
    CHECK(image.grey);
    CHECK(image.alpha.empty());
    expect_rgb(image, 9, 7, kByte, kExact, [](int x, int y, int) { return checks(x, y, 0); });
    const Image alpha = read_image(kImages / "grey_alpha8.png");
    CHECK(alpha.grey);
    expect_rgb(alpha, 9, 7, kByte, kExact, [](int x, int y, int) { return checks(x, y, 0); });
    expect_alpha(alpha, kByte, [](int x, int y) { return checks(x, y, 1); });
    expect_rgb(read_image(kImages / "grey1.png"), 9, 7, 1, kExact,
               [](int x, int y, int) { return (x + y) % 2; });
    expect_rgb(read_image(kImages / "grey4_interlaced.png"), 9, 7, 1 / 15.0, kExact,
               [](int x, int y, int) { return (x + 2 * y) % 16; });
  }
  SECTION("palette") {
    const auto colour = [](int x, int y, int c) { return checks((x + y) % 16, 0, c); };
    const Image image = read_image(kImages / "palette4.png");
    CHECK_FALSE(image.grey);
    expect_rgb(image, 9, 7, kByte, kExact, colour);
    const Image transparent = read_image(kImages / "palette8_transparent.png");
    expect_rgb(transparent, 9, 7, kByte, kExact, colour);
    expect_alpha(transparent, kByte, [](int x, int y) {
      const int index = (x + y) % 16;
      return index == 0 ? 0 : index == 1 ? 128 : 255;
    });
    expect_rgb(read_image(kImages / "palette_short.png"), 9, 7, kByte, kExact, [](int x, int y, int c) {
      const int index = (x + y) % 16;
      return index < 8 ? checks(index, 0, c) : 0;
    });
  }
  SECTION("turned, with its alpha") {
    const Image image = read_image(kImages / "rgba8_upside_down.png");
    expect_rgb(image, 9, 7, kByte, kExact, checks);
    expect_alpha(image, kByte, [](int x, int y) { return checks(x, y, 3); });
  }
  SECTION("one colour transparent") {
    const Image image = read_image(kImages / "rgb8_keyed.png");
    expect_rgb(image, 9, 7, kByte, kExact, checks);
    expect_alpha(image, 1, [](int x, int y) { return opaque(checks, x, y); });
    const Image wide = read_image(kImages / "rgb16_keyed.png");
    expect_rgb(wide, 9, 7, kWord, kExact, checks16);
    expect_alpha(wide, 1, [](int x, int y) { return opaque(checks16, x, y); });
  }
  SECTION("one pixel") { expect_rgb(read_image(kImages / "one_pixel.png"), 1, 1, kByte, kExact, checks); }
}

TEST_CASE("A flipped bit in a PNG is refused, and with new checksums does no harm", "[image]") {
  for (const char* name : {"rgb8.png", "palette8_transparent.png", "rgba16_interlaced.png"}) {
    for_each_flipped_bit(name, [](Bytes bytes) {
      refusal(bytes);  // PNG checks every byte
      seal(bytes);
      reads(bytes);
    });
  }
}

TEST_CASE("Hostile PNGs are refused before they cost memory", "[image]") {
  auto bytes = image("rgb8.png");
  const std::size_t ihdr = find(bytes, "IHDR") + 4;
  SECTION("a size that no pixels follow") {
    bytes[ihdr + 1] = 0x03;  // 196617 x 7
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("fewer pixels than its header says"));
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
    CHECK_THAT(refusal(bytes), Contains("is invalid"));
  }
  SECTION("a decompression bomb") {
    CHECK_THAT(refusal(png_of({chunks_of(bytes)[0], {"IDAT", deflated_zeros(50'000'000)}, {"IEND", {}}})),
               Contains("more pixels than its header says"));
  }
  SECTION("more pixels than memory has room for") {
    const Bytes size = {0, 0, 16000 / 256, 16000 % 256, 0, 0, 16000 / 256, 16000 % 256, 1, 0, 0, 0, 0};
    const auto large =
        png_of({{"IHDR", size}, {"IDAT", deflated_zeros(16000 * (1 + 16000 / 8))}, {"IEND", {}}});
    CHECK(large.size() < 100'000);
    CHECK_THROWS_WITH(decode_image(large, "x.png", std::size_t{1} << 30),
                      "x.png: not enough memory for 16000x16000 pixels: decoding takes 3174 MiB, but only "
                      "1024 MiB are available");
  }
  SECTION("pixels that do not inflate") {
    bytes[find(bytes, "IDAT") + 4] = 0xFF;
    seal(bytes);
    CHECK_THAT(refusal(bytes), Contains("its compressed pixels are corrupt"));
  }
  SECTION("methods that do not exist") {
    for (const std::size_t method : {10U, 11U, 12U}) {  // compression, filter, interlace
      auto wrong = bytes;
      wrong[ihdr + method] = 2;
      seal(wrong);
      CHECK_THAT(refusal(wrong), Contains("unknown compression, filter or interlace method"));
    }
  }
}

TEST_CASE("PNGs whose chunks contradict each other are refused", "[image]") {
  const auto bytes = image("rgb8.png"), palette = image("palette8_transparent.png");
  const Chunk ihdr = chunks_of(bytes)[0];
  SECTION("the first chunk") {
    CHECK_THAT(refusal(with("rgb8.png", 0, {"tEXt", {}})), Contains("must begin with its only IHDR"));
    CHECK_THAT(refusal(with("rgb8.png", 1, ihdr)), Contains("must begin with its only IHDR"));
    CHECK_THAT(refusal(png_of({{"IHDR", Bytes(12)}, {"IEND", {}}})),
               Contains("IHDR chunk has the wrong length"));
    CHECK_THAT(refusal(png_of({{"IHDR", Bytes(14)}, {"IEND", {}}})),
               Contains("IHDR chunk has the wrong length"));
  }
  SECTION("the palette") {
    for (const std::size_t size : {0U, 1U, 4U, 771U})
      CHECK_THAT(refusal(with("rgb8.png", 1, {"PLTE", Bytes(size)})), Contains("its palette is unusable"));
    CHECK_THAT(refusal(with("palette4.png", 1, {"PLTE", Bytes(3)})), Contains("its palette is unusable"));
    CHECK_THAT(refusal(with("rgb8.png", 2, {"PLTE", Bytes(3)})), Contains("its palette is unusable"));
    CHECK(reads(with("rgb8.png", 1, {"PLTE", Bytes(768)})));  // a suggestion for small screens
    auto without = chunks_of(image("palette4.png"));
    without.erase(without.begin() + 1);
    CHECK_THAT(refusal(png_of(without)), Contains("it has no palette"));
  }
  SECTION("the transparency") {
    for (const auto& [name, place, length] : std::vector<std::tuple<std::string, std::size_t, std::size_t>>{
             {"grey8.png", 1, 2}, {"grey16.png", 1, 2}, {"rgb8.png", 1, 6}, {"palette_short.png", 2, 8}}) {
      CAPTURE(name);
      CHECK_FALSE(decode_image(with(name, place, {"tRNS", Bytes(length)}), "x.pic").alpha.empty());
      for (const std::size_t wrong : {length - 1, length + 1}) {
        if (name == "palette_short.png" && wrong < length) continue;  // colours left out are opaque
        CAPTURE(wrong);
        CHECK_THAT(refusal(with(name, place, {"tRNS", Bytes(wrong)})),
                   Contains("its tRNS chunk has the wrong length"));
      }
    }
    for (const char* name : {"grey_alpha8.png", "rgba8.png"})
      CHECK_THAT(refusal(with(name, 1, {"tRNS", Bytes(2)})), Contains("its tRNS chunk has the wrong length"));
    // After the pixels it has no effect.
    CHECK(decode_image(with("rgb8.png", 2, {"tRNS", Bytes(5)}), "x.pic").alpha.empty());
  }
  SECTION("other chunks") {
    CHECK(reads(with("rgb8.png", 1, {"abCD", Bytes(9)})));
    CHECK_THAT(refusal(with("rgb8.png", 1, {"ABCD", Bytes(9)})),
               Contains("its PNG chunk ABCD is critical but unknown"));
    CHECK_THAT(refusal(with("rgb8.png", 1, {"ab1D", {}})), Contains("a chunk's type is not made of letters"));
  }
}

}  // namespace
}  // namespace sapnet::train
