// What the report pages are made of.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sapnet::apps {

/// Text as HTML shows it.
std::string escape(std::string_view text);

/// With a true minus sign, and ∞.
std::string number(double value, int decimals);

/// From before to after, with its sign, as a span that is coloured by whether more is better; equal
/// infinities differ by nothing.
std::string gain(double before, double after, int decimals, std::string_view unit,
                 bool more_is_better = true);

/// One of the .tiles. `value` and `remark` are HTML.
std::string tile(std::string_view name, const std::string& value, const std::string& remark);

/// A picture before and after under a slider; (height, width, 3) bytes each, embedded as JPEG, shrunk by a
/// whole factor where a side is longer than 1600 pixels.
std::string slider(const std::string& name, int width, int height, std::span<const std::uint8_t> rainy,
                   std::span<const std::uint8_t> derained);

/// By which the slider shrinks a picture of that size.
int shrink_factor(int width, int height);

}  // namespace sapnet::apps
