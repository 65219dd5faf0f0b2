// What a measurement is held against: this process's memory, this CPU's arithmetic, this GPU's memory.
#pragma once

#include <cstddef>
#include <string>

namespace sapnet::bench {

/// Bytes that the kernel keeps of this process in /proc/self/status: "VmHWM" the most memory it ever held,
/// "VmRSS" what it holds now. Throws Error when there is no such field.
std::size_t process_memory(const std::string& field);

/// The CPU's name as /proc/cpuinfo has it, or "unknown".
std::string cpu_name();

/// Floating-point operations per second of fused multiply-adds on registers, on that many threads at once:
/// what no kernel can exceed. Measured, best of several tries; takes about a third of a second.
double fma_peak(int threads);

/// Bytes per second that the GPU moves when it copies, those read and those written counted: what no kernel
/// that finds its input in memory can exceed by much. Measured, the median of some.
double copy_rate();

}  // namespace sapnet::bench
