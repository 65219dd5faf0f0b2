// How far the work is, on stderr.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace sapnet::apps {

/// "1:02:03" or "2:03".
std::string clock_time(double seconds);

struct ProgressOptions {
  std::size_t over = 0;      // before this run began
  double line_every = 0;     // seconds at least between two plain lines
  bool item_in_bar = false;  // the bar, too, ends with what the last item was called
};

/// On a terminal, a bar with time, rate and time left that redraws itself every second; elsewhere plain
/// lines, one for each thing done. When stdout and stderr are one file, none follows the first print(), whose
/// lines belong together.
class Progress {
 public:
  /// `unit` is the plural of what is counted ("pictures"); `total` 0 means unknown.
  Progress(std::string unit, std::size_t total, const ProgressOptions& options = {});
  /// As stop().
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more is done, which `item` names in the plain line.
  void done(std::string_view item);

  /// One more is over, but has no part in the rate. What failed is for print_error() to say.
  void failed();

  /// Prints whole lines on stdout or stderr without spoiling the bar.
  void print(std::string_view lines);
  void print_error(std::string_view lines);

  /// Wipes the bar for good.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void count();
  void draw();
  void wipe();
  void keep_drawing(const std::stop_token& stopped);

  std::string unit_;
  std::size_t total_;
  ProgressOptions options_;
  bool terminal_, one_file_;
  Clock::time_point start_;

  std::mutex mutex_;  // guards what follows, and stderr
  std::size_t over_, done_ = 0;
  std::string item_;     // the last that was done
  bool silent_ = false;  // no plain lines
  bool stopped_ = false;
  Clock::time_point last_over_, last_line_;
  std::condition_variable_any wake_;
  std::jthread ticker_;
};

}  // namespace sapnet::apps
