// What the emulator's own tests share.
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

/// Takes back what a test chooses.
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

/// Orders of each kind, with blocks alone and in turns, on one worker and on several.
std::vector<cuda_emulator::Schedule> schedules();

struct Ended {
  int status;  // 0 unless something was found
  std::string output;
};
/// Runs a function in a child process, which AddressSanitizer may end. ThreadSanitizer sees nothing there if
/// this process has started a thread.
Ended in_child(const std::function<void()>& body);
/// Runs the hidden test cases of a tag in a new process of this program, with NAME=VALUE, … in its
/// environment. What it prints comes as one line, for Catch breaks its own anywhere.
Ended run_again(const std::string& tag, const std::string& environment = "");

/// 1, 2, 3, … so that each differs.
std::vector<float> counted(std::size_t count);

}  // namespace sapnet::tests
