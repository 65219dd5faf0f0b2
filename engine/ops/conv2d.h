// Convolution on tensors; the equation and the order of its parts stand in kernels/conv2d/conv2d.h, those of
// the way back in conv2d_backward.h.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/execution.h"
#include "engine/tensor.h"
#include "kernels/conv2d/conv2d.h"

namespace sapnet::engine {

/// How a convolution steps over its input, the same along both axes.
struct Conv2dGeometry {
  std::int64_t stride = 1, dilation = 1, padding = 1;
};

/// What the weights of a convolution were used on, [x, y], where an empty y is zero, and the gradient that
/// came back to its sums.
struct WgradInput {
  Tensor x, y, grad_preactivation;
};

/// The learned weights of one convolution, and copies of them arranged for a device's kernels.
class Conv2dWeights {
 public:
  /// weight: (out, in, k, k) as PyTorch has it; bias: of `out` numbers, or empty. `in_channels` says how one
  /// or two inputs share `in`. execution.maps is what the inputs are stored as; `outputs`, which the way back
  /// asks for, what the results are, when they are not stored alike. frozen_dgrad: gradients go on to the
  /// inputs even though the weight is not tracked, as through a network that is only looked through.
  Conv2dWeights(Tensor weight, Tensor bias, std::array<std::int64_t, 2> in_channels,
                const Conv2dGeometry& geometry, const Execution& execution,
                std::optional<DType> outputs = std::nullopt, bool frozen_dgrad = false);

  /// Arranges the weights anew, after they have changed; on a GPU without a word from the host, and packed()
  /// stays where it is. Throws Error there when they are not tracked.
  void pack();

  /// The problem for inputs of n images of h × w.
  kernels::Conv2dProblem problem(std::int64_t n, std::int64_t h, std::int64_t w) const;
  kernels::Conv2dAlgorithm algorithm() const { return algorithm_; }
  const Tensor& weight() const { return weight_; }
  const Tensor& packed() const { return packed_; }
  const Tensor& bias() const { return bias_; }

  /// The convolution that gives the gradient by input map 0 or 1, or those by both side by side where
  /// kernels::has_joint_dgrad; of a stride above 1 from the sums' gradient with zeros between. Throws Error
  /// where the weight is neither tracked nor has frozen_dgrad.
  const Conv2dWeights& dgrad(std::size_t map) const;

  /// Adds what a use gives to the gradients of the weight, which is tracked, and of a tracked bias, by the
  /// end of the way back that is running: on a GPU several uses in one launch, which is quicker. `added` is
  /// called after each launch. Until that end the weights must live, and go back on one way only.
  void defer_wgrad(WgradInput input, const std::function<void()>& added) const;

 private:
  void pack_on_host();

  kernels::Conv2dProblem layer_;  // without the extents of an input
  kernels::Conv2dAlgorithm algorithm_;
  Execution execution_;
  DType outputs_;
  bool frozen_dgrad_;
  Tensor weight_, packed_, bias_;     // dgrad's own weight is let go once it is packed
  Tensor places_;                     // of packed_ in the weight, of dgrad in that of the layer
  std::vector<Conv2dWeights> dgrad_;  // of each input map, or the one of both
  mutable std::weak_ptr<std::vector<WgradInput>> gathered_;  // held by the end of the way back
};

struct Conv2dOptions {
  bool relu = false;
  /// Added to the convolution, or with `relu`: relu(relu(conv) + residual), or with `relu_after_residual`
  /// too: relu(conv + residual). Overwritten with the result when it is the only handle to its memory.
  Tensor residual = {};
  bool relu_after_residual = false;
  /// What the result is stored as, and `residual` is.
  DType maps = DType::kFloat32;
};

/// Convolves x, or [x, y]: two maps side by side along the channels. A tape goes on needing the weights.
/// Throws Error naming both shapes when they do not fit.
Tensor conv2d(const Tensor& x, const Tensor& y, const Conv2dWeights& weights, Conv2dOptions options = {});
Tensor conv2d(const Tensor& x, const Conv2dWeights& weights, Conv2dOptions options = {});

/// What remains of every operation's way back that ends in a convolution: adds to the gradients of x, y,
/// weight and bias as far as they are tracked, to the latter two as Conv2dWeights::defer_wgrad does.
void conv2d_backward(const WgradInput& input, const Conv2dWeights& weights,
                     const std::function<void()>& wgrad_added = {});

/// Adds what all uses give to the gradients of the weight, which is tracked, and of a tracked bias, in one
/// launch. x, y: (n, h, w, in_channels[k]); grad_preactivation: (n, out_h, out_w, out_channels). Throws Error
/// unless there are one to kernels::kMaxWgradInputs uses, alike in shapes and types and in whether there is a
/// y.
void conv2d_wgrad(std::span<const WgradInput> inputs, const Conv2dWeights& weights);

}  // namespace sapnet::engine
