#include "train/config.h"

#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/source_dir.h"
#include "train/schedule.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

TrainConfig parse(const std::string& text) {
  TrainConfig config;
  apply_config(config, text, "c.json", "/data");
  return config;
}

TEST_CASE("written settings are read back", "[train][config]") {
  const TrainConfig config = parse(R"({
    "network": "PReNet", "stages": 3, "data": {"rain": 1, "/photos": 2.5}, "validation_data": {"../test": 1},
    "validation_images": 7, "patch": 64, "stride": 32, "patches_per_image": 5, "flips": true,
    "weakest_rain": 0.1, "strongest_rain": 0.9, "batch": 3, "epochs": 11, "learning_rate": 0.002,
    "learning_rate_factor": 0.5, "learning_rate_epochs": [4, 9], "gradient_clip": 1.5, "log_every": 6,
    "schedule": "cosine", "final_learning_rate": 1e-6, "warmup_steps": 100, "stage_epochs": [1, 2],
    "ema_decay": 0.999, "charbonnier_weight": 0.25, "initial_weights": "start.safetensors",
    "validate_every": 8, "checkpoint_every": 9, "seed": 18446744073709551615})");
  CHECK(config.network == "PReNet");
  CHECK(config.data ==
        std::vector<std::pair<std::filesystem::path, double>>{{"/data/rain", 1}, {"/photos", 2.5}});
  CHECK(config.validation_data.front().first == "/test");
  CHECK(config.learning_rate_epochs == std::vector{4, 9});
  CHECK(config.flips);
  CHECK(config.schedule == "cosine");
  CHECK(config.final_learning_rate == 1e-6);
  CHECK(config.warmup_steps == 100);
  CHECK(config.stage_epochs == std::vector{1, 2});
  CHECK(config.ema_decay == 0.999);
  CHECK(config.charbonnier_weight == 0.25);
  CHECK(config.initial_weights == "/data/start.safetensors");
  CHECK(config.seed == std::numeric_limits<std::uint64_t>::max());
  const TrainConfig again = parse(to_json(config));
  CHECK(to_json(again) == to_json(config));
  CHECK(again.data == config.data);
  CHECK(again.seed == config.seed);
  CHECK(to_json(config) != to_json(TrainConfig()));
}

TEST_CASE("the included settings match the paper and the published code", "[train][config]") {
  const auto folder = tests::source_dir() / "train/configs";
  const TrainConfig paper = read_config(folder / "paper.json");
  CHECK(paper.batch == 12);
  CHECK(paper.patch == 100);
  CHECK(paper.stride == 80);
  CHECK(paper.epochs == 100);
  CHECK(paper.learning_rate == 1e-4);
  CHECK(paper.learning_rate_epochs == std::vector{30, 50, 80});
  CHECK(paper.ssim_weight == 1);
  for (const double weight : {paper.contrast_weight, paper.lpips_weight, paper.segmentation_weight})
    CHECK(weight == 0.1);
  CHECK(paper.contrast_taps == std::vector{0.03125, 0.0625, 0.125, 0.25});
  CHECK(paper.vgg_weights == tests::source_dir() / "weights/vgg16-397923af.pth");

  const TrainConfig published = read_config(folder / "published-code.json");
  CHECK(published.learning_rate == 1e-3);
  CHECK(published.contrast_scale == 4);
  CHECK(published.input_normalization == "none");
  CHECK(published.segmentation_norm == "batch");
  CHECK(published.segmentation_from_epoch == 51);
  CHECK(published.lpips_weight == 0);

  const TrainConfig ssim = read_config(folder / "ssim.json");
  for (const double weight : {ssim.contrast_weight, ssim.lpips_weight, ssim.segmentation_weight})
    CHECK(weight == 0);
  for (const auto& [data, weight] : read_config(folder / "quick.json").data)
    CHECK(std::filesystem::is_directory(data));
}

TEST_CASE("each step of the ablation adds one thing", "[train][config]") {
  const auto folder = tests::source_dir() / "train/configs/ablation";
  for (int k = 1; k <= 6; ++k) {
    CAPTURE(k);
    const TrainConfig config = read_config(folder / ("M" + std::to_string(k) + ".json"));
    CHECK(config.attention);
    CHECK((config.segmentation_weight > 0) == (k >= 2));
    CHECK((config.contrast_weight > 0) == (k >= 3));
    CHECK(config.dilation == (k >= 4));
    CHECK((learning_rate(config, {.epoch = 99}) < config.learning_rate) == (k >= 5));
    CHECK((config.lpips_weight > 0) == (k >= 6));
  }
  CHECK(to_json(read_config(folder / "M6.json")) ==
        to_json(read_config(tests::source_dir() / "train/configs/paper.json")));
}

