// Tests of sapnet-train with EMA, other schedules and several validation folders, run as a program on small
// images.
#include <algorithm>
#include <sstream>
#include <string>

#include "tests/apps/train/training_folder.h"
#include "tests/catch.h"
#include "train/history.h"
#include "weights/weight_file.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;

// Six steps per epoch. The run is resumed after a stage was added, with another learning rate and EMA decay
// than at the start.
TEST_CASE("sapnet-train resumes EMA, cosine schedule, warm-up and growing stages bit for bit", "[train]") {
  const TrainingFolder temp;
  const std::string settings =
      "--config tiny.json --set ema_decay=0.99 schedule=cosine final_learning_rate=1e-5 warmup_steps=5 "
      "'stage_epochs=[2]' charbonnier_weight=0.5 ";
  REQUIRE(temp.train(settings + "--out run").exit_code == 0);
  const std::string whole = temp.weights("run");
  const auto metadata = weights::read_metadata(temp / "run/weights.safetensors");
  CHECK(metadata.at("ema") == "0.99");
  CHECK(metadata.at("stages") == "2");
  const auto rows = train::read_history(temp / "run/metrics.csv", 24);
  const auto rate_of = [&](std::int64_t step) {
    return std::ranges::find(rows, step, &train::HistoryRow::step)->learning_rate;
  };
  CHECK(rate_of(0) == Approx(2e-4));
  CHECK(rate_of(5) > rate_of(10));
  CHECK(rate_of(24) < 2e-5);

  // The checkpoint also contains the parameters, which differ from the averaged weights.
  const auto average = weights::read_weights(temp / "run/weights.safetensors"),
             saved = weights::read_weights(temp / "run/checkpoint-00000024.safetensors");
  const engine::Parameter& first = average.all().front();
  CHECK(saved.get(first.name, first.shape).values != first.values);
  const std::string best = text_of(temp / "run/best.safetensors");
  CHECK(best == whole);  // of the last step, and averaged too

  fs::remove(temp / "run/checkpoint-00000024.safetensors");
  fs::remove(temp / "run/weights.safetensors");
  const auto resumed = temp.train("--resume --out run");
  CHECK_THAT(resumed.err, Contains("resuming after step 20"));
  CHECK(temp.weights("run") == whole);
  CHECK(text_of(temp / "run/best.safetensors") == best);

  // Without an average the parameters are the same.
  REQUIRE(temp.train(settings + "ema_decay=0 --out plain").exit_code == 0);
  const auto plain = weights::read_weights(temp / "plain/weights.safetensors");
  CHECK(plain.get(first.name, first.shape).values == saved.get(first.name, first.shape).values);
  CHECK_FALSE(weights::read_metadata(temp / "plain/weights.safetensors").contains("ema"));
}

TEST_CASE("sapnet-train validates with the stages that it trains", "[train]") {
  const TrainingFolder temp;
  REQUIRE(temp.train("--config tiny.json --set epochs=1 'stage_epochs=[1]' --out one").exit_code == 0);
  CHECK(weights::read_metadata_entry(temp / "one/weights.safetensors", "stages") == "1");
  REQUIRE(temp.train("--config tiny.json --set epochs=1 stages=1 --out same").exit_code == 0);
  CHECK(temp.weights("one") == temp.weights("same"));
  const auto score = [&](const std::string& run) {
    return *train::read_history(temp / (run + "/metrics.csv"), 6).back().validation_psnr;
  };
  CHECK(score("one") == score("same"));
  CHECK_THAT(temp.train("--config tiny.json --set 'stage_epochs=[1,2]' --out run").err,
             Contains("stage_epochs must have fewer entries than there are stages (2), not 2"));
}

TEST_CASE("sapnet-train starts from the weights in the settings", "[train]") {
  const TrainingFolder temp;
  fs::create_directory(temp / "settings");
  fs::copy_file(kWeights, temp / "settings/start.safetensors");
  std::string settings = text_of(temp / "tiny.json");
  settings.insert(settings.find('{') + 1, R"("initial_weights": "start.safetensors", "learning_rate": 0, )");
  settings.replace(settings.find("\"in\""), 4, "\"../in\"");
  settings.erase(settings.find("\"learning_rate\": 1e-3, "), 23);
  write_text(temp / "settings/fine.json", settings);
  REQUIRE(temp.train("--config settings/fine.json --set epochs=1 --out run").exit_code == 0);
  const auto same = [&](const fs::path& a, const fs::path& b) {
    const auto first = weights::read_weights(a), second = weights::read_weights(b);
    return std::ranges::all_of(first.all(), [&](const engine::Parameter& parameter) {
      return second.get(parameter.name, parameter.shape).values == parameter.values;
    });
  };
  CHECK(same(kWeights, temp / "run/weights.safetensors"));

  REQUIRE(temp.train("--config tiny.json --set epochs=1 --out other").exit_code == 0);
  REQUIRE(
      temp.train("--config settings/fine.json --set epochs=1 --weights other/weights.safetensors --out over")
          .exit_code == 0);
  CHECK(same(temp / "other/weights.safetensors", temp / "over/weights.safetensors"));

  fs::remove(temp / "settings/start.safetensors");
  CHECK(temp.train("--resume --set epochs=2 --out run").exit_code == 0);
  CHECK_THAT(temp.train("--config settings/fine.json --out new").err, Contains("settings/start.safetensors"));
}

TEST_CASE("sapnet-train reports the scores of each validation folder", "[train][validation]") {
  const TrainingFolder temp;
  fs::create_directory(temp / "more");
  for (const char* name : {"more/c.png", "more/d.png", "more/e.png"}) write_streaks(temp / name, 34, 30);
  const auto outcome =
      temp.train("--config tiny.json --set epochs=1 validation_images=3 --val in more --out run");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.err, Contains("validating on 3 of 5 images"));
  CHECK_THAT(outcome.err,
             Catch::Matches("(.|\n)*step 6, validation [0-9.]+ dB \\(in [0-9.]+, more [0-9.]+\\), "
                            "SSIM (.|\n)*"));
  const auto rows = train::read_history(temp / "run/metrics.csv", 6);
  const train::HistoryRow& last = rows.back();
  REQUIRE(last.validation_folders.size() == 2);
  const auto &in = last.validation_folders.at("in"), &more = last.validation_folders.at("more");
  CHECK(*last.validation_psnr == Approx((*in.psnr + *more.psnr) / 2).epsilon(1e-5));
  CHECK(*last.validation_ssim == Approx((*in.ssim + *more.ssim) / 2).epsilon(1e-5));
  CHECK(*in.psnr != *more.psnr);
  const std::string page = text_of(temp / "run/report.html");
  CHECK_THAT(page, Contains("<h2>Validation PSNR by folder</h2>") &&
                       Contains("<h2>Validation SSIM by folder</h2>") && Contains("\">more</span>") &&
                       Contains("mean of 2 folders"));

  const auto alone = temp.train("--config tiny.json --set epochs=1 --out alone");
  CHECK_THAT(alone.err, Contains(" dB, SSIM "));
  CHECK_THAT(text_of(temp / "alone/metrics.csv"), !Contains("validation_psnr:"));
  CHECK_THAT(text_of(temp / "alone/report.html"), !Contains("by folder"));
}

}  // namespace
}  // namespace sapnet::apps
