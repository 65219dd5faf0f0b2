// Batch processing of images: progress, errors and the summary.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

#include "apps/common/output_folder.h"
#include "apps/common/plan.h"
#include "apps/common/program.h"
#include "apps/common/progress.h"

namespace sapnet::apps {

/// Reports progress, failures and a summary of a plan on stderr. If a signal stops the program, `on_stop` can
/// still save results; it runs under lock().
class Batch {
 public:
  Batch(
      std::string program, const Plan& plan, OutputFolder& folder, std::function<void()> on_stop = [] {});

  /// Hold this while changing anything that `on_stop` reads, and for done().
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// Reports a finished task. error: why the image was not written; empty on success.
  void done(const ImageTask& task, const std::string& error);

  /// Prints `PROGRAM: error: SENTENCE`.
  void print_error(const std::string& sentence);

  /// Prints the summary. Returns the exit code: 1 if an image failed or an input had no images.
  int finish();

  Progress& progress() { return progress_; }
  std::size_t count() const { return written_ + failed_; }
  std::size_t total() const { return plan_.tasks.size(); }

 private:
  void stop();
  void print_written();

  std::string program_;
  const Plan& plan_;
  OutputFolder& folder_;
  std::function<void()> on_stop_;
  std::size_t written_ = 0, failed_ = 0;
  std::mutex mutex_;
  Progress progress_;
  StopHandler stop_handler_;  // last, since stop() uses the other members
};

/// Runs `work` on a task; returns the error message, empty on success.
std::string failure(const ImageTask& task, const std::function<void()>& work);

}  // namespace sapnet::apps
