// What a measurement is held against: this process's memory, and the most that the machine's memory and
// arithmetic do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::bench {

/// Bytes that the kernel keeps of this process in /proc/self/status: "VmHWM" the most memory it ever held,
/// "VmRSS" what it holds now. Throws Error when there is no such field.
std::size_t process_memory(const std::string& field);

/// The CPU's name as /proc/cpuinfo has it, or "unknown".
std::string cpu_name();

/// Floating-point operations per second of fused multiply-adds on registers, on that many threads at once:
/// what no kernel can exceed. Measured, best of several tries; takes about a third of a second.
double fma_peak(int threads);

/// Bytes per second that a copy moves, those read and those written counted, on a CPU by as many threads as
/// the engine has: what no kernel that finds its input in memory can exceed by much. Measured.
double copy_rate(engine::Device device);

/// Floating-point operations per second of the GPU's product of two matrices of so many rows and columns,
/// which cuBLAS makes: of fp16 numbers on the tensor cores, or of fp32 ones without. Measured; nothing where
/// cuBLAS is missing.
std::optional<double> product_rate(engine::DType dtype, std::int64_t side);

}  // namespace sapnet::bench
