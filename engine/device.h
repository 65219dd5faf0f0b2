// The devices on which tensors live and operations run.
#pragma once

#include <string>
#include <string_view>

namespace sapnet::engine {

enum class Device { kCpu, kCuda };

/// "cpu" or "cuda".
std::string_view to_string(Device device);

/// Resolves the `--device` option: "cpu", "cuda", or "auto", which is the GPU if there is one, else the CPU.
/// Throws Error for any other word, and for "cuda" if it is unavailable, with the reason.
Device choose_device(std::string_view request);

/// Describes the device for users, e.g. "cpu, AVX2, 2 threads" or the GPU's name.
std::string describe(Device device);

/// The number of CPU threads that operations use; by default all of the machine's (or OMP_NUM_THREADS).
/// Throws Error if it is less than 1. Results do not depend on it.
void set_threads(int count);
int threads();

}  // namespace sapnet::engine
