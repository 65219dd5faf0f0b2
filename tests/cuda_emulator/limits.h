// The limits of the emulated device: the minimum over all devices of compute capability 8.0 or higher, so
// that what runs here fits everywhere.
#pragma once

#include <cstddef>

namespace sapnet::cuda_emulator {

constexpr unsigned kMaxThreads = 1024;                  // per block
constexpr unsigned kMaxThreadsOfMultiprocessor = 1536;  // 2048 on 8.0 and 9.0
constexpr unsigned kMaxBlocksOfMultiprocessor = 16;     // 32 on 8.0 and 9.0
constexpr unsigned kMaxGridX = 0x7fffffffU, kMaxGridYZ = 65535;
constexpr unsigned kMaxBlockZ = 64;

constexpr std::size_t kSharedWithoutAsking = std::size_t{48} << 10U;
constexpr std::size_t kMaxShared = std::size_t{99} << 10U;  // per block; 163 KiB on 8.0, 227 on 9.0
constexpr std::size_t kSharedOfMultiprocessor = std::size_t{100} << 10U;
constexpr std::size_t kSharedOfSystem = std::size_t{1} << 10U;  // reserved per block

/// Fills new memory: NaN as floating point, -1 as an integer.
constexpr int kPoisonByte = 0xff;

}  // namespace sapnet::cuda_emulator
