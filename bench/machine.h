// The machine's performance limits, to compare measurements with, and this process's memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::bench {

/// A size in bytes from /proc/self/status: "VmHWM" is the peak memory, "VmRSS" the current one. Throws Error
/// if there is no such field.
std::size_t process_memory(const std::string& field);

/// The CPU's name from /proc/cpuinfo, or "unknown".
std::string cpu_name();

/// FLOP/s of fused multiply-adds on registers with this many threads: an upper limit for any kernel.
/// Measured: the best of several attempts, in about a third of a second.
double fma_peak(int threads);

/// Bytes per second of a copy, counting reads and writes, on a CPU with all engine threads: an approximate
/// upper limit for kernels with inputs in memory. Measured.
double copy_rate(engine::Device device);

/// FLOP/s of a cuBLAS product of two side × side matrices on the GPU: fp16 on the tensor cores, fp32 without
/// them. Measured; nullopt if cuBLAS is missing.
std::optional<double> product_rate(engine::DType dtype, std::int64_t side);

}  // namespace sapnet::bench
