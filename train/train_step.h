// One training step on the device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/buffer.h"
#include "engine/ops/adam.h"
#include "engine/parameter_tensors.h"
#include "engine/tensor.h"
#include "model/network.h"
#include "train/config.h"
#include "train/data/loader.h"
#include "train/losses.h"

namespace sapnet::train {

/// Forward pass, loss, backward pass, Adam and packing, without a host synchronisation in between: the host
/// uploads the batch and a few scalars before, and downloads a few scalars after. On a GPU, the second step
/// of a kind captures the kernels in a CUDA graph, and later steps replay it.
class TrainStep {
 public:
  /// Keeps references to all arguments.
  TrainStep(const TrainConfig& config, const Losses& losses, engine::ParameterTensors& parameters,
            engine::Adam& adam, model::Network& network);

  struct Outcome {
    std::vector<LossTerm> terms;  // terms of the loss, without values
    std::vector<double> values;   // values of the terms
    double gradient_norm = 0;     // total norm of all gradients, times loss_scale
    double error_norm = 0;        // ‖D - G‖, D the derained and G the clean batch
  };

  /// Trains on the batch with the loss times `loss_scale`. If a value or the gradient norm is not finite,
  /// parameters and moments remain unchanged. The gradients remain in parameters.gradients() until the next
  /// step.
  Outcome run(const Batch& batch, double learning_rate, double loss_scale);

  /// Whether the current kind of step has been captured as a graph.
  bool recorded() const { return pool_.has_graph(); }
  /// Why capturing failed; empty if it succeeded or is still being tried.
  std::string graph_unavailable_reason() const {
    return recorded() || eager_runs_ <= kMaxCaptures ? "" : capture_error_;
  }

 private:
  /// Capturing fails if the pool lacks a block that the graph needs, because it allocates in a different
  /// order; an eager run then leaves the block in the pool, so the next attempt may succeed.
  static constexpr int kMaxCaptures = 3;

  void prepare(const Batch& batch);
  void work();
  void launch();

  const TrainConfig& config_;
  const Losses& losses_;
  engine::ParameterTensors& parameters_;
  engine::Adam& adam_;
  model::Network& network_;

  engine::PrivatePool pool_;  // memory of a step, reused by the next one, and its graph
  // What distinguishes kinds of steps, and the tensors that their graph reads and writes.
  std::vector<LossTerm> terms_;  // without values
  std::int64_t epoch_ = 0;
  int stages_ = 0;
  engine::Tensor rainy_, clean_;
  engine::Tensor inputs_;      // Adam's factors, then each term's factor in the loss
  engine::Tensor outputs_;     // gradient norm, values of the terms, error norm
  int eager_runs_ = 0;         // of this kind, since it last had a graph
  std::string capture_error_;  // of the last attempt
};

}  // namespace sapnet::train
