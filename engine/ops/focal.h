// The focal loss of a segmentation against its own pseudo-labels. Equation: kernels/focal/focal.h.
#pragma once

#include "engine/tensor.h"

namespace sapnet::engine {

struct FocalOptions {
  double gamma = 2;  // not negative; larger values down-weight confident pixels more
  double alpha = 1;
};

/// The focal loss with the most probable class of each pixel as its label, averaged over images and pixels.
/// logits: (n, h, w, classes), fp32. Throws Error for a negative gamma.
Tensor focal(const Tensor& logits, const FocalOptions& options = {});

}  // namespace sapnet::engine
