#include "model/recorded_network.h"

#include <algorithm>

#include "engine/tape.h"

namespace sapnet::model {
namespace {

constexpr std::size_t kMostRecordings = 4;

engine::Tensor copy_of(const engine::Tensor& tensor) {
  engine::Tensor twin(tensor.shape(), tensor.device());
  engine::copy(tensor, twin);
  return twin;
}

}  // namespace

engine::Tensor RecordedNetwork::forward(const engine::Tensor& rainy, int stages) const {
  check_input(*this, rainy, stages);
  if (engine::Tape::current()) return network_->forward(rainy, stages);  // a way back is not in this graph
  const std::lock_guard lock(mutex_);
  Recording& recording = find(rainy.shape(), stages);
  if (!recording.pool) {
    recording.pool = std::make_unique<engine::PrivatePool>(rainy.device());
    return network_->forward(rainy, stages);
  }
  if (!recording.graph) return record(recording, rainy);
  engine::copy(rainy, recording.rainy);
  recording.graph->launch();
  return copy_of(recording.derained);
}

void RecordedNetwork::forget() const {
  const std::lock_guard lock(mutex_);
  recordings_.clear();
}

/// The recording for these, now the first of the list; a new one has no pool yet.
RecordedNetwork::Recording& RecordedNetwork::find(const engine::Shape& shape, int stages) const {
  const auto found = std::ranges::find_if(recordings_, [&](const Recording& recording) {
    return recording.shape == shape && recording.stages == stages;
  });
  if (found != recordings_.end()) {
    recordings_.splice(recordings_.begin(), recordings_, found);
  } else {
    if (recordings_.size() == kMostRecordings) recordings_.pop_back();
    recordings_.push_front({shape, stages, nullptr, {}, {}, nullptr});
  }
  return recordings_.front();
}

engine::Tensor RecordedNetwork::record(Recording& recording, const engine::Tensor& rainy) const {
  engine::Tensor result;
  {
    const engine::PrivatePool::Scope scope(*recording.pool);
    recording.rainy = copy_of(rainy);
    // While recording, no memory can be had from the device; this run leaves what the next needs in the pool.
    result = network_->forward(recording.rainy, recording.stages);
  }
  result = copy_of(result);
  const engine::PrivatePool::Scope scope(*recording.pool);
  recording.graph = std::make_unique<engine::cuda::Graph>(
      [&] { recording.derained = network_->forward(recording.rainy, recording.stages); });
  return result;
}

}  // namespace sapnet::model
