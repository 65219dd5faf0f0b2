#include "tests/kernels/repeat.h"

#include "kernels/parallel.h"

namespace sapnet::tests {

Configuration::Configuration(int index) : threads_before_(kernels::threads()) {
  kernels::set_threads(index == 2 ? 2 : 1);
#if __has_include(<emulated_gpu.h>)
  using Order = cuda_emulator::Schedule::Order;
  cuda_emulator::Schedule schedule = cuda_emulator::schedule();
  if (index == 1) schedule.order = Order::kReverse;
  if (index == 2) {
    schedule.order = Order::kRandom;
    schedule.resident_blocks = 2;
  }
  cuda_emulator::set_schedule(schedule);
#endif
}

Configuration::~Configuration() { kernels::set_threads(threads_before_); }

std::string Configuration::name(int index) {
  return index == 1 ? "the second time (emulated: in reverse order)"
                    : "on two threads (emulated: in random order)";
}

}  // namespace sapnet::tests
