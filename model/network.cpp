#include "model/network.h"

#include <string>

#include "engine/error.h"
#include "model/layer_reader.h"
#include "model/prenet.h"
#include "model/sapnet.h"

namespace sapnet::model {

void check_input(const engine::Tensor& rainy, int stages) {
  if (!rainy || rainy.shape().c != 3)
    throw Error("a network derains tensors of shape (n, h, w, 3), not " + engine::to_string(rainy.shape()));
  if (stages < 1) throw Error("the number of stages must be at least 1, not " + std::to_string(stages));
}

std::unique_ptr<Network> make_network(const engine::Parameters& parameters, const NetworkOptions& options) {
  // A unit's second convolution follows an attention and a ReLU in SAPNet, only a ReLU in PReNet.
  if (parameters.contains("res_conv1.3.weight"))
    return std::make_unique<Sapnet>(LayerReader(parameters, options));
  if (parameters.contains("res_conv1.2.weight"))
    return std::make_unique<Prenet>(LayerReader(parameters, options));
  throw Error(
      parameters.source() +
      ": is not a SAPNet or PReNet (it has neither tensor 'res_conv1.3.weight' nor 'res_conv1.2.weight')");
}

}  // namespace sapnet::model
