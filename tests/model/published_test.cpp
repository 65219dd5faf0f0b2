// The published weights score as in PyTorch (tests/golden/make_yardstick.py).
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/tensor.h"
#include "model/network.h"
#include "tests/catch.h"
#include "tests/source_dir.h"
#include "train/image/image.h"
#include "train/metrics/metrics.h"
#include "weights/weight_file.h"

namespace sapnet::tests {
namespace {

namespace fs = std::filesystem;

const fs::path kShared = source_dir() / "../shared";

nlohmann::json yardstick() {
  std::ifstream file(source_dir() / "tests/golden/yardstick.json");
  return nlohmann::json::parse(file);
}

std::vector<float> derain(const model::Network& network, const train::Image& rainy) {
  const engine::Shape shape{1, rainy.height, rainy.width, 3};
  std::vector<float> values(rainy.rgb.size());
  engine::to_host(network.forward(engine::from_host(rainy.rgb, shape, engine::Device::kCpu), model::kStages),
                  values);
  return values;
}

// Two images per set; tests/golden/compare_scores.py covers all.
TEST_CASE("published weights score as in PyTorch", "[network][slow]") {
  const nlohmann::json expectations = yardstick();  // items() refers to it
  for (const auto& [weights, sets] : expectations.items()) {
    if (weights == "torch") continue;
    if (!fs::exists(kShared / "weights" / weights)) {
      WARN("skipped: " << weights << " is not there");
      continue;
    }
    const auto network = model::make_network(weights::read_weights(kShared / "weights" / weights), {});
    for (const auto& [set, images] : sets.items()) {
      const fs::path folder = kShared / "data" / set;
      if (!fs::exists(folder)) {
        WARN("skipped: " << set << " is not there");
        continue;
      }
      REQUIRE(images.size() > 9);
      for (const std::size_t index : {0U, 9U}) {
        const auto image = std::next(images.begin(), static_cast<std::ptrdiff_t>(index));
        INFO(weights << " on " << set << "/" << image.key());
        const train::Image rainy = train::read_image(folder / "rain" / image.key());
        const train::Image clean = train::read_image(folder / "clean" / image.key());
        const std::vector<float> derained = derain(*network, rainy);
        for (const auto& [name, rounding] :
             {std::pair{"truncate", train::Rounding::kTruncate}, {"nearest", train::Rounding::kNearest}}) {
          INFO(name);
          const train::Scores ours =
              train::score(train::to_bytes(derained, rounding),
                           train::to_bytes(clean.rgb, train::Rounding::kNearest), rainy.width, rainy.height);
          const auto& expected = image.value().at(name);
          CHECK(ours.psnr_rgb == Approx(expected.at("psnr").get<double>()).epsilon(0).margin(0.005));
          CHECK(ours.ssim_rgb == Approx(expected.at("ssim").get<double>()).epsilon(0).margin(0.0005));
        }
      }
    }
  }
}

}  // namespace
}  // namespace sapnet::tests
