// The benchmarked operations, with the shapes that SAPNet uses. sapnet, cuDNN, cuBLAS and PyTorch share this
// list.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::bench {

enum class Operation { kConv2d, kConvLstm, kAttendedConv, kMaxPool, kSsim, kFocal, kAdam };

/// kBackward: the backward pass of an operation without separate dgrad and wgrad.
enum class Pass { kForward, kDgrad, kWgrad, kBackward };

struct Case {
  Operation operation = Operation::kConv2d;
  Pass pass = Pass::kForward;
  std::int64_t n = 1, h = 1, w = 1;  // size of the maps; Adam: 1, 1 and the number of parameters
  /// Channels of the input, or of two concatenated inputs; dgrad: of grad_preactivation.
  std::array<std::int64_t, 2> in{};
  std::int64_t out = 0;  // output channels of a convolution
  std::int64_t kernel = 3, dilation = 1;
  std::int64_t uses = 1;  // wgrad: number of uses of the weights that the n images come from

  /// The convolution, with stride 1 and "same" padding; for conv_lstm, that of all gates.
  kernels::Conv2dProblem conv() const;

  std::int64_t pixels() const { return n * h * w; }
  std::string operation_name() const;
  std::string pass_name() const;
  /// "32→32, 3×3, dilation 4, 6 times 12×100×100", with rows before columns.
  std::string shape_name() const;
};

/// All cases: SAPNet at the training size and three image sizes, VGG-16 and the losses at the training size.
std::vector<Case> cases();

}  // namespace sapnet::bench
