// The perceptual losses match PyTorch (tests/golden/make_losses.py), and so does a whole step with all
// losses.
#include "train/losses.h"

#include <array>
#include <filesystem>
#include <string>

#include "engine/parameter_tensors.h"
#include "engine/tape.h"
#include "model/network.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"
#include "tests/gpu/have_gpu.h"
#include "tests/model/seeded.h"
#include "tests/temp_folder.h"
#include "tests/train/step_by_step.h"
#include "tests/weights/files.h"
#include "train/trainer.h"
#include "weights/weight_file.h"

namespace sapnet::tests {
namespace {

namespace fs = std::filesystem;
using engine::Device;
using engine::Tensor;
using train::Losses;
using train::LossPart;
using train::LossTerm;
using train::TrainConfig;

const fs::path kSharedWeights = source_dir().parent_path() / "shared/weights";

/// Weight files with seeded weights.
class WeightFiles {
 public:
  explicit WeightFiles(std::size_t vgg_blocks = model::Vgg16::kTaps) {
    weights::write_safetensors(vgg(), seeded_vgg16(vgg_blocks), {});
    weights::write_safetensors(lpips(), seeded_lpips(), {});
  }
  fs::path vgg() const { return folder_ / "vgg.safetensors"; }
  fs::path lpips() const { return folder_ / "lpips.safetensors"; }

  /// All parts off, all weight files set.
  TrainConfig config() const {
    TrainConfig config;
    config.ssim_weight = 0;
    config.vgg_weights = vgg();
    config.lpips_weights = lpips();
    config.seed = kSegmentationSeed;
    return config;
  }

