#include "train/checkpoint.h"

#include <fstream>
#include <set>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"
#include "tests/weights/files.h"
#include "train/history.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

TrainingState example(std::int64_t step) {
  TrainingState state{.step = step, .parameters = engine::Parameters("example")};
  state.parameters.add({"conv.weight", {2, 1, 1, 1}, {1, static_cast<float>(step)}});
  state.parameters.add({"conv.bias", {1}, {-0.0F}});
  state.first_moments = {0.1F, 0.2F, 0.3F};
  state.second_moments = {1e-30F, 2, 3};
  state.config = "{\"batch\": 3}";
  state.loss_scale = 0x1p20;
  state.good_steps = 77;
  return state;
}

TrainingState newest(const tests::TempFolder& folder, std::vector<std::string>* warnings = nullptr) {
  const auto state = read_checkpoint(folder / "", [&](const std::string& warning) {
    REQUIRE(warnings != nullptr);
    warnings->push_back(warning);
  });
  REQUIRE(state);
  return *state;
}

TEST_CASE("a checkpoint is read back completely", "[train][checkpoint]") {
  const tests::TempFolder folder;
  CHECK_FALSE(read_checkpoint(folder / "", {}));
  CHECK_FALSE(read_checkpoint(folder / "missing", {}));
  write_checkpoint(folder / "", example(7));
  const TrainingState state = newest(folder);
  CHECK(state.step == 7);
  CHECK(tests::identical(state.parameters, example(7).parameters));
  CHECK(state.first_moments == example(7).first_moments);
  CHECK(state.second_moments == example(7).second_moments);
  CHECK(state.config == example(7).config);
  CHECK(state.loss_scale == 0x1p20);
  CHECK(state.good_steps == 77);
  CHECK(state.ema.empty());
}

TEST_CASE("a checkpoint contains the EMA in addition to the parameters", "[train][checkpoint]") {
  const tests::TempFolder folder;
  TrainingState averaged = example(7);
  averaged.ema = {0.5F, -0.0F, 3};
  write_checkpoint(folder / "", averaged);
  CHECK(newest(folder).ema == averaged.ema);
  CHECK(tests::identical(newest(folder).parameters, averaged.parameters));
  averaged.ema.pop_back();
  averaged.step = 8;
  CHECK_THROWS_AS(write_checkpoint(folder / "", averaged), Error);
}

TEST_CASE("the two newest checkpoints are kept", "[train][checkpoint]") {
  const tests::TempFolder folder;
  std::ofstream(folder / "checkpoint-x.safetensors") << "someone else's";
  for (const std::int64_t step : {5, 99999999, 100000000}) write_checkpoint(folder / "", example(step));
  CHECK(newest(folder).step == 100000000);
  CHECK(folder.file_count() == 3);
  CHECK(fs::exists(folder / "checkpoint-99999999.safetensors"));
  write_checkpoint(folder / "", example(20));  // of a run that resumed before the others
  CHECK(newest(folder).step == 20);
  CHECK(folder.file_count() == 2);
}

TEST_CASE("every flipped bit in a checkpoint is detected", "[train][checkpoint]") {
  const tests::TempFolder folder;
  write_checkpoint(folder / "", example(1));
  write_checkpoint(folder / "", example(2));
  const fs::path file = folder / "checkpoint-00000002.safetensors";
  const std::string intact = tests::contents(file);
  for (std::size_t byte = 0; byte < intact.size(); ++byte) {
    std::string damaged = intact;
    damaged[byte] ^= 4;
    std::ofstream(file, std::ios::binary) << damaged;
    std::vector<std::string> warnings;
    const std::int64_t step = newest(folder, &warnings).step;
    // Two headers can differ but mean the same.
    if (step == 2) {
      CHECK(tests::identical(newest(folder).parameters, example(2).parameters));
    } else {
      REQUIRE(warnings.size() == 1);
      CHECK_THAT(warnings[0], Contains("checkpoint-00000002.safetensors: ") &&
                                  Contains("; resuming from the previous checkpoint"));
    }
  }
  for (std::size_t size = 0; size < intact.size(); ++size) {
    std::ofstream(file, std::ios::binary) << intact.substr(0, size);
    std::vector<std::string> warnings;
    CHECK(newest(folder, &warnings).step == 1);
  }
}

