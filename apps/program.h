// What every program does the same way: its messages, its exit codes, its default weights.
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

/// A command line that cannot be obeyed.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Runs `body` and returns the exit code: its own, 2 after a UsageError, 1 after any other exception or when
/// stdout could not be written, each with one line `NAME: error: SENTENCE` on stderr. A signal that ends the
/// program leaves no temporary files.
int run_program(const std::string& name, char** argv, const std::function<int()>& body);

/// While it lives, a signal that ends the program (Ctrl-C and its like) runs `action` first, on another
/// thread and beside the work, which it may wait for but which goes on no further than the end of the action.
class StopHandler {
 public:
  explicit StopHandler(std::function<void()> action);
  ~StopHandler();
  StopHandler(const StopHandler&) = delete;
  StopHandler& operator=(const StopHandler&) = delete;
};

/// While it lives, such a signal waits until the work has come to where it can be left, or another one comes
/// a moment later or more.
class StopRequest {
 public:
  /// `announce` runs at once when the signal comes, on another thread.
  explicit StopRequest(std::function<void()> announce);
  ~StopRequest() { release(); }
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  bool came() const { return came_; }
  /// The work is left: the signal ends the program.
  [[noreturn]] void obey();

 private:
  void release();

  std::atomic<bool> came_ = false;
  std::mutex mutex_;
  std::condition_variable released_;
  bool over_ = false;
  StopHandler handler_;  // the last, so that its action finds the others
};

/// "1 picture", "3 pictures".
std::string counted(std::size_t count, const std::string& noun);

/// sapnet.safetensors: where it is installed (PREFIX/share/sapnet, beside PREFIX/bin), else in weights/ of
/// the source tree that the program was built in. Throws Error when it is in neither place.
std::filesystem::path default_weights();

}  // namespace sapnet::apps
