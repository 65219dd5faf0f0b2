// Launching a whole network at once.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "engine/buffer.h"
#include "engine/cuda.h"
#include "model/network.h"

namespace sapnet::model {

/// A network on a GPU whose kernels are recorded as a graph for each input shape that comes again, so that
/// the host queues one thing in place of some 150. The first input of a shape runs without; the second makes
/// the graph; from the third on it is replayed. A few recordings are kept, each with the memory it needs.
class CudaGraphNetwork final : public Network {
 public:
  explicit CudaGraphNetwork(std::unique_ptr<Network> network) : network_(std::move(network)) {}

  std::string_view name() const override { return network_->name(); }
  engine::Tensor forward(const engine::Tensor& rainy, int stages) const override;
  std::size_t forward_bytes(const engine::Shape& rainy) const override {
    return network_->forward_bytes(rainy);
  }
  std::size_t training_bytes_per_stage(const engine::Shape& rainy) const override {
    return network_->training_bytes_per_stage(rainy);
  }
  /// On a GPU packed weights stay where they are, so recordings read the new ones.
  void pack() override { network_->pack(); }
  void release_cached_memory() const override;

 private:
  /// What was asked for once, and from the second time on, its graph.
  struct CachedGraph {
    engine::Shape shape;
    int stages;
    std::unique_ptr<engine::PrivatePool> pool;  // first, for what lives in it to go before it
    engine::Tensor rainy, derained;             // which the graph reads and writes
    std::unique_ptr<engine::cuda::Graph> graph;
  };

  CachedGraph& find(const engine::Shape& shape, int stages) const;
  engine::Tensor record(CachedGraph& cached, const engine::Tensor& rainy) const;

  std::unique_ptr<Network> network_;
  mutable std::mutex mutex_;
  mutable std::list<CachedGraph> cache_;  // the last used first
};

}  // namespace sapnet::model
