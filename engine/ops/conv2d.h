// Convolution. Equations: kernels/conv2d/conv2d.h.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/execution.h"
#include "engine/tensor.h"
#include "kernels/conv2d/conv2d.h"

namespace sapnet::engine {

/// Stride, dilation and padding, the same along both axes.
struct Conv2dGeometry {
  std::int64_t stride = 1, dilation = 1, padding = 1;
};

/// One input [x, y] of a convolution, where an empty y means zero, and the gradient of its preactivation.
struct WgradInput {
  Tensor x, y, grad_preactivation;
};

/// The learned weights of one convolution, and packed copies of them for the device's kernels.
class Conv2dWeights {
 public:
  /// weight: (out, in, k, k) as in PyTorch; bias: `out` values, or empty. `in_channels`: how one or two
  /// inputs share `in`. execution.maps: storage type of the inputs; `outputs`: that of the results, if
  /// different, for the backward pass. frozen_dgrad: gradients flow to the inputs although the weight is not
  /// tracked, as in a frozen perceptual network.
  Conv2dWeights(Tensor weight, Tensor bias, std::array<std::int64_t, 2> in_channels,
                const Conv2dGeometry& geometry, const Execution& execution,
                std::optional<DType> outputs = std::nullopt, bool frozen_dgrad = false);

  /// Repacks the weights after they have changed. On a GPU this runs on the device, and packed() keeps its
  /// address; throws Error there if the weight is not tracked.
  void pack();

  /// The problem for n input images of h × w.
  kernels::Conv2dProblem problem(std::int64_t n, std::int64_t h, std::int64_t w) const;
  const Tensor& weight() const { return weight_; }
  const Tensor& packed() const { return packed_; }
  const Tensor& bias() const { return bias_; }

  /// The convolution that computes the gradient of input map 0 or 1, or of both as the two maps of its output
  /// if kernels::has_joint_dgrad. For a stride above 1 its input is grad_preactivation with zeros inserted.
  /// Throws Error unless the weight is tracked or frozen_dgrad was set.
  const Conv2dWeights& dgrad(std::size_t map) const;

 private:
  void pack_on_host();
  void find_indices();

  kernels::Conv2dProblem layer_;  // n, h and w are not set
  Execution execution_;
  DType outputs_;
  bool frozen_dgrad_;
  Tensor weight_, packed_, bias_;     // dgrad's own weight is dropped once packed
  Tensor indices_;                    // index table of packed_; for dgrad_ it refers to the layer's weight
  std::vector<Conv2dWeights> dgrad_;  // one per input map, or one for both
};

struct Conv2dOptions {
  bool relu = false;
  /// Added to the convolution; with `relu` the result is relu(relu(conv) + residual), or with
  /// `relu_after_residual` too relu(conv + residual). Overwritten by the result if this is the only handle to
  /// its memory.
  Tensor residual = {};
  bool relu_after_residual = false;
  /// Storage type of the result and of `residual`.
  DType maps = DType::kFloat32;
};

/// Convolves x, or [x, y], two maps concatenated along the channels. `weights` must outlive a recording
/// Tape's backward(). Throws Error with both shapes on a mismatch.
Tensor conv2d(const Tensor& x, const Tensor& y, const Conv2dWeights& weights, Conv2dOptions options = {});
Tensor conv2d(const Tensor& x, const Conv2dWeights& weights, Conv2dOptions options = {});

/// The last step of the backward pass of every operation that contains a convolution: accumulates the
/// gradients of x, y, weight and bias, each only if tracked. On a GPU the gradients of weight and bias are
/// deferred, to batch several inputs of the same weights, and are complete only when the running
/// Tape::backward() returns; the weights must live until then. wgrad_launched: called after each launch.
void conv2d_backward(const WgradInput& input, const Conv2dWeights& weights,
                     const std::function<void()>& wgrad_launched = {});

/// Whether two inputs have the same shapes and types, so that one wgrad launch can take both.
bool same_layout(const WgradInput& a, const WgradInput& b);

/// Accumulates the gradients of the weight, which must be tracked, and of a tracked bias over all inputs in
/// one launch. x, y: (n, h, w, in_channels[k]); grad_preactivation: (n, out_h, out_w, out_channels). Throws
/// Error unless there are 1 to kernels::kMaxWgradInputs inputs with the same shapes and types.
void conv2d_wgrad(std::span<const WgradInput> inputs, const Conv2dWeights& weights);

}  // namespace sapnet::engine
