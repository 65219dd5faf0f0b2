// What a step of training does on a device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/cuda.h"
#include "engine/ops/adam.h"
#include "engine/parameter_tensors.h"
#include "engine/tensor.h"
#include "model/network.h"
#include "train/config.h"
#include "train/loader.h"
#include "train/losses.h"

namespace sapnet::train {

/// Forward, loss, the way back, Adam and packing as one piece of work: the host hands over the batch and a
/// few numbers before it, and reads a few after it, which is the only time that it waits. On a GPU the second
/// step of a kind records the kernels as a graph, and those after it replay that.
class DeviceStep {
 public:
  /// All are referred to.
  DeviceStep(const TrainConfig& config, const Losses& losses, engine::ParameterTensors& parameters,
             engine::Adam& adam, model::Network& network);

  struct Outcome {
    std::vector<double> values;  // of the loss's summands
    double gradient_norm = 0;    // of all gradients, times the loss's scale
    double distance = 0;         // of the derained batch from the clean one
  };

  /// Learns from the batch, by the loss times `loss_scale`; unless a value or the norm is not finite, for
  /// then parameters and moments stay as they are. The gradients, in parameters.gradients(), stay until the
  /// next step.
  Outcome run(const Batch& batch, double learning_rate, double loss_scale);

  /// Whether steps like the last are replayed.
  bool recorded() const { return graph_ != nullptr; }
  /// Why they cannot be; empty until it is known.
  std::string why_not_recorded() const { return recorded() || runs_ <= kMostTries ? "" : obstacle_; }

 private:
  /// Times that recording is tried: it fails while the pool lacks memory that the work takes in another order
  /// than before, and running leaves that there.
  static constexpr int kMostTries = 3;

  void prepare(const Batch& batch);
  void work();
  void launch();

  const TrainConfig& config_;
  const Losses& losses_;
  engine::ParameterTensors& parameters_;
  engine::Adam& adam_;
  model::Network& network_;

  engine::PrivatePool pool_;  // a step's memory, kept for the next
  // What a kind of step has: the order of the work follows from them, and the graph reads and writes here.
  std::vector<Losses::Summand> summands_;
  std::int64_t epoch_ = 0;
  int stages_ = 0;
  engine::Tensor rainy_, clean_;
  engine::Tensor inputs_;   // Adam's factors, and what each summand counts
  engine::Tensor outputs_;  // the norm, the summands' values, the distance
  int runs_ = 0;            // of this kind
  std::unique_ptr<engine::cuda::Graph> graph_;
  std::string obstacle_;  // when it was last tried
};

}  // namespace sapnet::train
