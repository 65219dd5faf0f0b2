// Batches made ready in the background.
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
#include "train/dataset.h"

namespace sapnet::train {

struct Batch {
  engine::Tensor rainy, clean;  // (batch, patch, patch, 3) each, on the CPU
  std::int64_t epoch = 0;       // of its first sample
  std::int64_t step = 0;
};

/// Gives the batches of a run, one for each step. A run sees an endless sequence of samples: each epoch is
/// all of the dataset's, in an order of its own that is drawn by (seed, epoch). Step s takes the samples
/// s·batch to (s + 1)·batch - 1 of it, so the batch at the end of an epoch is filled from the next one, all
/// batches are full, and no sample is left out. The step is all that must be known to go on.
class Loader {
 public:
  /// Starts `threads` threads, which work a few batches ahead. Batches do not depend on their number. Throws
  /// Error when `batch` or `threads` is less than 1, or `first_step` less than 0.
  Loader(std::shared_ptr<const Dataset> dataset, int batch, std::uint64_t seed, int threads,
         std::int64_t first_step = 0);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The batch of first_step, then of the step after it, and so on; waits when it is not ready. Throws what
  /// a sample of it threw, and then again each time.
  Batch next();

  /// Seconds that next() has waited in all, the start included.
  double waited() const { return waited_; }

 private:
  struct Place {
    std::int64_t epoch, index;  // of the dataset
  };
  struct Outcome {
    Batch batch;
    std::exception_ptr failure;  // null: the batch is there
  };

  void work(const std::stop_token& stopped);
  std::vector<Place> claim();
  Batch make(const std::vector<Place>& places, const std::stop_token& stopped) const;

  std::shared_ptr<const Dataset> dataset_;
  std::int64_t batch_;
  std::uint64_t seed_;
  std::int64_t ahead_;  // steps that may be claimed before the first of them is taken
  std::int64_t step_;   // that next() gives
  double waited_ = 0;

  std::mutex mutex_;  // of what follows
  std::condition_variable_any changed_;
  std::int64_t claimed_;   // the first step that no thread has begun
  std::int64_t position_;  // of that step's first sample, in the epoch
  std::int64_t epoch_;
  std::vector<std::uint32_t> order_;       // of the epoch's samples
  std::map<std::int64_t, Outcome> ready_;  // by step

  std::vector<std::jthread> threads_;  // last, so that they end first
};

}  // namespace sapnet::train
