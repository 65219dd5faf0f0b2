#include "apps/common/html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "train/image/image.h"

namespace sapnet::apps {
namespace {

constexpr int kLongestSide = 1600;
constexpr int kQuality = 92;  // above 90 the encoder does not subsample chroma, which would blur thin streaks

constexpr std::string_view kHandle =
    "<span class=\"handle\" aria-hidden=\"true\"><svg viewBox=\"0 0 36 36\" fill=\"none\" "
    "stroke=\"currentColor\" "
    "stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><path d=\"M14 12l-6 6 6 6M22 12l6 "
    "6-6 6\"/>"
    "</svg></span>";

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

int shrunk(int side, int factor) { return (side + factor - 1) / factor; }

// Averages factor × factor pixels, fewer at the right and bottom edges.
std::vector<std::uint8_t> shrink(std::span<const std::uint8_t> rgb, int width, int height, int factor) {
  std::vector<std::uint8_t> small;
  for (int top = 0; top < height; top += factor) {
    const int bottom = std::min(height, top + factor);
    for (int left = 0; left < width; left += factor) {
      const int right = std::min(width, left + factor);
      std::array<std::uint64_t, 3> sum{};
      for (int y = top; y < bottom; ++y) {
        const auto row = static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
        for (int x = left; x < right; ++x) {
          for (std::size_t c = 0; c < 3; ++c) sum[c] += rgb[3 * (row + static_cast<std::size_t>(x)) + c];
        }
      }
      const auto count = static_cast<std::uint64_t>(bottom - top) * static_cast<std::uint64_t>(right - left);
      for (const std::uint64_t s : sum) small.push_back(static_cast<std::uint8_t>((s + count / 2) / count));
    }
  }
  return small;
}

std::string image(std::span<const std::uint8_t> rgb, int width, int height, const std::string& description) {
  const int factor = shrink_factor(width, height);
  const int shown_width = shrunk(width, factor), shown_height = shrunk(height, factor);
  const std::vector<std::uint8_t> small =
      factor > 1 ? shrink(rgb, width, height, factor) : std::vector<std::uint8_t>();
  const auto jpeg = train::encode_image(factor > 1 ? small : rgb, shown_width, shown_height, 3,
                                        train::ImageFormat::kJpeg, kQuality);
  return "<img alt=\"" + escape(description) + "\" decoding=\"async\" src=\"data:image/jpeg;base64," +
         base64(jpeg) + "\">";
}

}  // namespace

std::string escape(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string number(double value, int decimals) {
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, std::abs(value));
  const bool negative =
      value < 0 && std::string_view(text.data()).find_first_not_of("0.") != std::string_view::npos;
  return (negative ? "−" : "") + std::string(text.data());
}

std::string gain(double before, double after, int decimals, std::string_view unit, bool more_is_better) {
  const double difference = before == after ? 0 : after - before;
  const std::string text = number(difference, decimals);
  const bool none = text.find_first_not_of("0.") == std::string::npos;
  const std::string_view kind = none ? "" : (difference > 0) == more_is_better ? "gain" : "loss";
  return "<span class=\"" + std::string(kind) + "\">" + (!none && difference > 0 ? "+" : "") + text +
         std::string(unit) + "</span>";
}

std::string tile(std::string_view name, const std::string& value, const std::string& remark) {
  return "<div class=\"tile\"><dt>" + std::string(name) + "</dt><dd>" + value + "<small>" + remark +
         "</small></dd></div>\n";
}

int shrink_factor(int width, int height) {
  return (std::max(width, height) + kLongestSide - 1) / kLongestSide;
}

std::string slider(const std::string& name, int width, int height, std::span<const std::uint8_t> rainy,
                   std::span<const std::uint8_t> derained) {
  const int factor = shrink_factor(width, height);
  return "<div class=\"well\"><div class=\"compare\" style=\"--w:" + std::to_string(shrunk(width, factor)) +
         ";--h:" + std::to_string(shrunk(height, factor)) + "\">\n" +
         image(derained, width, height, name + ", derained") + "\n<div class=\"before\">" +
         image(rainy, width, height, name + ", rainy") +
         "<span class=\"tag\">Rainy</span></div>\n"
         "<div class=\"after\"><span class=\"tag\">Derained</span></div>\n"
         "<input type=\"range\" min=\"0\" max=\"100\" value=\"50\" autocomplete=\"off\" "
         "aria-label=\"" +
         escape(name) + ": share of the rainy image, in percent\">\n" + std::string(kHandle) +
         "</div></div>\n";
}

}  // namespace sapnet::apps
