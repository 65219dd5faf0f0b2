// The emulator's test interface beyond the CUDA API: schedules, device properties, counters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sapnet::cuda_emulator {

/// The execution order of threads. A GPU may choose any of them, so correct kernels give the same result
/// under each.
struct Schedule {
  enum class Order {
    kForward,  // each thread as far as it can run, in order
    kReverse,  // the last thread and the last block first
    kRandom,   // random threads and warps at every wait
  };
  Order order = Order::kForward;
  std::uint64_t seed = 1;
  int resident_blocks = 1;  // blocks per worker that alternate at barriers
  int workers = 0;          // host threads that share the blocks; 0: one per core
};

/// The schedule of subsequent launches. Its initial value is set by the environment variables
///   SAPNET_EMULATOR_SCHEDULE   forward, reverse, random or random:SEED
///   SAPNET_EMULATOR_RESIDENT   resident_blocks
///   SAPNET_EMULATOR_WORKERS    workers
Schedule schedule();
void set_schedule(const Schedule& schedule);

/// The device that the runtime reports, and whether cuBLAS exists. Its initial value is set by
/// SAPNET_EMULATOR_DEVICE: none (no device), driver (driver too old), old (compute capability 7.5), full (no
/// free memory), two (two GPUs), without_cublas, or unset.
struct Device {
  int gpus = 1;                // alike; their memory is counted together
  int driver_version = 13000;  // the CUDA version that the driver supports; 0: no driver
  bool ready = true;           // as opposed to cudaErrorSystemNotReady
  int major = 9, minor = 0;
  int multiprocessors = 4;
  std::size_t memory_bytes = std::size_t{4} << 30U;
  bool cublas = true;
  bool sticky_errors = false;  // whether every call fails after a kernel fault, as on a GPU
};
Device device();
void set_device(const Device& device);

/// Objects created by the runtime and not released.
struct Live {
  std::size_t device_blocks = 0, host_blocks = 0, streams = 0, events = 0, graphs = 0;
};
Live live();

/// Ends all captures, runs what is queued and clears errors and faults, for use after a failed test.
void clean_up();

}  // namespace sapnet::cuda_emulator
