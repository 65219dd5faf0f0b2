// Numbers, files and commands as the programs print them.
#pragma once

#include <filesystem>
#include <string>

namespace sapnet::apps {

/// One number by printf's rules: formatted("%.2f dB", 31.5).
std::string formatted(const char* format, double value);

/// A path as a shell takes it for one word.
std::string quoted(const std::filesystem::path& path);

/// A file as a link that a terminal opens: "file:///photos/my%20run/report.html".
std::string url_of(const std::filesystem::path& file);

}  // namespace sapnet::apps
