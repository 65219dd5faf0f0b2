// The CUDA kernels as implementations for the tests.
#pragma once

#include "tests/kernels/implementations.h"

namespace sapnet::tests {

/// Those of fp32 and of fp16 maps. There must be a GPU to run them, or an emulated one.
const Implementations& cuda_implementations();

}  // namespace sapnet::tests
