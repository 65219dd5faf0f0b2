// What the programs do the same way with many pictures, one after the other.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

#include "apps/output_folder.h"
#include "apps/plan.h"
#include "apps/program.h"
#include "apps/progress.h"

namespace sapnet::apps {

/// Says how far a plan is, what failed, and in the end what came of it, all on stderr. When a signal stops
/// the program, `on_stop` may still write down what was done; it runs under lock().
class Batch {
 public:
  Batch(
      std::string program, const Plan& plan, OutputFolder& folder, std::function<void()> on_stop = [] {});

  /// Held while that changes which `on_stop` reads, and for done().
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// One more task is over. `error`: the sentence why its picture was not written, or empty.
  void done(const PictureTask& task, const std::string& error);

  /// Says `PROGRAM: error: SENTENCE`.
  void complain(const std::string& sentence);

  /// Lines about the whole. Returns the exit code: 1 when a picture failed or an input gave none.
  int finish();

  Progress& progress() { return progress_; }
  std::size_t count() const { return written_ + failed_; }
  std::size_t total() const { return plan_.tasks.size(); }

 private:
  void stop();
  void say_what_was_written();

  std::string program_;
  const Plan& plan_;
  OutputFolder& folder_;
  std::function<void()> on_stop_;
  std::size_t written_ = 0, failed_ = 0;
  std::mutex mutex_;
  Progress progress_;
  StopHandler stop_handler_;  // the last, so that stop() finds all the others
};

/// Runs `work` on a task; returns the sentence why it failed, or nothing.
std::string failure(const PictureTask& task, const std::function<void()>& work);

}  // namespace sapnet::apps
