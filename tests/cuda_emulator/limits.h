// What the emulated device allows: the least that any device from compute capability 8.0 on does, so that
// what runs here has room everywhere.
#pragma once

#include <cstddef>

namespace sapnet::cuda_emulator {

constexpr unsigned kMaxThreads = 1024;                  // of a block
constexpr unsigned kMaxThreadsOfMultiprocessor = 1536;  // 2048 on 8.0 and 9.0
constexpr unsigned kMaxBlocksOfMultiprocessor = 16;     // 32 there
constexpr unsigned kMaxGridX = 0x7fffffffU, kMaxGridYZ = 65535;
constexpr unsigned kMaxBlockZ = 64;

constexpr std::size_t kSharedWithoutAsking = std::size_t{48} << 10U;
constexpr std::size_t kMaxShared = std::size_t{99} << 10U;  // of a block; 163 KiB on 8.0, 227 on 9.0
constexpr std::size_t kSharedOfMultiprocessor = std::size_t{100} << 10U;
constexpr std::size_t kSharedOfSystem = std::size_t{1} << 10U;  // that each block costs besides

/// New memory is full of it: as floating point it is NaN, as an integer -1.
constexpr int kPoisonByte = 0xff;

}  // namespace sapnet::cuda_emulator
