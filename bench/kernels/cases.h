// The operations that benchmarks time, each at the shapes that it has in practice. One list drives our side,
// cuDNN and cuBLAS, and PyTorch.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::bench {

enum class Operation { kConv2d, kConvLstm, kAttendedConv, kMaxPool, kSsim, kFocal, kAdam };

/// kBackward: that of a whole operation which is not split into dgrad and wgrad.
enum class Pass { kForward, kDgrad, kWgrad, kBackward };

struct Case {
  Operation operation = Operation::kConv2d;
  Pass pass = Pass::kForward;
  std::int64_t n = 1, h = 1, w = 1;  // of the maps; with Adam: 1, 1 and the number of parameters
  std::array<std::int64_t, 2>
      in{};  // channels of the input, or of two inputs side by side; of dgrad: of grad_preactivation
  std::int64_t out = 0;  // of a convolution
  std::int64_t kernel = 3, dilation = 1;
  std::int64_t uses = 1;  // of wgrad: the n images are those of so many uses of the weights

  /// The convolution in it, of stride 1, that keeps the maps' size. conv_lstm's is that of all gates.
  kernels::Conv2dProblem conv() const;

  std::int64_t pixels() const { return n * h * w; }
  std::string operation_name() const;
  std::string pass_name() const;
  /// "32→32, 3×3, dilation 4, 6 times 12×100×100", with rows before columns.
  std::string shape_name() const;
};

/// All of them: SAPNet at the size of training and of three pictures, VGG-16 and the losses at that of
/// training.
std::vector<Case> cases();

}  // namespace sapnet::bench
