// What a program needs to know of a deraining network.
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

/// A network that takes rain out of an image. Holds its weights ready for the device; forward() may run
/// on several threads at once.
class Network {
 public:
  virtual ~Network() = default;

  /// "SAPNet" or "PReNet".
  virtual std::string_view name() const = 0;

  /// rainy: (n, h, w, 3), RGB in [0, 1], fp32. Returns the derained images, the same shape, not clamped:
  /// values may lie a little outside [0, 1]. Throws Error for another number of channels or stages < 1.
  /// Also, before any work, when the CPU has not the forward_bytes() that it takes; a GPU refuses by itself.
  /// While a Tape lives, it can go back through this, and goes on needing the network.
  virtual engine::Tensor forward(const engine::Tensor& rainy, int stages) const = 0;

  /// Takes up parameters that have changed. Not while forward() runs or a Tape has still to go back.
  virtual void pack() = 0;

  /// Lets go of memory that forward() keeps for inputs that come again.
  virtual void release_cached_memory() const {}

  /// About how many bytes forward() takes for an input of that shape without a Tape, the input apart.
  virtual std::size_t forward_bytes(const engine::Shape& rainy) const = 0;
  /// And what a stage keeps besides for a Tape's way back; a GPU, which gathers wgrad, ends it with a sixth
  /// more.
  virtual std::size_t training_bytes_per_stage(const engine::Shape& rainy) const = 0;
};

/// Throws what forward() throws.
void check_input(const Network& network, const engine::Tensor& rainy, int stages);

/// The bytes of what the published networks hold at their peak, while a unit's second convolution runs:
/// hidden and cell state, the unit's middle and its input or output, and the images of the stage before.
std::size_t recurrent_forward_bytes(const engine::Shape& rainy, std::int64_t channels, engine::DType maps);

/// The networks that can be trained from the beginning, by name().
inline constexpr std::array<std::string_view, 2> kNetworks = {"SAPNet", "PReNet"};

/// What an ablation takes away from a SAPNet: its attention, which then has no tensors, and the dilation of
/// its units, which all become 1 and look the same in a file.
struct SapnetOptions {
  bool attention = true, dilation = true;
};

/// Parameters for a new network, drawn as PyTorch draws those of a convolution: its weights and its bias
/// evenly from ±1/√n, n the number of its inputs, kernel_h · kernel_w · channels. The same seed gives the
/// same bits. Throws Error for a name that is not among kNetworks.
engine::Parameters init_parameters(std::string_view network, std::uint64_t seed,
                                   const SapnetOptions& options = {});

/// The bytes of what a stage of the published networks keeps: of the head its output, of the cell four gates
/// and both states, and of each of five units its middle, what the residual is added to, and its output.
std::size_t recurrent_training_bytes_per_stage(const engine::Shape& rainy, std::int64_t channels,
                                               engine::DType maps);

/// Whose weights these are, told from the tensors' names.
struct NetworkKind {
  std::string_view name;  // one of kNetworks
  bool attention = true;  // of a SAPNet
};

/// Throws Error when they are of neither network.
NetworkKind identify_network(const engine::Parameters& parameters);

/// Builds the network whose weights these are, told from the tensors' names: SAPNet, with attention or
/// without, or PReNet. dilation: that of a SAPNet's units. Throws Error naming the first tensor that is
/// missing, extra, or of the wrong shape.
std::unique_ptr<Network> make_network(const engine::Parameters& parameters,
                                      const engine::Execution& execution, bool dilation = true);

/// The same on parameters that are there already and may be trained; the network shares them.
std::unique_ptr<Network> make_network(const engine::ParameterTensors& parameters,
                                      const engine::Execution& execution, bool dilation = true);

}  // namespace sapnet::model