TEST_CASE("a history is read up to a step, malformed lines skipped", "[train][history]") {
  const tests::TempFolder folder;
  const fs::path file = folder / "metrics.csv";
  CHECK(read_history(file, 100).empty());
  write_history(
      file, {{.step = 0, .learning_rate = 1e-3, .validation_psnr = 21.5, .validation_ssim = 0.7},
             {.step = 20,
              .epoch = 1,
              .learning_rate = 1e-3,
              .loss = -0.5,
              .parts = {std::nullopt, 0.75},
              .psnr = 20,
              .gradient_norm = 1.25,
              .seconds = 3.5},
             {.step = 40, .epoch = 2, .learning_rate = 2e-4, .loss = -0.6, .psnr = 22, .gradient_norm = 1}});
  CHECK_THAT(
      tests::contents(file),
      Catch::StartsWith("step,epoch,learning_rate,loss,ssim_loss,contrast_loss,lpips_loss,segmentation_loss,"
                        "charbonnier_loss,psnr,gradient_norm,validation_psnr,validation_ssim,seconds\n"
                        "0,0,0.001,,,,,,,,,21.5,0.7,0\n20,1,0.001,-0.5,,0.75,,,,20,1.25,,,3.5\n"));
  std::ofstream(file, std::ios::app) << "half a li\n21,2,0.1\n,,,,,,,,,,,,,\n";
  const auto rows = read_history(file, 39);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].validation_psnr == 21.5);
  CHECK_FALSE(rows[0].loss);
  CHECK(rows[1].epoch == 1);
  CHECK(rows[1].loss == -0.5);
  CHECK(rows[1].parts == LossParts{std::nullopt, 0.75});
  CHECK(rows[1].seconds == 3.5);
  CHECK(read_history(file, 40).size() == 3);

  // Columns are found by name, so a file may have fewer.
  std::ofstream(file) << "step,seconds,loss\n20,3.5,-0.5\n";
  REQUIRE(read_history(file, 20).size() == 1);
  CHECK(read_history(file, 20)[0].seconds == 3.5);
  CHECK(read_history(file, 20)[0].loss == -0.5);

  // A former name of a column.
  std::ofstream(file) << "step,distance_loss,seconds\n20,0.25,3.5\n";
  REQUIRE(read_history(file, 20).size() == 1);
  CHECK(read_history(file, 20)[0].parts[static_cast<std::size_t>(LossPart::kLpips)] == 0.25);
}

TEST_CASE("a history keeps the scores of each folder", "[train][history][validation]") {
  const tests::TempFolder folder;
  const fs::path file = folder / "metrics.csv";
  write_history(file, {{.step = 0, .validation_psnr = 30, .validation_folders = {{"heavy", {29, 0.75}}}},
                       {.step = 20},
                       {.step = 40,
                        .validation_psnr = 32,
                        .validation_folders = {{"heavy", {29.5, 0.875}}, {"a/test", {36, 0.96}}}}});
  CHECK_THAT(tests::contents(file),
             Contains(",validation_ssim,validation_psnr:a/test,validation_ssim:a/test,validation_psnr:heavy,"
                      "validation_ssim:heavy,seconds\n") &&
                 Contains(",30,,,,29,0.75,0\n") && Contains(",32,,36,0.96,29.5,0.875,0\n"));
  const auto rows = read_history(file, 40);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].validation_folders.size() == 1);
  CHECK(rows[0].validation_folders.at("heavy").ssim == 0.75);
  CHECK(rows[1].validation_folders.empty());
  CHECK(rows[2].validation_folders.at("a/test").psnr == 36);
  CHECK(rows[2].validation_folders.at("heavy").psnr == 29.5);
}

}  // namespace
}  // namespace sapnet::train
