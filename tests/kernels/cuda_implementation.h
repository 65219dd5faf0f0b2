// The CUDA kernels as implementations for the tests.
#pragma once

#include "tests/kernels/implementations.h"

namespace sapnet::tests {

/// The implementations for fp32 and for fp16 maps. Requires a real or emulated GPU.
const Implementations& cuda_implementations();

}  // namespace sapnet::tests
