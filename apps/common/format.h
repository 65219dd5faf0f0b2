// Formats numbers, paths and URLs for messages.
#pragma once

#include <filesystem>
#include <string>

namespace sapnet::apps {

/// Formats one number like printf: formatted("%.2f dB", 31.5).
std::string formatted(const char* format, double value);

/// A path, quoted for the shell if necessary.
std::string quoted(const std::filesystem::path& path);

/// A file as a URL: "file:///photos/my%20run/report.html".
std::string url_of(const std::filesystem::path& file);

}  // namespace sapnet::apps
