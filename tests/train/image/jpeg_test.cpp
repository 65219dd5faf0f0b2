// JPEG: every kind, and damaged ones.

#include "tests/catch.h"
#include "tests/train/image/test_images.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

/// The segment that begins at `at` with its marker.
Bytes segment(const Bytes& jpeg, std::size_t at) {
  const auto first = jpeg.begin() + static_cast<std::ptrdiff_t>(at);
  return {first, first + 2 + (first[2] << 8 | first[3])};
}

Bytes with(Bytes jpeg, std::size_t at, const Bytes& inserted) {
  jpeg.insert(jpeg.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());
  return jpeg;
}

TEST_CASE("JPEG of every kind is read", "[image]") {
  // Quality 95, most with 4:2:0 chroma, on a ramp of 10 and 15 levels a pixel.
  constexpr double kLossy = 10.5 / 255;
  for (const char* name : {"ramp.jpg", "ramp_scans.jpg", "ramp_progressive.jpg", "ramp_cmyk.jpg"}) {
    CAPTURE(name);
    const Image image = read_image(kImages / name);
    expect_rgb(image, 24, 16, kByte, kLossy, ramp);
    CHECK_FALSE(image.grey);
  }
  const Image grey = read_image(kImages / "ramp_grey.jpg");
  CHECK(grey.grey);
  expect_rgb(grey, 24, 16, kByte, kLossy, [](int x, int y, int) { return ramp(x, y, 0); });
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const std::string name = "ramp_orientation" + std::to_string(orientation) + ".jpg";
    expect_rgb(read_image(kImages / name), 24, 16, kByte, kLossy, ramp);
  }
}

TEST_CASE("Hostile JPEGs are refused", "[image]") {
  auto bytes = image("ramp.jpg");
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
  SECTION("two frames") {
    const Bytes header = segment(bytes, frame - 2);
    CHECK_THAT(refusal(with(bytes, frame - 2, header)), Contains("it has two frame headers"));
    // As in thumbnails, which are in separate segments.
    CHECK_THAT(refusal(with(bytes, bytes.size() - 2, header)), Contains("it has two frame headers"));
  }
  SECTION("a frame that is no good") {
    auto wrong = bytes;
    wrong[frame + 7] = 2;
    CHECK_THAT(refusal(wrong), Contains("a JPEG of 2 colour components cannot be read"));
    wrong[frame + 7] = 4;
    CHECK_THAT(refusal(wrong), Contains("its frame header has the wrong length"));
    CHECK_THAT(refusal({{0xFF, 0xD8, 0xFF, 0xC0, 0, 7, 8, 0, 16, 0, 24, 0xFF, 0xD9}}),
               Contains("its frame header is too short"));
  }
  SECTION("no frame, no scan") {
    const std::size_t scan = find(bytes, "\xFF\xDA");
    CHECK_THAT(refusal(with(bytes, 2, segment(bytes, scan))),
               Contains("pixels come before the frame header"));
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(scan), bytes.end() - 2);
    CHECK_THAT(refusal(bytes), Contains("it has no pixels"));
  }
  SECTION("too many scans") {
    bytes = image("ramp_grey.jpg");
    const auto scan = bytes.begin() + static_cast<std::ptrdiff_t>(find(bytes, "\xFF\xDA"));
    const Bytes pixels(scan, bytes.end() - 2);
    const auto end = bytes.size() - 2;
    Bytes more;
    for (int i = 1; i < 500; ++i) more.insert(more.end(), pixels.begin(), pixels.end());
    CHECK(decode_image(with(bytes, end, more), "x.pic").rgb == decode_image(bytes, "x.pic").rgb);
    more.insert(more.end(), pixels.begin(), pixels.end());
    CHECK_THAT(refusal(with(bytes, end, more)), Contains("it has too many scans"));
  }
  SECTION("segments that cannot be") {
    CHECK_THAT(refusal(with(bytes, 2, {0xFF, 0xE5, 0, 1})), Contains("a segment's length is impossible"));
    CHECK_THAT(refusal(with(bytes, 2, {0xFF, 0xE5, 0xFF, 0xFF})), Contains("it ends inside a segment"));
    for (const std::uint8_t marker : Bytes{0x01, 0xD0, 0xD8})
      CHECK_THAT(refusal(with(bytes, 2, {0xFF, marker})), Contains("a marker is out of place"));
  }
  SECTION("CMYK that does not say how it is stored") {
    bytes = image("ramp_cmyk.jpg");
    bytes[find(bytes, "Adobe")] = 'a';
    CHECK_THAT(refusal(bytes), Contains("without Adobe's marker"));
  }
}

}  // namespace
}  // namespace sapnet::train
