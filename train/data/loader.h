// Prepares batches in the background.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "engine/tensor.h"
#include "train/data/dataset.h"

namespace sapnet::train {

struct Batch {
  engine::Tensor rainy, clean;  // (batch, patch, patch, 3) each, on the CPU
  std::int64_t epoch = 0;       // epoch of the first sample
  std::int64_t step = 0;
};

/// Delivers the batches of a run, one per step. A run sees an endless sequence of samples: each epoch is the
/// whole dataset, shuffled by (seed, epoch). Step s takes samples s·batch to (s + 1)·batch - 1, so the last
/// batch of an epoch is filled from the next epoch, all batches are full, and no sample is skipped. To
/// resume, only the step number is needed.
class Loader {
 public:
  /// Starts `threads` threads, which prefetch a few batches. Batches do not depend on the number of threads.
  /// Throws Error if `batch` or `threads` is below 1, or `first_step` below 0.
  Loader(std::shared_ptr<const Dataset> dataset, int batch, std::uint64_t seed, int threads,
         std::int64_t first_step = 0);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The batch of first_step, then that of the next step, and so on; waits until it is ready. If loading a
  /// sample failed, rethrows the exception, on this call and every later one.
  Batch next();

  /// Total seconds that next() has waited, including the first batch.
  double waited() const { return waited_; }

 private:
  struct Place {
    std::int64_t epoch, index;  // as in Dataset::sample()
  };
  struct Outcome {
    Batch batch;
    std::exception_ptr failure;  // null: no failure
  };

  void work(const std::stop_token& stopped);
  std::vector<Place> claim();
  Batch make(const std::vector<Place>& places, const std::stop_token& stopped) const;

  std::shared_ptr<const Dataset> dataset_;
  std::int64_t batch_;
  std::uint64_t seed_;
  std::int64_t ahead_;  // how many steps may be claimed beyond step_
  std::int64_t step_;   // the next one to deliver
  double waited_ = 0;

  std::mutex mutex_;  // guards the members below
  std::condition_variable_any changed_;
  std::int64_t claimed_;   // the first unclaimed step
  std::int64_t position_;  // position of that step's first sample in the epoch
  std::int64_t epoch_;
  std::vector<std::uint32_t> order_;       // order of the epoch's samples
  std::map<std::int64_t, Outcome> ready_;  // by step

  std::vector<std::jthread> threads_;  // last, so that they are joined first
};

}  // namespace sapnet::train
