#include "engine/tape.h"

#include <array>
#include <cstddef>
#include <utility>

#include "engine/error.h"

namespace sapnet::engine {
namespace {

thread_local Tape* tape_of_thread = nullptr;
thread_local std::vector<std::function<void()>>* end_of_backward = nullptr;  // of the running backward()

}  // namespace

Tape::Tape() : before_(std::exchange(tape_of_thread, this)) {}

Tape::~Tape() { tape_of_thread = before_; }

Tape* Tape::current() { return tape_of_thread; }

void Tape::backward(std::span<const Term> loss) {
  // The backward pass itself is not recorded.
  struct Pause {
    Tape* const recording = std::exchange(tape_of_thread, nullptr);
    ~Pause() { tape_of_thread = recording; }
  } const pause;
  struct End {
    std::vector<std::function<void()>> work;
    std::vector<std::function<void()>>* const before = std::exchange(end_of_backward, &work);
    ~End() { end_of_backward = before; }
  } end;
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
  for (std::size_t k = 0; k < end.work.size(); ++k) {  // which may append more
    const std::function<void()> work = std::move(end.work[k]);
    work();
  }
}

void Tape::at_end(std::function<void()> work) {
  if (!end_of_backward) throw Error("no way back is running whose end work could wait for");
  end_of_backward->push_back(std::move(work));
}

Tensor take_gradient(const Tensor& output) { return std::exchange(*output.gradient(), {}); }

}  // namespace sapnet::engine
