#include "apps/common/format.h"

#include <array>
#include <cstdio>
#include <string_view>

namespace sapnet::apps {
namespace {

/// Characters without a special meaning in a shell.
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";

}  // namespace

std::string formatted(const char* format, double value) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string quoted(const std::filesystem::path& path) {
  const std::string text = path.string();
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

std::string url_of(const std::filesystem::path& file) {
  std::string url = "file://";
  for (const char c : std::filesystem::absolute(file).lexically_normal().string()) {
    if (kPlain.find(c) != std::string_view::npos && c != '%') {
      url += c;
    } else {
      std::array<char, 4> code;
      std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      url += code.data();
    }
  }
  return url;
}

}  // namespace sapnet::apps
