#include "apps/common/progress.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
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

/// "1.5 images/s", or below one per second "12.1 s each".
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

/// A longer bar would wrap and leave lines behind each time it is drawn.
int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

bool stdout_is_stderr() {
  struct stat out {
  }, err{};
  return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
         out.st_ino == err.st_ino;
}

}  // namespace

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

Progress::Progress(std::string unit, std::size_t total, const ProgressOptions& options)
    : unit_(std::move(unit)),
      total_(total),
      options_(options),
      terminal_(isatty(STDERR_FILENO) == 1),
      one_file_(!terminal_ && stdout_is_stderr()),
      start_(Clock::now()),
      finished_(options.finished),
      last_finished_(start_),
      last_line_(start_) {
  if (terminal_) ticker_ = std::jthread([this](const std::stop_token& stopped) { keep_drawing(stopped); });
}

Progress::~Progress() { stop(); }

void Progress::done(std::string_view item) {
  const std::lock_guard lock(mutex_);
  ++done_;
  item_ = item;
  count();
  const bool last = total_ > 0 && finished_ >= total_;
  if (terminal_ || silent_ || (!last && seconds_since(last_line_) < options_.line_every)) return;
  last_line_ = Clock::now();
  const std::string number = std::to_string(finished_) + (total_ == 0 ? "" : "/" + std::to_string(total_));
  const double elapsed = seconds_since(start_);
  std::string line = number + " " + std::string(item) + ", " + rate(done_, elapsed, unit_);
  if (options_.line_every > 0 && total_ > finished_)
    line += ", " +
            clock_time(elapsed / static_cast<double>(done_) * static_cast<double>(total_ - finished_)) +
            " left";
  std::fprintf(stderr, "%s\n", line.c_str());
}

void Progress::failed() {
  const std::lock_guard lock(mutex_);
  count();
}

void Progress::print(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  clear();
  std::fprintf(stdout, "%.*s\n", static_cast<int>(lines.size()), lines.data());
  std::fflush(stdout);
  silent_ = one_file_;
  draw();
}

void Progress::print_error(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  clear();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(lines.size()), lines.data());
  draw();
}

void Progress::stop() {
  const std::lock_guard lock(mutex_);
  clear();
  stopped_ = true;
  ticker_.request_stop();
}

void Progress::count() {
  ++finished_;
  last_finished_ = Clock::now();
  draw();
}

void Progress::draw() {
  if (!terminal_ || stopped_) return;
  std::string line = std::to_string(finished_);
  if (total_ > 0) {
    constexpr std::size_t kWidth = 20;
    const std::size_t filled = std::min(kWidth, finished_ * kWidth / total_);
    std::string bar(kWidth, '.');
    std::fill_n(bar.begin(), filled, '#');
    line.insert(0, "[" + bar + "] ").append("/").append(std::to_string(total_));
  }
  const double elapsed = seconds_since(start_);
  line += " " + unit_ + ", " + clock_time(elapsed);
  if (done_ > 0) {
    const double until_last = elapsed - seconds_since(last_finished_);
    line += ", " + rate(done_, until_last, unit_);
    if (total_ > finished_) {
      const double left = until_last / static_cast<double>(done_) * static_cast<double>(total_ - finished_);
      line += ", " + clock_time(std::max(0.0, left - seconds_since(last_finished_))) + " left";
    }
  }
  if (options_.item_in_bar && !item_.empty()) line += ", " + item_;
  std::fprintf(stderr, "\r\x1b[K%.*s", terminal_columns() - 1, line.c_str());
}

void Progress::clear() {
  if (terminal_ && !stopped_) std::fputs("\r\x1b[K", stderr);
}

void Progress::keep_drawing(const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  while (!stopped.stop_requested()) {
    draw();
    wake_.wait_for(lock, stopped, std::chrono::seconds(1), [] { return false; });
  }
}

}  // namespace sapnet::apps
