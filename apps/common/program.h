// Code shared by all programs: messages, exit codes, signals, default weights.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include "engine/error.h"

namespace sapnet::apps {

/// An error in the command line.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Runs `body` and returns the exit code: its own, 2 after a UsageError, 1 after any other exception or if
/// stdout could not be written, with a line `NAME: error: SENTENCE` on stderr. If a signal ends the program,
/// temporary files are removed.
int run_program(const std::string& name, char** argv, const std::function<int()>& body);

/// While it exists, a signal that ends the program (such as Ctrl-C) first runs `action` on another thread.
/// The main thread continues meanwhile; the program ends when `action` returns.
class StopHandler {
 public:
  explicit StopHandler(std::function<void()> action);
  ~StopHandler();
  StopHandler(const StopHandler&) = delete;
  StopHandler& operator=(const StopHandler&) = delete;
};

/// While it exists, such a signal only requests a stop: the program ends when the work calls
/// exit_by_signal(), or on a second signal.
class StopRequest {
 public:
  /// `announce` runs immediately when the signal arrives, on another thread.
  explicit StopRequest(std::function<void()> announce);
  ~StopRequest() { release(); }
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  bool requested() const { return requested_; }
  /// Lets the signal end the program.
  [[noreturn]] void exit_by_signal();

 private:
  void release();

  std::atomic<bool> requested_ = false;
  std::mutex mutex_;
  std::condition_variable released_;
  bool done_ = false;
  StopHandler handler_;  // last, since its action uses the other members
};

/// "1 image", "3 images".
std::string counted(std::size_t count, const std::string& noun);

/// The path of sapnet.safetensors: installed in PREFIX/share/sapnet next to PREFIX/bin, else in weights/ of
/// the source tree that the program was built in. Throws Error if it is in neither place.
std::filesystem::path default_weights();

}  // namespace sapnet::apps
