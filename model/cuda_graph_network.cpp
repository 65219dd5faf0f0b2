#include "model/cuda_graph_network.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/tape.h"

namespace sapnet::model {
namespace {

constexpr std::size_t kMaxCachedGraphs = 4;

engine::Tensor copy_of(const engine::Tensor& tensor) {
  engine::Tensor result(tensor.shape(), tensor.device());
  engine::copy(tensor, result);
  return result;
}

}  // namespace

engine::Tensor CudaGraphNetwork::forward(const engine::Tensor& rainy, int stages) const {
  check_input(*this, rainy, stages);
  if (engine::Tape::current()) return network_->forward(rainy, stages);  // training is not captured here
  const std::lock_guard lock(mutex_);
  CachedGraph& cached = find(rainy.shape(), stages);
  if (cached.eager) return network_->forward(rainy, stages);
  if (!cached.pool) {
    cached.pool = std::make_unique<engine::PrivatePool>(rainy.device());
    return network_->forward(rainy, stages);
  }
  return replay(cached, rainy) ? copy_of(cached.derained) : record(cached, rainy);
}

void CudaGraphNetwork::release_cached_memory() const {
  const std::lock_guard lock(mutex_);
  cache_.clear();
}

/// Finds or adds the cache entry and moves it to the front; a new entry has no pool yet.
CudaGraphNetwork::CachedGraph& CudaGraphNetwork::find(const engine::Shape& shape, int stages) const {
  const auto found = std::ranges::find_if(
      cache_, [&](const CachedGraph& cached) { return cached.shape == shape && cached.stages == stages; });
  if (found != cache_.end()) {
    cache_.splice(cache_.begin(), cache_, found);
  } else {
    if (cache_.size() == kMaxCachedGraphs) cache_.pop_back();
    cache_.push_front({.shape = shape, .stages = stages});
  }
  return cache_.front();
}

/// Returns false if there is no graph; it may have been dropped for its memory.
bool CudaGraphNetwork::replay(CachedGraph& cached, const engine::Tensor& rainy) const {
  const engine::PrivatePool::Scope scope(*cached.pool);
  if (!cached.pool->has_graph()) return false;
  engine::copy(rainy, cached.rainy);
  cached.pool->launch();
  return true;
}

/// Runs eagerly, which fills the pool for the capture that follows.
engine::Tensor CudaGraphNetwork::record(CachedGraph& cached, const engine::Tensor& rainy) const {
  cached.rainy = cached.derained = {};
  engine::Tensor result(rainy.shape(), rainy.device());  // not in the pool
  const engine::PrivatePool::Scope scope(*cached.pool);
  cached.rainy = copy_of(rainy);
  engine::copy(network_->forward(cached.rainy, cached.stages), result);
  try {
    cached.pool->capture([&] { cached.derained = network_->forward(cached.rainy, cached.stages); });
  } catch (const Error&) {
    cached = {.shape = cached.shape, .stages = cached.stages, .eager = true};
  }
  return result;
}

}  // namespace sapnet::model
