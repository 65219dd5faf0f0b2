// Progress output on stderr.
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
  std::size_t finished = 0;  // items finished before this run
  double line_every = 0;     // minimum seconds between two plain lines
  bool item_in_bar = false;  // show the name of the last item at the end of the bar
};

/// On a terminal, a bar with elapsed time, rate and remaining time, redrawn every second; otherwise one plain
/// line per item. If stdout and stderr are the same file, plain lines stop after the first print(), to keep
/// its output together.
class Progress {
 public:
  /// unit: plural of the counted items ("images"); total: 0 if unknown.
  Progress(std::string unit, std::size_t total, const ProgressOptions& options = {});
  /// Calls stop().
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// An item is done; `item` is its name in the plain line.
  void done(std::string_view item);

  /// An item failed; it does not count towards the rate. Report the failure with print_error().
  void failed();

  /// Print whole lines on stdout or stderr without corrupting the bar.
  void print(std::string_view lines);
  void print_error(std::string_view lines);

  /// Removes the bar for good.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void count();
  void draw();
  void clear();
  void keep_drawing(const std::stop_token& stopped);

  std::string unit_;
  std::size_t total_;
  ProgressOptions options_;
  bool terminal_, one_file_;
  Clock::time_point start_;

  std::mutex mutex_;                 // guards the members below, and stderr
  std::size_t finished_, done_ = 0;  // finished_ includes failures
  std::string item_;                 // the last one done
  bool silent_ = false;              // no plain lines
  bool stopped_ = false;
  Clock::time_point last_finished_, last_line_;
  std::condition_variable_any wake_;
  std::jthread ticker_;
};

}  // namespace sapnet::apps
