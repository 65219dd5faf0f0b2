#include "tests/kernels/repeat.h"

#include "kernels/parallel.h"

namespace sapnet::tests {

Way::Way(int way) : threads_before_(kernels::threads()) {
  kernels::set_threads(way == 2 ? 2 : 1);
#if __has_include(<emulated_gpu.h>)
  using Order = cuda_emulator::Schedule::Order;
  cuda_emulator::Schedule schedule = cuda_emulator::schedule();
  if (way == 1) schedule.order = Order::kReverse;
  if (way == 2) {
    schedule.order = Order::kRandom;
    schedule.resident_blocks = 2;
  }
  cuda_emulator::set_schedule(schedule);
#endif
}

Way::~Way() { kernels::set_threads(threads_before_); }

std::string Way::name(int way) {
  return way == 1 ? "the second time (emulated: in reverse order)"
                  : "on two threads (emulated: in random order)";
}

}  // namespace sapnet::tests
