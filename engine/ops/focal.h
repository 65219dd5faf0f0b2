// The focal loss of a segmentation by its own labels as a tensor, to learn from; its equation stands in
// kernels/focal/focal.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

struct FocalOptions {
  double gamma = 2;  // not negative; how much less a pixel counts of which the network is sure
  double alpha = 1;
};

/// How far the network is from being sure of the class that it finds most probable, as the mean over images
/// and pixels. logits: (n, h, w, classes), fp32. The way back goes to them. Throws Error for a negative
/// gamma.
Tensor focal(const Tensor& logits, const FocalOptions& options = {});

}  // namespace sapnet::engine
