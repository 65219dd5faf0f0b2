// How far the work is, on stderr.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace sapnet::apps {

/// On a terminal, a bar with rate and time left that redraws itself; elsewhere plain lines: one for each
/// thing done, or one every five seconds when their number is unknown.
class Progress {
 public:
  /// `unit` is the plural of what is counted ("pictures"); `total` 0 means unknown.
  Progress(std::string unit, std::size_t total);
  /// Wipes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// One more is done. `item` names it in the plain line; empty: no line, since another spoke of it.
  void done(std::string_view item);

  /// Prints a whole line on stdout or stderr without spoiling the bar.
  void print(std::string_view line);
  void print_error(std::string_view line);

 private:
  using Clock = std::chrono::steady_clock;

  void draw();
  void wipe();

  std::string unit_;
  std::size_t total_, count_ = 0;
  bool terminal_;
  Clock::time_point start_, last_line_;
};

}  // namespace sapnet::apps
