// The CUDA kernels as implementations for the tests.
#pragma once

#include <memory>
#include <vector>

#include "tests/kernels/implementations.h"

namespace sapnet::tests {

/// Adds those of fp32 and of fp16 maps, if there is a GPU to run them, or an emulated one. Without a GPU,
/// throws Error when the environment has SAPNET_REQUIRE_GPU=1.
void add_cuda_implementations(std::vector<std::unique_ptr<Implementation>>& list);

}  // namespace sapnet::tests
