// cuDNN as a baseline: the fastest of its plans for a convolution. Used by benchmarks only, and loaded at run
// time (libcudnn.so.9), so that programs start without it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/kernels/work.h"

namespace sapnet::bench::cudnn {

/// Why cuDNN cannot be timed here; empty if it can.
std::string unavailable_reason();

/// "cuDNN 9.19.0"
std::string name();

/// Checks that cuDNN accepts the description of this convolution; needs no GPU. Throws Error with cuDNN's
/// message if not.
void check(const Convolution& convolution);

/// Sorted times in seconds of the convolution with cuDNN, plus a copy that represents extra passes over the
/// maps (Convolution::more_bytes). Adds details of the chosen plan to `chosen`. Maps are NHWC; in fp16,
/// channels are padded to multiples of eight, as the tensor cores require. Throws Error if cuDNN has no plan.
std::vector<double> time_convolution(const Convolution& convolution, int repeat,
                                     nlohmann::ordered_json& chosen);

}  // namespace sapnet::bench::cudnn
