// What the emulated device allows: the numbers of an H200, which are the least that any device from compute
// capability 8.0 on allows except where it says so.
#pragma once

#include <cstddef>

namespace sapnet::cuda_emulator {

constexpr unsigned kMostThreads = 1024;  // of a block
constexpr unsigned kMostThreadsOfMultiprocessor = 2048;
constexpr unsigned kMostBlocksOfMultiprocessor = 32;
constexpr unsigned kMostGridX = 0x7fffffffU, kMostGridYZ = 65535;
constexpr unsigned kMostBlockZ = 64;

constexpr std::size_t kSharedWithoutAsking = std::size_t{48} << 10U;
constexpr std::size_t kMostShared = std::size_t{227} << 10U;  // 163 KiB on compute capability 8.0
constexpr std::size_t kSharedOfMultiprocessor = std::size_t{228} << 10U;
constexpr std::size_t kSharedOfSystem = std::size_t{1} << 10U;  // that each block costs besides

/// New memory is full of it: as floating point it is NaN, as an integer -1.
constexpr int kPoisonByte = 0xff;

}  // namespace sapnet::cuda_emulator
