// The devices on which tensors live and operations run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sapnet::engine {

enum class Device { kCpu, kCuda };

/// "cpu" or "cuda".
std::string_view to_string(Device device);

struct ChosenDevice {
  Device device;
  std::string obstacle;  // for "auto": why a GPU that is there cannot be used; else empty
};

/// The GPU of the device "cuda" (0) or "cuda:N" (N); nullopt for any other word.
std::optional<int> gpu_number(std::string_view device);

/// Resolves the `--device` option: "cpu", "cuda" or "cuda:N", or "auto", which is GPU 0 if there is one that
/// can be used, else the CPU. The process then uses this GPU. Throws Error for any other word, and for a GPU
/// that is unavailable, with the reason.
ChosenDevice choose_device(std::string_view request);

/// The warning of a program that runs on the CPU because `gpu` cannot be used.
std::string not_used(const std::string& gpu, const std::string& reason);

/// Describes the device for users, e.g. "cpu, AVX2, 2 threads" or the GPU's name.
std::string describe(Device device);

/// The number of CPU threads that operations use; by default all of the machine's (or OMP_NUM_THREADS).
/// Throws Error if it is less than 1. Results do not depend on it.
void set_threads(int count);
int threads();

}  // namespace sapnet::engine
