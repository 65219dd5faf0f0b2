// HTML building blocks of the report pages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sapnet::apps {

/// Escapes text for HTML.
std::string escape(std::string_view text);

/// Formats a number with a true minus sign and ∞.
std::string number(double value, int decimals);

/// The signed difference after - before, coloured as gain or loss; 0 for equal infinities.
std::string gain(double before, double after, int decimals, std::string_view unit,
                 bool more_is_better = true);

/// A tile of the summary; `value` and `remark` are HTML.
std::string tile(std::string_view name, const std::string& value, const std::string& remark);

/// A before/after slider; (height, width, 3) bytes each, embedded as JPEG, downscaled by an integer factor if
/// a side is longer than 1600 pixels.
std::string slider(const std::string& name, int width, int height, std::span<const std::uint8_t> rainy,
                   std::span<const std::uint8_t> derained);

/// The factor by which the slider downscales an image.
int shrink_factor(int width, int height);

}  // namespace sapnet::apps
