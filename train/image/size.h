// Image sizes on command lines.
#pragma once

#include <optional>
#include <string_view>

namespace sapnet::train {

struct ImageSize {
  int width = 0, height = 0;
};

/// Parses "481x321"; nullopt unless both sides are 1 or more.
std::optional<ImageSize> parse_image_size(std::string_view text);

}  // namespace sapnet::train
