// For tests of the emulator itself.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/cuda_emulator/emulator.h"
#include "tests/gpu/device_array.h"
#include "tests/sanitizers.h"

namespace sapnet::tests {

/// Restores a test's settings.
class Restored {
 public:
  Restored() : schedule_(cuda_emulator::schedule()), device_(cuda_emulator::device()) {}
  ~Restored() {
    cuda_emulator::set_schedule(schedule_);
    cuda_emulator::set_device(device_);
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  cuda_emulator::Schedule schedule_;
  cuda_emulator::Device device_;
};

/// Schedules of each kind, with one and with several resident blocks, on one and on several workers.
std::vector<cuda_emulator::Schedule> schedules();

struct Ended {
  int status;  // 0 unless a sanitizer reported an error
  std::string output;
};
/// Runs a function in a child process, which AddressSanitizer may abort. ThreadSanitizer does not work in it
/// if this process has started a thread.
Ended in_child(const std::function<void()>& body);
/// Runs the hidden test cases with a tag in a new process of this program, with NAME=VALUE, … in its
/// environment. Returns its output as one line, because Catch wraps lines.
Ended run_again(const std::string& tag, const std::string& environment = "");

/// 1, 2, 3, …
std::vector<float> counted(std::size_t count);

}  // namespace sapnet::tests