TEST_CASE("unknown settings and values out of range are reported by name", "[train][config]") {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "c.json: must be an object of settings"},
      {"{\"batch\": 1.5}", "c.json: batch must be a whole number from 1 to 4096, not 1.5"},
      {"{\"batch\": \"12\"}", "c.json: batch must be a whole number from 1 to 4096, not \"12\""},
      {"{\"batch\": 5000}", "not 5000"},
      {"{\"learning_rate\": -1}", "learning_rate must be a number of at least 0, not -1"},
      {"{\"learning_rate\": 1e999}", "c.json: is not valid JSON"},
      {"{\"learning_rate_epochs\": 30}", "learning_rate_epochs must be a list such as [30, 50, 80], not 30"},
      {"{\"learning_rate_epochs\": [30, -1]}", "learning_rate_epochs must be a whole number from 0"},
      {"{\"flips\": 1}", "flips must be true or false, not 1"},
      {"{\"data\": [\"photos\"]}", "data must be folders with weights, such as {\"photos\": 1}"},
      {"{\"data\": {\"photos\": 0}}", "data must be a weight above 0 for each folder"},
      {"{\"weakest_rain\": 0.8, \"strongest_rain\": 0.5}", "weakest_rain, 0.8, is above strongest_rain, 0.5"},
      {"{\"ema_decay\": 1}", "c.json: ema_decay must be a number of at least 0 and less than 1, not 1"},
      {"{\"ema_decay\": -0.1}", "ema_decay must be a number of at least 0 and less than 1, not -0.1"},
      {"{\"schedule\": \"linear\"}", "schedule must be multi_step or cosine, not \"linear\""},
      {"{\"final_learning_rate\": -1}", "final_learning_rate must be a number of at least 0, not -1"},
      {"{\"warmup_steps\": 0.5}", "warmup_steps must be a whole number from 0"},
      {"{\"stage_epochs\": [-1]}", "stage_epochs must be a whole number from 0"},
      {"{\"stages\": 2, \"stage_epochs\": [3, 5]}",
       "c.json: stage_epochs must have fewer entries than there are stages (2), not 2"},
      {"{\"charbonnier_weight\": -1}", "charbonnier_weight must be a number of at least 0, not -1"},
      {"{\"initial_weights\": 1}", "initial_weights must be a file name, not 1"},
      {"{\"network\": 3}", "network must be SAPNet or PReNet, not 3"},
      {"{\"segmentation_depth\": 34}", "segmentation_depth must be 18 or 50 or 101, not 34"},
      {"{\"segmentation_norm\": \"group\"}", "segmentation_norm must be running or batch, not \"group\""},
      {"{\"vgg_weights\": 16}", "vgg_weights must be a file name, not 16"},
      {"{\"contrast_taps\": [1, 2]}", "c.json: contrast_taps must be four numbers"}};
  for (const auto& [text, sentence] : cases) {
    CAPTURE(text);
    CHECK_THROWS_WITH(parse(text), Contains(sentence));
  }
}

TEST_CASE("a setting is changed by its name", "[train][config]") {
  TrainConfig config;
  apply_settings(config, {"network=PReNet", "learning_rate_epochs=[1,2]", "flips=true", "strongest_rain=0.1",
                          "weakest_rain=0.05"});
  CHECK(config.network == "PReNet");
  CHECK(config.learning_rate_epochs == std::vector{1, 2});
  CHECK(config.flips);
  CHECK(config.strongest_rain == 0.1);
  CHECK_THROWS_WITH(apply_settings(config, {"rate=1"}), Contains("--set rate=1: unknown setting 'rate'"));
  CHECK_THROWS_WITH(apply_settings(config, {"weakest_rain=0.5"}),
                    Contains("--set: weakest_rain, 0.5, is above"));
}

TEST_CASE("former names of settings are still read, and written by their new names", "[train][config]") {
  const TrainConfig config =
      parse(R"({"distance_weight": 0.5, "validation_pictures": 7, "patches_per_picture": 5})");
  CHECK(config.lpips_weight == 0.5);
  CHECK(config.validation_images == 7);
  CHECK(config.patches_per_image == 5);
  CHECK_THAT(to_json(config),
             Contains("\"lpips_weight\": 0.5") && !Contains("distance") && !Contains("picture"));
  TrainConfig changed;
  apply_settings(changed, {"validation_pictures=2"});
  CHECK(changed.validation_images == 2);
  CHECK_THROWS_WITH(parse(R"({"validation_pictures": 0})"),
                    Contains("c.json: validation_pictures must be a whole number from 1"));
}

TEST_CASE("docs/training.md lists every setting", "[train][config]") {
  std::ifstream file(tests::source_dir() / "docs/training.md");
  std::set<std::string> documented, settings;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string names = line.substr(1, line.find('|', 1) - 1);  // the first column
    if (names.find('.') != std::string::npos || names.find('/') != std::string::npos) continue;  // a file
    for (std::size_t open = names.find('`'); open != std::string::npos;) {
      const std::size_t close = names.find('`', open + 1);
      documented.insert(names.substr(open + 1, close - open - 1));
      open = names.find('`', close + 1);
    }
  }
  std::istringstream json(to_json(TrainConfig()));
  for (std::string line; std::getline(json, line);)
    if (line.starts_with("  \"")) settings.insert(line.substr(3, line.find('"', 3) - 3));
  CHECK(settings.size() > 30);
  CHECK(documented == settings);
}

}  // namespace
}  // namespace sapnet::train
