// Reverse-mode automatic differentiation. While a Tape lives, operations of its thread with a tracked input
// record their backward functions on it. Without a tape nothing is recorded.
//
//   Tape tape;
//   const Tensor derained = network.forward(rainy, stages);
//   const Tensor similarity = ssim(derained, clean);
//   tape.backward({{similarity, -1}});    // accumulates into the gradient() of each tracked weight
//
// A backward function holds handles to the tensors it needs. So they live as long as needed, and an operation
// that could write in place sees that the tensor is shared.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::engine {

class WgradQueue;

class Tape {
 public:
  /// Starts recording this thread's operations; an earlier tape is suspended until this one is destroyed.
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The active tape of this thread, or null.
  static Tape* current();

  /// Adds an operation's backward function, which reads the gradient of its output and accumulates into those
  /// of its inputs.
  void record(std::function<void()> backward) { steps_.push_back(std::move(backward)); }

  /// One term, weight · value, of the loss, which is their sum; both scalars on the same device.
  struct Term {
    Tensor value, weight;
  };

  /// Accumulates the gradient of the loss into every tracked tensor, last operation first, and clears the
  /// tape.
  void backward(std::span<const Term> loss);

  /// The queue of wgrads that this thread's running backward() launches at its end; dropped if backward()
  /// throws. Throws Error if none is running.
  static WgradQueue& deferred_wgrads();

 private:
  std::vector<std::function<void()>> steps_;
  Tape* outer_;
};

/// Moves out the gradient of an operation's output; empty if the loss does not depend on it.
Tensor take_gradient(const Tensor& output);

}  // namespace sapnet::engine
