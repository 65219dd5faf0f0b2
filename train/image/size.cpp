#include "train/image/size.h"

#include <charconv>

namespace sapnet::train {

std::optional<ImageSize> parse_image_size(std::string_view text) {
  ImageSize size;
  const char* const end = text.data() + text.size();
  const auto [middle, width_error] = std::from_chars(text.data(), end, size.width);
  if (width_error != std::errc() || middle == end || *middle != 'x') return std::nullopt;
  const auto [rest, height_error] = std::from_chars(middle + 1, end, size.height);
  if (height_error != std::errc() || rest != end || size.width < 1 || size.height < 1) return std::nullopt;
  return size;
}

}  // namespace sapnet::train
