// What tests ask of the CUDA emulator beside the CUDA API: schedules, devices to pretend, counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sapnet::cuda_emulator {

/// In which order threads run. All are orders that a GPU may take, so correct kernels give the same under
/// each.
struct Schedule {
  enum class Order {
    kForward,  // the first thread as far as it can, then the next
    kReverse,  // the last thread and the last block first
    kRandom,   // threads and warps drawn at every wait
  };
  Order order = Order::kForward;
  std::uint64_t seed = 1;
  int resident_blocks = 1;  // that take turns at barriers, on each worker
  int workers = 0;          // host threads that share out the blocks; 0: one for each core
};

/// The schedule of the launches to come. It starts as the environment says:
///   SAPNET_EMULATOR_SCHEDULE   forward, reverse, random or random:SEED
///   SAPNET_EMULATOR_RESIDENT   resident_blocks
///   SAPNET_EMULATOR_WORKERS    workers
Schedule schedule();
void set_schedule(const Schedule& schedule);

/// The device that the runtime pretends to see, and whether cuBLAS is there. It starts as
/// SAPNET_EMULATOR_DEVICE says: none (no device), driver (a driver that is too old), old (compute capability
/// 7.5), without_cublas, or nothing.
struct Device {
  enum class Presence { kPresent, kAbsent, kOldDriver };
  Presence presence = Presence::kPresent;
  int major = 9, minor = 0;
  int multiprocessors = 4;
  std::size_t memory_bytes = std::size_t{4} << 30U;
  bool cublas = true;
};
Device device();
void set_device(const Device& device);

/// What was made by the runtime and not released.
struct Live {
  std::size_t device_blocks = 0, host_blocks = 0, streams = 0, events = 0, graphs = 0;
};
Live live();

/// Ends all captures, does what is queued and forgets what failed: after a test that left such things behind.
void clean_up();

}  // namespace sapnet::cuda_emulator
