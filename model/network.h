// What a program needs to know of a deraining network.
#pragma once

#include <memory>
#include <string_view>

#include "engine/execution.h"
#include "engine/parameters.h"
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
  virtual engine::Tensor forward(const engine::Tensor& rainy, int stages) const = 0;
};

/// Throws Error unless rainy is (n, h, w, 3) and stages at least 1.
void check_input(const engine::Tensor& rainy, int stages);

/// Builds the network whose weights these are, told from the tensors' names: SAPNet or PReNet.
/// Throws Error naming the first tensor that is missing, extra, or of the wrong shape.
std::unique_ptr<Network> make_network(const engine::Parameters& parameters,
                                      const engine::Execution& execution);

}  // namespace sapnet::model
