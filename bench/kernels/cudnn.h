// NVIDIA's cuDNN, to be compared with: the best of its plans for a convolution. Only benchmarks know it. It
// is opened at run time (libcudnn.so.9), so that programs start where it is missing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/kernels/work.h"

namespace sapnet::bench::cudnn {

/// Why convolutions cannot be timed here; empty when they can.
std::string unavailable_reason();

/// "cuDNN 9.19.0"
std::string name();

/// Whether cuDNN takes the description of this convolution as sound, which needs no GPU. Throws Error, with
/// what cuDNN says, when it does not.
void check(const Convolution& convolution);

/// How long the convolution takes cuDNN, and passes over so many bytes more (Convolution::more_bytes), for
/// which a copy stands: shortest first. What was chosen is added to `chosen`. Maps are NHWC; channels are
/// filled up to multiples of eight in fp16, for the tensor cores take no others. Throws Error where it has no
/// plan.
std::vector<double> time_convolution(const Convolution& convolution, int repeat,
                                     nlohmann::ordered_json& chosen);

}  // namespace sapnet::bench::cudnn
