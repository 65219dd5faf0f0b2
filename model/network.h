// The interface of a deraining network.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/execution.h"
#include "engine/parameter_tensors.h"
#include "engine/tensor.h"

namespace sapnet::model {

/// Recurrent stages of the published networks.
inline constexpr int kStages = 6;
/// Upper limit of recurrent stages.
inline constexpr int kMaxStages = 32;

/// The networks that can be trained from scratch, by name().
inline constexpr std::string_view kSapnet = "SAPNet", kPrenet = "PReNet";
inline constexpr std::array<std::string_view, 2> kNetworks = {kSapnet, kPrenet};

/// A network that removes rain from images. Holds its weights on the device; forward() may run on several
/// threads at once.
class Network {
 public:
  virtual ~Network() = default;

  /// kSapnet or kPrenet.
  virtual std::string_view name() const = 0;

  /// rainy: (n, h, w, 3), RGB in [0, 1], fp32. Returns the derained images, of the same shape, not clamped:
  /// values may lie slightly outside [0, 1]. Throws Error for another number of channels or stages < 1, and
  /// before any work if the CPU does not have forward_bytes() available; on a GPU the allocation itself
  /// fails. While a Tape lives, gradients can flow back through it; the network must outlive the tape's
  /// backward().
  virtual engine::Tensor forward(const engine::Tensor& rainy, int stages) const = 0;

  /// Repacks the weights after the parameters have changed. Must not run during forward() or a backward pass.
  virtual void pack() = 0;

  /// Releases memory that forward() keeps to reuse for inputs of the same shape.
  virtual void release_cached_memory() const {}

  /// Approximate bytes that forward() allocates for an input of that shape, without a Tape and without the
  /// input.
  virtual std::size_t forward_bytes(const engine::Shape& rainy) const = 0;
  /// Approximate additional bytes that each stage keeps for the backward pass; a GPU, which defers wgrad,
  /// needs up to a sixth more.
  virtual std::size_t training_bytes_per_stage(const engine::Shape& rainy) const = 0;
};

/// Throws as forward() does.
void check_input(const Network& network, const engine::Tensor& rainy, int stages);

/// Ablations of SAPNet. Without attention its tensors are absent; without dilation all units have dilation 1,
/// which cannot be seen in a weight file.
struct SapnetOptions {
  bool attention = true, dilation = true;
};

/// Initial parameters for a new network, as PyTorch initialises a convolution: weights and bias uniform in
/// ±1/√n, n = kernel_h · kernel_w · input channels. The same seed gives the same bits. Throws Error for a
/// name that is not in kNetworks.
engine::Parameters init_parameters(std::string_view network, std::uint64_t seed,
                                   const SapnetOptions& options = {});

/// A network, identified by the tensor names in its weight file.
struct NetworkKind {
  std::string_view name;  // one of kNetworks
  bool attention = true;  // if it is a SAPNet
};

/// Throws Error if they belong to neither network.
NetworkKind identify_network(const engine::Parameters& parameters);

/// Builds the network that the tensor names identify: SAPNet, with or without attention, or PReNet. dilation:
/// whether a SAPNet's units are dilated. Throws Error with the first tensor that is missing, unexpected, or
/// of the wrong shape.
std::unique_ptr<Network> make_network(const engine::Parameters& parameters,
                                      const engine::Execution& execution, bool dilation = true);

/// The same on existing parameters, which may be trainable; the network shares them.
std::unique_ptr<Network> make_network(const engine::ParameterTensors& parameters,
                                      const engine::Execution& execution, bool dilation = true);

}  // namespace sapnet::model
