// Shared by the convolution tests: problems, and which implementations support them.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/conv2d/conv2d.h"
#include "tests/catch.h"
#include "tests/kernels/implementations.h"

namespace sapnet::tests {

/// A 3×3 convolution whose output has the input's size.
inline kernels::Conv2dProblem same_size(std::int64_t n, std::int64_t h, std::int64_t w,
                                        std::array<std::int64_t, 2> in_channels, std::int64_t out_channels,
                                        std::int64_t dilation = 1) {
  return {n, h, w, in_channels, out_channels, 3, 1, dilation, dilation};
}

/// Calls body for every implementation that supports the problem and has this storage type.
template <class Body>
void for_each_implementation(const kernels::Conv2dProblem& p, engine::DType maps, const Body& body,
                             Variants variants = Variants::kAlgorithms) {
  for (const Implementation* implementation : implementations(variants, maps)) {
    if (!implementation->supports(p)) continue;
    INFO(implementation->name());
    body(*implementation);
  }
}

}  // namespace sapnet::tests
