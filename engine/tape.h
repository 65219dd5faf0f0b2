// Reverse-mode automatic differentiation. While a Tape lives, the operations of its thread that have a
// tracked tensor among their inputs record how gradients go back through them; without one they record
// nothing.
//
//   Tape tape;
//   const Tensor derained = network.forward(rainy, stages);
//   const Tensor similarity = ssim(derained, clean);
//   tape.backward({{similarity, -1}});    // each tracked weight's gradient() now has its part
//
// What an operation's way back needs, it holds in a handle, so memory lives as long as it is needed, and an
// operation that would otherwise write in place finds that it is not alone.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace sapnet::engine {

class Tape {
 public:
  /// Starts recording this thread's operations, in place of a tape before it until that is destroyed.
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The tape of this thread, or null.
  static Tape* current();

  /// Adds an operation's way back: reads the gradient of its output, adds to those of its inputs.
  void record(std::function<void()> backward) { steps_.push_back(std::move(backward)); }

  /// A part of a loss that is a sum: weight · value, a tensor of one number each, on one device.
  struct Term {
    Tensor value, weight;
  };

  /// Computes the gradient of the loss by every tracked tensor, last operation first, and lets go of all that
  /// was recorded. Gradients that are there already are added to.
  void backward(std::span<const Term> loss);

  /// Puts work off to the end of the way back that is running in this thread, before its backward() returns:
  /// what gathers over several operations' ways back, one of which calls this. Dropped if the way back
  /// throws. Throws Error when none is running.
  static void at_end(std::function<void()> work);

 private:
  std::vector<std::function<void()>> steps_;
  Tape* before_;
};

/// The gradient that has come to an operation's output, which nobody needs after its way back; empty when the
/// loss does not depend on it.
Tensor take_gradient(const Tensor& output);

}  // namespace sapnet::engine
