// Where tensors live and operations run.
#pragma once

#include <string>
#include <string_view>

namespace sapnet::engine {

enum class Device { kCpu, kCuda };

/// "cpu" or "cuda".
std::string_view to_string(Device device);

/// What `--device` asks for: "cpu", "cuda", or "auto", the GPU if there is one, else the CPU.
/// Throws Error for another word, and for "cuda" where it cannot run, saying why and what to do.
Device choose_device(std::string_view request);

/// A line for people: the SIMD instructions and threads of the CPU, e.g. "cpu, AVX2, 2 threads", or the GPU.
std::string describe(Device device);

/// CPU threads that operations use; at first as many as the machine offers (or OMP_NUM_THREADS says).
/// Throws Error for less than 1. Results do not depend on it.
void set_threads(int count);
int threads();

}  // namespace sapnet::engine
