#include "apps/progress.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace sapnet::apps {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// "1:02:03" or "2:03".
std::string clock_time(double seconds) {
  const auto all = static_cast<long>(std::ceil(seconds));
  std::array<char, 32> text;
  if (all >= 3600) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", all / 3600, all / 60 % 60, all % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", all / 60, all % 60);
  }
  return text.data();
}

/// "1.5 pictures/s", or when each takes longer than that "12.1 s each".
std::string rate(std::size_t count, double seconds, const std::string& unit) {
  std::array<char, 64> text;
  const double per_second = static_cast<double>(count) / seconds;
  if (per_second >= 1) {
    std::snprintf(text.data(), text.size(), "%.1f %s/s", per_second, unit.c_str());
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s each", 1 / per_second);
  }
  return text.data();
}

}  // namespace

Progress::Progress(std::string unit, std::size_t total)
    : unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_line_(start_) {
  draw();
}

Progress::~Progress() { wipe(); }

void Progress::done(std::string_view item) {
  ++count_;
  if (terminal_) {
    draw();
    return;
  }
  constexpr double kQuiet = 5;  // seconds between lines of unknown number
  if (item.empty() || (total_ == 0 && seconds_since(last_line_) < kQuiet)) return;
  last_line_ = Clock::now();
  const std::string pace = rate(count_, seconds_since(start_), unit_);
  const int length = static_cast<int>(item.size());
  if (total_ == 0) {
    std::fprintf(stderr, "%zu %.*s, %s\n", count_, length, item.data(), pace.c_str());
  } else {
    std::fprintf(stderr, "%zu/%zu %.*s, %s\n", count_, total_, length, item.data(), pace.c_str());
  }
}

void Progress::print(std::string_view line) {
  wipe();
  std::fprintf(stdout, "%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
  draw();
}

void Progress::print_error(std::string_view line) {
  wipe();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  draw();
}

void Progress::draw() {
  if (!terminal_) return;
  std::string line = std::to_string(count_);
  if (total_ > 0) {
    constexpr std::size_t kWidth = 30;
    const std::size_t filled = std::min(kWidth, count_ * kWidth / total_);
    std::string bar(kWidth, '.');
    std::fill_n(bar.begin(), filled, '#');
    line.insert(0, "[" + bar + "] ").append("/").append(std::to_string(total_));
  }
  line.append(" ").append(unit_);
  if (count_ > 0) {
    const double elapsed = seconds_since(start_);
    line += ", " + rate(count_, elapsed, unit_);
    if (total_ > count_) {
      line += ", " +
              clock_time(elapsed / static_cast<double>(count_) * static_cast<double>(total_ - count_)) +
              " left";
    }
  }
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
}

void Progress::wipe() {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

}  // namespace sapnet::apps
