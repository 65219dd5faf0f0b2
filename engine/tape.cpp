#include "engine/tape.h"

#include <array>
#include <utility>

#include "engine/error.h"
#include "engine/ops/wgrad_queue.h"

namespace sapnet::engine {
namespace {

thread_local Tape* current_tape = nullptr;
thread_local WgradQueue* wgrads_of_backward = nullptr;  // of the running backward()

}  // namespace

Tape::Tape() : outer_(std::exchange(current_tape, this)) {}

Tape::~Tape() { current_tape = outer_; }

Tape* Tape::current() { return current_tape; }

void Tape::backward(std::span<const Term> loss) {
  // The backward pass itself is not recorded.
  struct Pause {
    Tape* const recording = std::exchange(current_tape, nullptr);
    ~Pause() { current_tape = recording; }
  } const pause;
  struct Deferred {
    WgradQueue wgrads;
    WgradQueue* const outer = std::exchange(wgrads_of_backward, &wgrads);
    ~Deferred() { wgrads_of_backward = outer; }
  } deferred;
  for (const auto& [value, weight] : loss) {
    if (value.shape() != Shape{1, 1, 1, 1})
      throw Error("a loss must be a scalar, not a tensor of shape " + to_string(value.shape()));
    if (value.tracked()) *value.gradient() = weight;
  }
  while (!steps_.empty()) {
    // Popped before it runs, so that its tensors are released as soon as it is done.
    const std::function<void()> step = std::move(steps_.back());
    steps_.pop_back();
    step();
  }
  deferred.wgrads.flush();
}

WgradQueue& Tape::deferred_wgrads() {
  if (!wgrads_of_backward) throw Error("no backward pass is running that could defer a wgrad");
  return *wgrads_of_backward;
}

Tensor take_gradient(const Tensor& output) { return std::exchange(*output.gradient(), {}); }

}  // namespace sapnet::engine
