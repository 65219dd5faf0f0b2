#include "train/device_step.h"

#include "engine/error.h"
#include "engine/ops/norm.h"
#include "engine/tape.h"
#include "train/schedule.h"

namespace sapnet::train {
namespace {

using engine::Tensor;

constexpr engine::Shape kNumber = {1, 1, 1, 1};

}  // namespace

DeviceStep::DeviceStep(const TrainConfig& config, const Losses& losses, engine::ParameterTensors& parameters,
                       engine::Adam& adam, model::Network& network)
    : config_(config),
      losses_(losses),
      parameters_(parameters),
      adam_(adam),
      network_(network),
      pool_(parameters.device()) {}

DeviceStep::Outcome DeviceStep::run(const Batch& batch, double learning_rate, double loss_scale) {
  const engine::PrivatePool::Scope scope(pool_);
  prepare(batch);
  copy(batch.rainy, rainy_);
  copy(batch.clean, clean_);
  const auto factors = adam_.factors(learning_rate, loss_scale, config_.gradient_clip);
  std::vector<float> inputs(factors.begin(), factors.end());
  for (const Losses::Summand& summand : summands_)
    inputs.push_back(static_cast<float>(loss_scale * losses_.weight(summand.part) * summand.factor));
  copy(engine::from_host(inputs, inputs_.shape(), engine::Device::kCpu), inputs_);

  launch();
  const std::vector<float> outputs = to_vector(outputs_);
  return {.values = {outputs.begin() + 1, outputs.end() - 1},
          .gradient_norm = static_cast<double>(outputs.front()),
          .distance = static_cast<double>(outputs.back())};
}

/// Makes room for another kind of step.
void DeviceStep::prepare(const Batch& batch) {
  std::vector<Losses::Summand> summands = losses_.summands(batch.epoch);
  const int stages = stages_in(config_, batch.epoch);
  epoch_ = batch.epoch;
  if (rainy_ && rainy_.shape() == batch.rainy.shape() && summands == summands_ && stages == stages_) return;
  graph_ = nullptr;
  runs_ = 0;
  summands_ = std::move(summands);
  stages_ = stages;
  const engine::Device device = parameters_.device();
  rainy_ = Tensor(batch.rainy.shape(), device);
  clean_ = Tensor(batch.rainy.shape(), device);
  const auto count = static_cast<std::int64_t>(summands_.size());
  inputs_ = Tensor({1, 1, 1, engine::Adam::kFactors + count}, device);
  outputs_ = Tensor({1, 1, 1, 1 + count + 1}, device);
}

void DeviceStep::launch() {
  const int run = runs_++;
  if (parameters_.device() == engine::Device::kCpu || run == 0) return work();
  if (!graph_ && run <= kMostTries) {
    try {
      graph_ = std::make_unique<engine::cuda::Graph>([&] { work(); });
    } catch (const Error& error) {  // if it is a fault of the work itself, it comes again below
      obstacle_ = error.what();
    }
  }
  if (graph_)
    graph_->launch();
  else
    work();
}

/// Queues it all. Nothing here may ask the device for a number, nor tell it one.
void DeviceStep::work() {
  const auto count = static_cast<std::int64_t>(summands_.size());
  parameters_.zero_gradients();
  {
    engine::Tape tape;
    const Tensor derained = network_.forward(rainy_, stages_);
    std::vector<engine::Tape::Term> weighed;
    std::int64_t k = 0;
    for (const Losses::Term& term : losses_.terms(derained, clean_, rainy_, epoch_)) {
      Tensor value = outputs_.slice(1 + k, kNumber);
      copy(term.value, value);
      weighed.push_back({term.value, inputs_.slice(engine::Adam::kFactors + k, kNumber)});
      ++k;
    }
    norm(derained, clean_, outputs_.slice(1 + count, kNumber));
    tape.backward(weighed);
  }
  norm(parameters_.gradients(), {}, outputs_.slice(0, kNumber));
  adam_.update(parameters_, inputs_.slice(0, {1, 1, 1, engine::Adam::kFactors}),
               outputs_.slice(0, {1, 1, 1, 1 + count}));
  network_.pack();
}

}  // namespace sapnet::train
