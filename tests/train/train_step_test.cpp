#include "train/train_step.h"

#include <functional>
#include <memory>
#include <string>
#include <tuple>

#include "model/network.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"
#include "tests/train/small_training.h"

namespace sapnet::train {
namespace {

/// Does something that cannot be captured in its forward pass, from the second one on, a given number of
/// times.
class Disturbed final : public model::Network {
 public:
  Disturbed(std::unique_ptr<model::Network> network, std::function<void()> disturb, int times)
      : network_(std::move(network)), disturb_(std::move(disturb)), times_(times) {}

  std::string_view name() const override { return network_->name(); }
  engine::Tensor forward(const engine::Tensor& rainy, int stages) const override {
    ++forwards_;
    if (forwards_ > 1 && times_ > 0) {
      --times_;
      disturb_();
    }
    return network_->forward(rainy, stages);
  }
  void pack() override { network_->pack(); }
  std::size_t forward_bytes(const engine::Shape& rainy) const override {
    return network_->forward_bytes(rainy);
  }
  std::size_t training_bytes_per_stage(const engine::Shape& rainy) const override {
    return network_->training_bytes_per_stage(rainy);
  }

  int forwards() const { return forwards_; }

 private:
  std::unique_ptr<model::Network> network_;
  std::function<void()> disturb_;
  mutable int forwards_ = 0, times_;
};

/// Training steps of such a network.
class Steps {
 public:
  explicit Steps(std::function<void()> disturb = {}, int times = 0)
      : losses_(config_, kGpu),
        parameters_(tests::fresh().parameters, kGpu.device, true),
        adam_(parameters_),
        network_(model::make_network(parameters_, kGpu, config_.dilation), std::move(disturb), times),
        step_(config_, losses_, parameters_, adam_, network_) {}

  /// The parameters after one more step.
  std::vector<float> next() {
    step_.run(tests::batch(adam_.steps(), 0, {1, 16, 16, 3}), 1e-3, 1);
    adam_.count_step();
    return to_vector(parameters_.values());
  }

  const TrainStep& step() const { return step_; }
  int forwards() const { return network_.forwards(); }

 private:
  static constexpr engine::Execution kGpu = {.device = engine::Device::kCuda,
                                             .maps = engine::DType::kFloat16};

  static TrainConfig one_stage() {
    TrainConfig config = tests::small();
    config.stages = 1;
    return config;
  }

  TrainConfig config_ = one_stage();
  Losses losses_;
  engine::ParameterTensors parameters_;
  engine::Adam adam_;
  Disturbed network_;
  TrainStep step_;
};

TEST_CASE("a step that cannot be captured still runs, and reports why after a few attempts",
          "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  const engine::Tensor number = engine::scalar(1, engine::Device::kCuda);
  const auto [disturb, reason] = GENERATE_COPY(table<std::function<void()>, std::string>(
      {{[=] { to_vector(number); }, "not permitted"},
       {[] { engine::scalar(1, engine::Device::kCuda); }, "an upload cannot be captured in a graph"}}));
  INFO(reason);
  Steps steps(disturb, 1000), plain;
  for (int run = 0; run < 6; ++run) {
    INFO("run " << run);
    CHECK(steps.next() == plain.next());
    CHECK_FALSE(steps.step().recorded());
    CHECK(steps.step().graph_unavailable_reason().empty() == (run < 3));
  }
  CHECK(steps.step().graph_unavailable_reason().find(reason) != std::string::npos);
  CHECK(steps.forwards() == 6 + 3);  // capturing is not tried forever
  CHECK(plain.step().recorded());
  CHECK(plain.forwards() == 2);
}

TEST_CASE("a step that lacked memory at first is captured the next time", "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  const auto take = [] {
    engine::Tensor({1, 1, 1, 1 << 22}, engine::Device::kCuda);
  };  // no other is so large
  Steps steps(take, 1000), plain;
  for (int run = 0; run < 4; ++run) {
    INFO("run " << run);
    CHECK(steps.next() == plain.next());
    CHECK(steps.step().recorded() == (run > 1));
    CHECK(steps.step().graph_unavailable_reason().empty());
  }
}

TEST_CASE("a step whose graph was dropped for its memory is captured again",
          "[train][trainer][gpu][not_tsan]") {
  if (!tests::have_gpu()) return;
  Steps steps, plain;
  for (int run = 0; run < 5; ++run) {
    INFO("run " << run);
    if (run == 2) {
      CHECK(steps.step().recorded());
      CHECK_THROWS_WITH(engine::Tensor({1 << 20, 1 << 20, 1, 1}, engine::Device::kCuda),
                        "out of memory: requested 4194304 MiB");
    }
    CHECK(steps.next() == plain.next());
    CHECK(steps.step().recorded() == (run == 1 || run > 2));
  }
  CHECK(steps.forwards() == 4);
}

}  // namespace
}  // namespace sapnet::train
