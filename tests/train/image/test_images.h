// Helpers for the tests of all image formats: the patterns of make_images.py, and what a reader must return.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/images.h"
#include "train/image/image.h"

namespace sapnet::train {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;
using tests::kImages;

constexpr double kByte = 1 / 255.0, kWord = 1 / 65535.0;

// The patterns of make_images.py.
inline int checks(int x, int y, int c) { return (37 * x + 59 * y + 83 * c + 11) % 256; }
inline int checks16(int x, int y, int c) { return (5003 * x + 7919 * y + 20011 * c + 257) % 65536; }
inline int ramp(int x, int y, int c) { return c == 0 ? 10 * x : c == 1 ? 15 * y : 128; }

inline Bytes bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline Bytes image(const std::string& name) { return bytes_of(kImages / name); }

/// Expects rgb(x, y, c) · scale everywhere, within `tolerance`.
inline void expect_rgb(const Image& image, int width, int height, double scale, double tolerance,
                       const std::function<double(int, int, int)>& rgb) {
  REQUIRE(image.width == width);
  REQUIRE(image.height == height);
  REQUIRE(image.rgb.size() == static_cast<std::size_t>(width * height * 3));
  double worst = 0;
  std::size_t i = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double value = image.rgb[i++];
        worst = std::max(worst, std::abs(value - rgb(x, y, c) * scale));
      }
    }
  }
  CHECK(worst <= tolerance);
}

inline void expect_alpha(const Image& image, double scale, const std::function<double(int, int)>& alpha) {
  REQUIRE(image.alpha.size() == static_cast<std::size_t>(image.width * image.height));
  double worst = 0;
  std::size_t i = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const double value = image.alpha[i++];
      worst = std::max(worst, std::abs(value - alpha(x, y) * scale));
    }
  }
  CHECK(worst <= 1e-6);
}

/// The error message for these bytes; the test fails if they can be read.
inline std::string refusal(std::span<const std::uint8_t> bytes) {
  try {
    decode_image(bytes, "x.pic");
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Catch::StartsWith("x.pic: "));
    return error.what();
  }
  FAIL_CHECK("was read");
  return "";
}

/// Whether the bytes can be read; any exception other than Error fails the test.
inline bool reads(std::span<const std::uint8_t> bytes) {
  try {
    const Image image = decode_image(bytes, "x.pic");
    CHECK(image.rgb.size() ==
          static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Calls visit(file with one bit flipped) for every bit of a file.
template <class Visit>
void for_each_flipped_bit(const std::string& name, const Visit& visit) {
  CAPTURE(name);
  const Bytes bytes = image(name);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    visit(std::move(flipped));
  }
}

inline std::size_t find(const Bytes& bytes, const std::string& what) {
  const Bytes wanted(what.begin(), what.end());
  const auto found = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
  REQUIRE(found != bytes.end());
  return static_cast<std::size_t>(found - bytes.begin());
}

}  // namespace sapnet::train
