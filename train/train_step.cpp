#include "train/train_step.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"
#include "engine/ops/norm.h"
#include "engine/tape.h"
#include "train/schedule.h"

namespace sapnet::train {
namespace {

using engine::Tensor;

constexpr engine::Shape kScalar = {1, 1, 1, 1};

}  // namespace

TrainStep::TrainStep(const TrainConfig& config, const Losses& losses, engine::ParameterTensors& parameters,
                     engine::Adam& adam, model::Network& network)
    : config_(config),
      losses_(losses),
      parameters_(parameters),
      adam_(adam),
      network_(network),
      pool_(parameters.device()) {}

TrainStep::Outcome TrainStep::run(const Batch& batch, double learning_rate, double loss_scale) {
  const engine::PrivatePool::Scope scope(pool_);
  prepare(batch);
  copy(batch.rainy, rainy_);
  copy(batch.clean, clean_);
  const auto factors = adam_.factors(learning_rate, loss_scale, config_.gradient_clip);
  std::vector<float> inputs(factors.begin(), factors.end());
  for (const LossTerm& term : terms_)
    inputs.push_back(static_cast<float>(loss_scale * losses_.weight(term.part) * term.factor));
  copy(engine::from_host(inputs, inputs_.shape(), engine::Device::kCpu), inputs_);

  launch();
  const std::vector<float> outputs = to_vector(outputs_);
  return {.terms = terms_,
          .values = {outputs.begin() + 1, outputs.end() - 1},
          .gradient_norm = static_cast<double>(outputs.front()),
          .error_norm = static_cast<double>(outputs.back())};
}

/// Allocates inputs and outputs, and drops the graph, if this kind of step differs from the last.
void TrainStep::prepare(const Batch& batch) {
  std::vector<LossTerm> terms = losses_.terms(batch.epoch);
  const int stages = stages_in(config_, batch.epoch);
  epoch_ = batch.epoch;
  const bool same_terms = std::ranges::equal(terms, terms_, {}, &LossTerm::part, &LossTerm::part);
  if (rainy_ && rainy_.shape() == batch.rainy.shape() && same_terms && stages == stages_) return;
  pool_.drop_graph();
  eager_runs_ = 0;
  terms_ = std::move(terms);
  stages_ = stages;
  const engine::Device device = parameters_.device();
  rainy_ = Tensor(batch.rainy.shape(), device);
  clean_ = Tensor(batch.rainy.shape(), device);
  const auto count = static_cast<std::int64_t>(terms_.size());
  inputs_ = Tensor({1, 1, 1, engine::Adam::kFactors + count}, device);
  outputs_ = Tensor({1, 1, 1, 1 + count + 1}, device);
}

void TrainStep::launch() {
  if (parameters_.device() == engine::Device::kCpu) return work();
  if (!pool_.has_graph() && eager_runs_ > 0 && eager_runs_ <= kMaxCaptures) {
    try {
      pool_.capture([&] { work(); });
      eager_runs_ = 0;              // if memory runs out and the graph is dropped, it is captured again
    } catch (const Error& error) {  // if the work itself is at fault, it fails again below
      capture_error_ = error.what();
    }
  }
  if (pool_.has_graph()) return pool_.launch();
  ++eager_runs_;
  work();
}

/// Launches everything. Must not copy anything between host and device, since it is captured in a graph.
void TrainStep::work() {
  const auto count = static_cast<std::int64_t>(terms_.size());
  parameters_.zero_gradients();
  {
    engine::Tape tape;
    const Tensor derained = network_.forward(rainy_, stages_);
    std::vector<engine::Tape::Term> weighted;
    std::int64_t k = 0;
    for (const LossTerm& term : losses_.terms(epoch_, {derained, clean_, rainy_})) {
      Tensor value = outputs_.slice(1 + k, kScalar);
      copy(term.value, value);
      weighted.push_back({term.value, inputs_.slice(engine::Adam::kFactors + k, kScalar)});
      ++k;
    }
    norm(derained, clean_, outputs_.slice(1 + count, kScalar));
    tape.backward(weighted);
  }
  norm(parameters_.gradients(), {}, outputs_.slice(0, kScalar));
  adam_.update(parameters_, inputs_.slice(0, {1, 1, 1, engine::Adam::kFactors}),
               outputs_.slice(0, {1, 1, 1, 1 + count}));
  network_.pack();
}

}  // namespace sapnet::train
