// Tests of all image formats. Each format also has its own test file.
#include "train/image/image.h"

#include <limits>

#include "tests/catch.h"
#include "tests/images.h"
#include "tests/temp_folder.h"
#include "tests/train/image/test_images.h"

namespace sapnet::train {
namespace {

using Catch::Contains;
using tests::TempFolder;

Bytes beginning(const std::string& name, std::size_t size) {
  auto bytes = image(name);
  bytes.resize(size);
  return bytes;
}

TEST_CASE("A truncated image is refused in a sentence wherever it ends", "[image]") {
  for (const auto& entry : fs::directory_iterator(kImages)) {
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

TEST_CASE("A flipped bit in a JPEG or BMP does no harm", "[image]") {
  std::size_t read = 0;
  for (const char* name :
       {"ramp_progressive.jpg", "ramp_orientation6.jpg", "ramp_cmyk.jpg", "rgb8.bmp", "palette8.bmp"})
    for_each_flipped_bit(name, [&](const Bytes& bytes) { read += reads(bytes) ? 1 : 0; });
  CHECK(read > 1000);  // a JPEG's pixels have no checksum
}

TEST_CASE("An image that needs too much memory is refused", "[image]") {
  for (const auto& entry : fs::directory_iterator(kImages)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    const auto bytes = bytes_of(entry.path());
    const Image image = decode_image(bytes, name);
    // What was decoded, and the floats that it became.
    const std::size_t samples = image.rgb.size() / (image.grey ? 3 : 1) + image.alpha.size();
    const std::size_t sample_bytes = name.find("16") == std::string::npos ? 1 : 2;
    const std::size_t needed =
        samples * sample_bytes + (image.rgb.size() + image.alpha.size()) * sizeof(float);
    CHECK(decode_image(bytes, name, needed).rgb == image.rgb);
    CHECK_THROWS_WITH(decode_image(bytes, name, needed - 1), Contains(name + ": not enough memory for "));
  }
}

TEST_CASE("Other files are refused with the reason", "[image]") {
  CHECK_THAT(refusal(Bytes(100, 'a')), Contains("is not a PNG, JPEG or BMP image"));
  CHECK_THROWS_WITH(read_image("/no/such/file.png"),
                    "/no/such/file.png: cannot be read: No such file or directory");
  CHECK_THROWS_WITH(read_image(kImages), Contains("is a folder, not an image"));
}

TEST_CASE("Bytes are clamped and rounded as requested", "[image]") {
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

TEST_CASE("A written image is read back", "[image]") {
  const TempFolder folder;
  constexpr int kWidth = 37, kHeight = 23;
  const auto channels = GENERATE(1, 2, 3, 4);
  CAPTURE(channels);
  Bytes bytes;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      for (int c = 0; c < channels; ++c) bytes.push_back(static_cast<std::uint8_t>(6 * x + 3 * y + 20 * c));
    }
  }
  write_image(folder / "a.png", bytes, kWidth, kHeight, channels, 95);
  const Image png = read_image(folder / "a.png");
  const bool grey = channels <= 2;
  CHECK(png.grey == grey);
  CHECK(png.alpha.empty() == (channels % 2 == 1));
  const auto expected = [&](int x, int y, int c) { return (6 * x + 3 * y + (grey ? 0 : 20 * c)) % 256; };
  expect_rgb(png, kWidth, kHeight, kByte, 1e-7, expected);
  if (channels % 2 == 0) {
    expect_alpha(png, kByte, [&](int x, int y) { return (6 * x + 3 * y + 20 * (channels - 1)) % 256; });
  }
  write_image(folder / "a.JPG", bytes, kWidth, kHeight, channels, 100);
  expect_rgb(read_image(folder / "a.JPG"), kWidth, kHeight, kByte, 6.5 / 255, expected);
  CHECK(folder.file_count() == 2);
}

TEST_CASE("An image that cannot be written leaves nothing behind", "[image]") {
  const TempFolder folder;
  const Bytes bytes(12);
  CHECK_THROWS_WITH(write_image(folder / "no/such.png", bytes, 2, 2, 3, 95),
                    Contains("cannot be written: No such file or directory"));
  CHECK_THROWS_WITH(write_image(folder / "a.gif", bytes, 2, 2, 3, 95), Contains("written as .png"));
  CHECK_THROWS_WITH(write_image(folder / "a.png", bytes, 2, 3, 3, 95), Contains("are not an image of 2x3"));
  CHECK_THROWS_WITH(write_image(folder / "a.jpg", Bytes(70000), 70000, 1, 1, 95),
                    Contains("a.jpg: 70000x1 pixels are too large for JPEG"));
  fs::create_directory(folder / "b.png");
  CHECK_THROWS_WITH(write_image(folder / "b.png", bytes, 2, 2, 3, 95), Contains("not a regular file"));
  CHECK(folder.file_count() == 1);
}

}  // namespace
}  // namespace sapnet::train