 private:
  TempFolder folder_;
};

/// The weight of a term in the loss, as Tape::Term has it.
Tensor weight_of(const LossTerm& term, double weight) {
  return engine::scalar(static_cast<float>(weight * term.factor), term.value.device());
}

struct Result {
  double value = 0;
  std::vector<float> gradient;
};

/// The unweighted sum of the parts and its gradient with respect to the derained images.
Result result_of(const Losses& losses, Device device) {
  const auto [clean, rainy, drawn] = seeded_images(2, 40, 36, device);
  Tensor derained = drawn;
  derained.track();
  engine::Tape tape;
  Result result;
  std::vector<engine::Tape::Term> terms;
  for (const LossTerm& term : losses.terms(0, {derained, clean, rainy})) {
    result.value += term.factor * static_cast<double>(engine::to_vector(term.value)[0]);
    terms.push_back({term.value, weight_of(term, 1)});
  }
  tape.backward(terms);
  result.gradient = to_vector(*derained.gradient());
  return result;
}

/// tolerance: relative error of the gradient; the value, a mean, is ten times closer.
void check_golden(const std::string& name, const Result& result, double tolerance) {
  INFO(name);
  const engine::Parameters goldens = read_golden("losses.safetensors", name + ".");
  CHECK(result.value == Approx(find(goldens, name + ".value").values[0]).epsilon(tolerance / 10));
  const std::vector<float>& expected = find(goldens, name + ".gradient").values;
  REQUIRE(norm(expected) > 0);
  const double off = distance(result.gradient, expected) / norm(expected);
  INFO("off by " << off);
  CHECK(off <= tolerance);
}

TEST_CASE("charbonnier is part of the loss, with its weight", "[losses][charbonnier]") {
  TrainConfig config;
  config.charbonnier_weight = 0.25;
  const Losses losses(config, {});
  CHECK(losses.weight(LossPart::kCharbonnier) == 0.25);
  const auto terms = losses.terms(0);
  REQUIRE(terms.size() == 2);
  CHECK(terms[0].factor == -1);
  CHECK(terms[1].part == LossPart::kCharbonnier);
  CHECK(terms[1].factor == 1);
  CHECK_FALSE(terms[1].value);
  config.ssim_weight = 0;
  const auto [clean, rainy, derained] = seeded_images(2, 10, 9, Device::kCpu);
  const auto result = result_of(Losses(config, {}), Device::kCpu);
  CHECK(result.value > 0);
  CHECK(Losses(config, {}).terms(0, {clean, clean, rainy}).size() == 1);
  CHECK(engine::to_vector(Losses(config, {}).terms(0, {clean, clean, rainy})[0].value)[0] == Approx(1e-3));
}

/// About twenty convolutions round, forward and backward, as tests/model/training_test.cpp derives for
/// SAPNet: √40 · 0.2 · √52 · kWinogradMean · ε = 1e-5. A ReLU or a maximum whose inputs are closer than that
/// may switch sides, which routes one value's gradient elsewhere. Of some hundred thousand values a few do,
/// each contributing a relative error of about 1/√10⁵.
constexpr double kTolerance = 3e-3;
/// The largest maps of one 16×16 image have 16,384 values, so each that switches contributes 1/√16384.
constexpr double kSmallTolerance = 2e-2;
/// Segmentation's weight there, so that its gradient is not negligible.
constexpr double kSmallWeight = 10;

void check_perceptual(Device device, const TrainConfig& base, const std::string& prefix) {
  TrainConfig config = base;
  config.contrast_weight = 1;
  check_golden(prefix + "contrast", result_of(Losses(config, {.device = device}), device), kTolerance);
  config.input_normalization = "none";
  config.contrast_scale = 4;
  check_golden(prefix + "contrast_none", result_of(Losses(config, {.device = device}), device), kTolerance);
  config.contrast_weight = 0;
  config.lpips_weight = 1;  // always normalised, whatever contrast does
  check_golden(prefix + "distance", result_of(Losses(config, {.device = device}), device), kTolerance);
}

TEST_CASE("contrast and LPIPS on VGG-16 match PyTorch", "[losses][golden][slow]") {
  const WeightFiles files;
  check_perceptual(Device::kCpu, files.config(), "");
}

TEST_CASE("contrast and LPIPS on VGG-16 match PyTorch (gpu)", "[losses][golden][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const WeightFiles files;
  check_perceptual(Device::kCuda, files.config(), "");
}

TEST_CASE("contrast and LPIPS with the trained weights, if present, match PyTorch", "[losses][golden]") {
  TrainConfig config = WeightFiles().config();
  config.vgg_weights = kSharedWeights / "vgg16_conv1_1_to_conv2_2.safetensors";
  config.lpips_weights = kSharedWeights / "lpips_vgg_linear_v0.1.pth";
  if (!fs::exists(config.vgg_weights) || !fs::exists(config.lpips_weights)) {
    WARN("skipped: no trained weights in " << kSharedWeights);
    return;
  }
  check_perceptual(Device::kCpu, config, "real_");
  config.contrast_weight = 1;
  CHECK(Losses(config, {}).describe().at(0) ==
        "contrast loss: VGG-16, 2 of 4 taps, to relu2_2, from " + config.vgg_weights.string());
}

void check_segmentation(Device device, int depth, const std::string& statistics) {
  TrainConfig config;
  config.ssim_weight = 0;
  config.segmentation_weight = 1;
  config.segmentation_depth = depth;
  config.segmentation_norm = statistics;
  config.seed = statistics == "batch" ? kBatchSegmentationSeed : kSegmentationSeed;
  check_golden("segmentation" + std::to_string(depth), result_of(Losses(config, {.device = device}), device),
               kTolerance);
}

TEST_CASE("segmentation with running statistics matches PyTorch", "[losses][golden][slow]") {
  check_segmentation(Device::kCpu, 101, "running");
}

TEST_CASE("segmentation with batch statistics matches PyTorch", "[losses][golden][not_tsan]") {
  check_segmentation(Device::kCpu, 18, "batch");
}

TEST_CASE("segmentation with batch statistics matches PyTorch (gpu)", "[losses][golden][gpu][not_tsan]") {
  if (have_gpu()) check_segmentation(Device::kCuda, 18, "batch");
}

void check_step(const std::string& name, Device device, std::int64_t n, int side, int stages, int depth,
                double segmentation_weight, double gradient_tolerance) {
  const WeightFiles files;
  TrainConfig config = files.config();
  config.ssim_weight = 1;
  config.contrast_weight = config.lpips_weight = 0.1;
  config.segmentation_weight = segmentation_weight;
  config.segmentation_depth = depth;
  const auto [clean, rainy, unused] = seeded_images(n, side, side, device);
  const engine::Execution execution = {.device = device};
  const Losses losses(config, execution);
  const engine::ParameterTensors parameters(without(read_golden("sapnet.safetensors", ""), "golden."), device,
                                            true);
  const auto network = model::make_network(parameters, execution);
  engine::Tape tape;
  const Tensor derained = network->forward(rainy, stages);
  std::vector<engine::Tape::Term> terms;
  train::LossParts parts;
  double loss = 0;
  for (const LossTerm& term : losses.terms(0, {derained, clean, rainy})) {
    const double value = term.factor * static_cast<double>(engine::to_vector(term.value)[0]);
    auto& part = parts[static_cast<std::size_t>(term.part)];
    part = part.value_or(0) + value;
    loss += losses.weight(term.part) * value;
    terms.push_back({term.value, weight_of(term, losses.weight(term.part))});
  }
  tape.backward(terms);

  const engine::Parameters goldens = read_golden("losses.safetensors", name + ".");
  CHECK(loss == Approx(find(goldens, name + ".loss").values[0]).epsilon(1e-4));
  for (std::size_t part = 0; part < 4; ++part) {  // those of the paper
    INFO(train::kLossPartNames[part]);
    CHECK(parts[part].value() == Approx(find(goldens, name + ".parts").values[part]).epsilon(1e-4));
  }
  check_gradient_summaries(parameters, goldens, name + ".summary.", gradient_tolerance);
}

TEST_CASE("a step with all four losses matches PyTorch", "[losses][golden][slow]") {
  check_step("step", Device::kCpu, 2, 64, 6, 101, 0.1, kTolerance);
}

TEST_CASE("a small step with all four losses matches PyTorch", "[losses][golden][not_tsan]") {
  check_step("small_step", Device::kCpu, 1, 16, 2, 18, kSmallWeight, kSmallTolerance);
}

TEST_CASE("a small step with all four losses matches PyTorch (gpu)", "[losses][golden][gpu][not_tsan]") {
  if (have_gpu()) check_step("small_step", Device::kCuda, 1, 16, 2, 18, kSmallWeight, kSmallTolerance);
}

// fp16 maps round by 2^-12, about a hundred times in the forward and backward passes, and a ReLU or maximum
// that switches sides reroutes a gradient. So there is no derived bound, but an error in type or scale would
// change everything. ResNet-50's bottlenecks add 1×1 convolutions to residuals, which ResNet-18 does not.
TEST_CASE("fp16 maps give about the losses and gradients of fp32", "[losses][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const WeightFiles files(2);
  TrainConfig config = files.config();
  config.ssim_weight = 1;
  config.contrast_weight = config.lpips_weight = config.segmentation_weight = config.charbonnier_weight = 1;
  config.segmentation_depth = 50;
  const auto [clean, rainy, drawn] = seeded_images(1, 24, 16, Device::kCuda);
  std::array<std::vector<double>, 2> values;
  std::array<std::array<std::vector<float>, train::kLossPartNames.size()>, 2> gradients;
  for (const engine::DType maps : {engine::DType::kFloat32, engine::DType::kFloat16}) {
    const std::size_t k = maps == engine::DType::kFloat16 ? 1 : 0;
    const Losses losses(config, {.device = Device::kCuda, .maps = maps});
    for (std::size_t part = 0; part < train::kLossPartNames.size(); ++part) {
      constexpr float kScale = 4096;
      Tensor derained = drawn;
      derained.track();
      engine::Tape tape;
      std::vector<engine::Tape::Term> terms;
      double value = 0;
      for (const LossTerm& term : losses.terms(0, {derained, clean, rainy})) {
        if (static_cast<std::size_t>(term.part) != part) continue;
        value += term.factor * static_cast<double>(engine::to_vector(term.value)[0]);
        terms.push_back({term.value, weight_of(term, kScale)});
      }
      tape.backward(terms);
      values[k].push_back(value);
      gradients[k][part] = to_vector(*derained.gradient());
      for (float& gradient : gradients[k][part]) gradient /= kScale;
    }
  }
  for (std::size_t part = 0; part < train::kLossPartNames.size(); ++part) {
    INFO(train::kLossPartNames[part]);
    CHECK(values[1][part] == Approx(values[0][part]).epsilon(0.01));
    const double off = distance(gradients[1][part], gradients[0][part]) / norm(gradients[0][part]);
    INFO("off by " << off);
    CHECK(off < 0.2);
  }
}

TEST_CASE("steps with all losses replay bit for bit, before and after segmentation starts",
          "[losses][trainer][gpu][not_tsan]") {
  if (!have_gpu()) return;
  const WeightFiles files(2);
  TrainConfig config = files.config();
  config.patch = 16;
  config.stages = 1;
  config.ssim_weight = config.contrast_weight = config.lpips_weight = config.segmentation_weight =
      config.charbonnier_weight = 1;
  config.segmentation_depth = 18;
  config.segmentation_norm = "batch";
  config.segmentation_from_epoch = 1;
  const engine::Execution execution = {.device = Device::kCuda, .maps = engine::DType::kFloat16};
  const train::TrainingState start = {.parameters = model::init_parameters("SAPNet", 1)};
  train::Trainer trainer(config, start, execution);
  StepByStep plain(config, start, execution);
  const auto [clean, rainy, unused] = seeded_images(1, 16, 16, Device::kCpu);
  for (int step = 0; step < 5; ++step) {
    INFO("step " << step);
    const std::int64_t epoch = step < 2 ? 0 : 1;
    const train::Batch batch = {.rainy = rainy, .clean = clean, .epoch = epoch, .step = step};
    const train::StepResult result = trainer.step(batch);
    check_same(result, plain.step(batch));
    CHECK(train::number_of_parts(result.parts) == (epoch == 0 ? 4 : 5));
    CHECK(trainer.recorded() == (step != 0 && step != 2));
  }
  check_same(trainer.state(), plain.state());
}

}  // namespace
}  // namespace sapnet::tests
