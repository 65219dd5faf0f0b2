// How a network's operations run.
#pragma once

#include "engine/device.h"
#include "engine/dtype.h"

namespace sapnet::engine {

struct Execution {
  Device device = Device::kCpu;
  /// On the CPU: use direct convolution everywhere, summing in the order of the definition. Slower; the
  /// reference for the fast algorithms.
  bool strict = false;
  /// Storage type of the feature maps between operations; the CPU supports fp32 only. Arithmetic is fp32,
  /// except that tensor cores multiply fp16 operands exactly and accumulate in fp32.
  DType maps = DType::kFloat32;
};

}  // namespace sapnet::engine
