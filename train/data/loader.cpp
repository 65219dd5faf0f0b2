#include "train/data/loader.h"

#include <chrono>
#include <numeric>
#include <string>
#include <utility>

#include "engine/error.h"
#include "train/rain/rng.h"

namespace sapnet::train {
namespace {

/// 0 … size - 1, shuffled (Fisher-Yates).
std::vector<std::uint32_t> shuffled(std::int64_t size, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0U);
  Rng rng(seed, Stream::kOrder, 0, static_cast<std::uint32_t>(epoch));
  for (std::size_t k = order.size(); k > 1; --k)
    std::swap(order[k - 1], order[rng.below(static_cast<std::uint32_t>(k))]);
  return order;
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, int batch, std::uint64_t seed, int threads,
               std::int64_t first_step)
    : dataset_(std::move(dataset)),
      batch_(batch),
      seed_(seed),
      ahead_(threads + 2),
      step_(first_step),
      claimed_(first_step) {
  if (batch < 1) throw Error("a batch must have at least 1 sample, not " + std::to_string(batch));
  if (threads < 1) throw Error("the loader needs at least 1 thread, not " + std::to_string(threads));
  if (first_step < 0) throw Error("the first step must be 0 or more, not " + std::to_string(first_step));
  position_ = first_step * batch % dataset_->size();
  epoch_ = first_step * batch / dataset_->size();
  order_ = shuffled(dataset_->size(), seed, epoch_);
  for (int k = 0; k < threads; ++k)
    threads_.emplace_back([this](const std::stop_token& stopped) { work(stopped); });
}

Loader::~Loader() {
  for (std::jthread& thread : threads_) thread.request_stop();  // all of them before joining the first
}

Batch Loader::next() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ready_.contains(step_); });
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto found = ready_.find(step_);
  if (found->second.failure) std::rethrow_exception(found->second.failure);
  Batch batch = std::move(found->second.batch);
  ready_.erase(found);
  ++step_;
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Loader::work(const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, stopped, [&] { return claimed_ < step_ + ahead_; });
    if (stopped.stop_requested()) return;
    const std::int64_t step = claimed_++;
    const std::vector<Place> places = claim();
    lock.unlock();
    Outcome outcome;
    try {
      outcome.batch = make(places, stopped);
      outcome.batch.step = step;
    } catch (...) {
      outcome.failure = std::current_exception();
    }
    lock.lock();
    ready_.emplace(step, std::move(outcome));
    changed_.notify_all();
  }
}

std::vector<Loader::Place> Loader::claim() {
  std::vector<Place> places;
  for (std::int64_t k = 0; k < batch_; ++k) {
    if (position_ == dataset_->size()) {
      position_ = 0;
      order_ = shuffled(dataset_->size(), seed_, ++epoch_);
    }
    places.push_back({epoch_, order_[static_cast<std::size_t>(position_++)]});
  }
  return places;
}

Batch Loader::make(const std::vector<Place>& places, const std::stop_token& stopped) const {
  std::vector<float> rainy, clean;
  for (const auto& [epoch, index] : places) {
    if (stopped.stop_requested()) return {};
    const Sample sample = dataset_->sample(seed_, epoch, index);
    rainy.insert(rainy.end(), sample.rainy.begin(), sample.rainy.end());
    clean.insert(clean.end(), sample.clean.begin(), sample.clean.end());
  }
  const engine::Shape shape = {batch_, dataset_->patch(), dataset_->patch(), 3};
  return {.rainy = engine::from_host(rainy, shape, engine::Device::kCpu),
          .clean = engine::from_host(clean, shape, engine::Device::kCpu),
          .epoch = places.front().epoch};
}

}  // namespace sapnet::train
