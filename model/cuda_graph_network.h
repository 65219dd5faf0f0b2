// Launching a whole network as one CUDA graph.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "engine/buffer.h"
#include "model/network.h"

namespace sapnet::model {

/// A network on a GPU that captures its kernels as a CUDA graph per input shape, so that the host queues one
/// launch instead of about 150. The first input of a shape runs eagerly, the second captures the graph, and
/// later ones replay it. A few graphs are cached, each with its own memory, until memory runs out. If the
/// capture fails, inputs of that shape keep running eagerly.
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
  /// On a GPU, packed weights keep their addresses, so captured graphs read the new ones.
  void pack() override { network_->pack(); }
  void release_cached_memory() const override;

 private:
  /// An input shape, and from the second use on the pool with its graph.
  struct CachedGraph {
    engine::Shape shape;
    int stages;
    std::unique_ptr<engine::PrivatePool> pool = {};
    engine::Tensor rainy = {}, derained = {};  // the graph's input and output
    bool eager = false;                        // the capture has failed
  };

  CachedGraph& find(const engine::Shape& shape, int stages) const;
  bool replay(CachedGraph& cached, const engine::Tensor& rainy) const;
  engine::Tensor record(CachedGraph& cached, const engine::Tensor& rainy) const;

  std::unique_ptr<Network> network_;
  mutable std::mutex mutex_;
  mutable std::list<CachedGraph> cache_;  // most recently used first
};

}  // namespace sapnet::model
