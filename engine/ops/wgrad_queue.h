// Batches the weight gradients of convolutions whose weights are applied several times, as in recurrent
// networks.
#pragma once

#include <functional>
#include <vector>

#include "engine/ops/conv2d.h"

namespace sapnet::engine {

/// The wgrad inputs that a Tape::backward() has deferred. On a GPU, one launch over several inputs of the
/// same weights is faster than one each; it takes up to kernels::kMaxWgradInputs with the same shapes and
/// types.
class WgradQueue {
 public:
  /// Queues an input for the gradients of `weights`, which are tracked and must outlive the queue's last
  /// flush(). If the input cannot join their queued batch, launches that batch first. launched: called after
  /// each launch.
  void add(const Conv2dWeights& weights, WgradInput input, std::function<void()> launched);

  /// Launches everything that is queued, in the order in which the weights were first added.
  void flush();

 private:
  struct Batch {
    const Conv2dWeights* weights;
    std::function<void()> launched;  // may be empty
    std::vector<WgradInput> inputs;

    void launch();
  };

  std::vector<Batch> batches_;  // one per weights
};

}  // namespace sapnet::engine
