// How a network's operations run.
#pragma once

#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::engine {

struct Execution {
  Device device = Device::kCpu;
  /// On the CPU: direct convolution everywhere, in the order of the definition: slower, and what fast
  /// algorithms are held against.
  bool strict = false;
  /// What maps between operations are stored as; the CPU takes fp32 only. Arithmetic is in fp32 but for the
  /// products of fp16 numbers, which a GPU's tensor cores multiply exactly and sum in fp32.
  DType maps = DType::kFloat32;
};

}  // namespace sapnet::engine
