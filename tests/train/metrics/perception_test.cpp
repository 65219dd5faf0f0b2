// Weight files of the frozen networks: which parts may be missing, and the error messages. losses_test.cpp
// tests the results.
#include "train/metrics/perception.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "engine/error.h"
#include "model/network.h"
#include "model/resnet.h"
#include "tests/catch.h"
#include "tests/model/seeded.h"
#include "tests/source_dir.h"
#include "tests/temp_folder.h"
#include "tests/weights/files.h"
#include "train/losses.h"
#include "weights/weight_file.h"

namespace sapnet::tests {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

fs::path written(const TempFolder& folder, const engine::Parameters& parameters) {
  const fs::path file = folder / "weights.safetensors";
  weights::write_safetensors(file, parameters, {});
  return file;
}

/// A copy without the tensors whose names start with `without`, plus one named `extra` if that is not empty.
engine::Parameters changed(const engine::Parameters& all, const std::string& without,
                           const std::string& extra = "") {
  engine::Parameters kept(all.source());
  for (const engine::Parameter& parameter : all.all())
    if (without.empty() || !parameter.name.starts_with(without)) kept.add(parameter);
  if (!extra.empty()) kept.add({extra, {1}, {0.0F}});
  return kept;
}

TEST_CASE("a VGG-16 file may end after any block, but not within one", "[perception][not_tsan]") {
  const TempFolder folder;
  const engine::Parameters two = seeded_vgg16(2);
  CHECK(train::covered_taps(train::read_vgg16(written(folder, two), {})) == "2 of 5 taps, to relu2_2");
  CHECK(train::covered_taps(train::read_vgg16(written(folder, seeded_vgg16(5)), {})) == "all 5 taps");
  // The classifier's tensors are ignored.
  CHECK(train::read_vgg16(written(folder, changed(two, "", "classifier.0.weight")), {}).taps() == 2);

  const fs::path cut = written(folder, changed(two, "features.7"));
  CHECK_THROWS_WITH(train::read_vgg16(cut, {}),
                    cut.string() + ": tensor 'features.7.weight' is missing; expected the weights of VGG-16");
  const fs::path longer = written(
      folder, changed(two, "", "features.8.weight"));  // such as VGG-19, or VGG-16 with batch normalisation
  CHECK_THROWS_WITH(
      train::read_vgg16(longer, {}),
      longer.string() +
          ": tensor 'features.8.weight' is not part of this network; expected the weights of VGG-16");
  const engine::Tensor image = engine::zeros({1, 8, 8, 3}, engine::Device::kCpu);
  CHECK_THROWS_WITH(train::read_vgg16(written(folder, two), {}).features(image, 3),
                    "the VGG-16 weights cover 2 taps, not 3");
}

TEST_CASE("missing, damaged and mismatched files are reported in one sentence", "[perception][not_tsan]") {
  const TempFolder folder;
  const fs::path sapnet = source_dir() / "weights/sapnet.safetensors";
  const std::pair<std::string, void (*)(const fs::path&)> readers[] = {
      {"expected the weights of VGG-16", [](const fs::path& file) { train::read_vgg16(file, {}); }},
      {"expected the linear weights of LPIPS on VGG-16",
       [](const fs::path& file) { train::read_lpips(file, engine::Device::kCpu); }},
      {"expected the weights of ResNet-18", [](const fs::path& file) {
         train::make_segmentation(18, file, model::NormStatistics::kRunning, 1, {});
       }}};
  for (const auto& [belongs, read] : readers) {
    INFO(belongs);
    CHECK_THROWS_WITH(read(folder / "none.pth"),
                      StartsWith((folder / "none.pth").string() + ": cannot be opened"));
    CHECK_THROWS_WITH(read(sapnet),
                      StartsWith(sapnet.string() + ": tensor '") && Contains("' is missing; " + belongs));
    std::ofstream(folder / "cut.safetensors", std::ios::binary)
        << std::ifstream(sapnet, std::ios::binary).rdbuf();
    fs::resize_file(folder / "cut.safetensors", 100000);
    CHECK_THROWS_WITH(read(folder / "cut.safetensors"),
                      StartsWith((folder / "cut.safetensors").string() + ": "));
    std::ofstream(folder / "text.pth") << "not weights";
    CHECK_THROWS_WITH(
        read(folder / "text.pth"),
        (folder / "text.pth").string() + ": is not a weight file (neither safetensors nor PyTorch)");
  }

  const engine::Parameters lpips = seeded_lpips();
  engine::Parameters negative("LPIPS");
  for (engine::Parameter parameter : lpips.all()) {
    if (parameter.name == "lin3.model.1.weight") parameter.values[7] = -0.1F;
    negative.add(parameter);
  }
  CHECK_THROWS_WITH(train::read_lpips(written(folder, negative), engine::Device::kCpu),
                    Contains("tensor 'lin3.model.1.weight' has a negative value"));
}

TEST_CASE("a backbone file may contain a classifier, and its statistics are checked",
          "[perception][not_tsan]") {
  const TempFolder folder;
  const engine::Parameters drawn = model::init_resnet(18, 1);
  const auto read = [&](const engine::Parameters& parameters, int depth = 18) {
    return train::make_segmentation(depth, written(folder, parameters), model::NormStatistics::kRunning, 1,
                                    {});
  };
  CHECK_NOTHROW(read(changed(changed(drawn, "", "fc.weight"), "", "bn1.num_batches_tracked")));
  CHECK_THROWS_WITH(read(drawn, 50), Contains("; expected the weights of ResNet-50"));
  CHECK_THROWS_WITH(read(changed(drawn, "layer4.1.bn2.running_var")),
                    Contains("tensor 'layer4.1.bn2.running_var' is missing"));
  engine::Parameters broken("ResNet");
  for (engine::Parameter parameter : drawn.all()) {
    if (parameter.name == "layer2.0.bn1.running_var") parameter.values[3] = -1;
    if (parameter.name == "layer3.0.conv1.weight")
      parameter.values[3] = std::numeric_limits<float>::infinity();
    broken.add(parameter);
  }
  CHECK_THROWS_WITH(read(broken), Contains("tensor 'layer2.0.bn1.running_var' has a negative value"));
}

TEST_CASE("LPIPS is 0 for equal images and grows with their difference", "[perception][not_tsan]") {
  const TempFolder folder;
  const fs::path vgg = folder / "vgg.safetensors", linear = folder / "linear.safetensors";
  weights::write_safetensors(vgg, seeded_vgg16(3), {});
  weights::write_safetensors(linear, seeded_lpips(), {});
  const train::LpipsMetric lpips(vgg, linear, engine::Device::kCpu);
  const auto images = seeded_images(1, 12, 9, engine::Device::kCpu);
  const auto values = [](const engine::Tensor& image) { return to_vector(image); };
  const auto distance = [&](const engine::Tensor& a, const engine::Tensor& b) {
    return lpips(values(a), values(b), 9, 12);
  };
  CHECK(distance(images.clean, images.clean) <
        1e-20);  // not exactly 0 if the compiler fuses a product and a difference
  const double near = distance(images.derained, images.clean), far = distance(images.rainy, images.clean);
  CHECK(near > 0);
  CHECK(far > 2 * near);
  CHECK(distance(images.clean, images.rainy) == Approx(far).epsilon(1e-5));
}

TEST_CASE("losses report missing settings and too small patches", "[losses][perception][not_tsan]") {
  train::TrainConfig config;
  config.ssim_weight = 0;
  const auto losses = [&] { return train::Losses(config, {}); };
  CHECK_THROWS_WITH(losses(), StartsWith("all loss weights are 0"));
  config.segmentation_weight = 1;
  config.segmentation_from_epoch = 51;
  CHECK_THROWS_WITH(losses(), StartsWith("segmentation is the only loss and starts at a later epoch"));
  config.segmentation_weight = 0;
  config.contrast_weight = 1;
  CHECK_THROWS_WITH(losses(),
                    Contains("the setting vgg_weights is empty") && EndsWith("--set vgg_weights=FILE"));
  const TempFolder folder, whole;
  config.vgg_weights = written(folder, seeded_vgg16(2));
  config.patch = 1;
  CHECK_THROWS_WITH(losses(),
                    Contains("patches of 1 pixels are too small") && EndsWith("--set patch=2 or more"));
  config.patch = 2;
  CHECK(losses().describe() ==
        std::vector{"contrast loss: VGG-16, 2 of 4 taps, to relu2_2, from " + config.vgg_weights.string()});
  config.lpips_weight = 1;
  CHECK_THROWS_WITH(losses(), Contains("the setting lpips_weights is empty"));
  config.vgg_weights = written(whole, seeded_vgg16(5));
  config.patch = 8;  // enough for contrast but not for lpips
  CHECK_THROWS_WITH(losses(), EndsWith("--set patch=16 or more"));
  config.patch = 16;
  config.lpips_weights = config.vgg_weights;
  CHECK_THROWS_WITH(losses(),
                    Contains("; expected the linear weights of LPIPS on VGG-16 (setting lpips_weights;"));
}

TEST_CASE("segmentation starts at its epoch", "[losses]") {
  train::TrainConfig config;
  config.segmentation_weight = 0.1;
  config.segmentation_depth = 18;
  config.segmentation_from_epoch = 51;
  const train::Losses losses(config, {});
  const auto images = seeded_images(1, 16, 16, engine::Device::kCpu);
  const auto parts = [&](std::int64_t epoch) {
    return losses.terms(epoch, {images.derained, images.clean, images.rainy}).size();
  };
  CHECK(parts(50) == 1);
  CHECK(parts(51) == 2);
  CHECK_THAT(losses.describe().at(0), StartsWith("segmentation loss: ResNet-18, randomly initialised") &&
                                          EndsWith("from epoch 52 on"));
}

}  // namespace
}  // namespace sapnet::tests
