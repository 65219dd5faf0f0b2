// sapnet-train with an average of the weights, other schedules and several folders to validate with, run as a
// user runs it, on tiny images.
#include <algorithm>
#include <sstream>
#include <string>

#include "tests/apps/train_workshop.h"
#include "tests/catch.h"
#include "train/history.h"
#include "weights/weight_file.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;

// Six steps an epoch. The run is resumed in a stage that came in after the start, and its rate and the decay
// of the average are others than at first.
TEST_CASE("sapnet-train resumes an average, a cosine, a warm-up and growing stages to the bit", "[train]") {
  const TrainWorkshop workshop;
  const std::string settings =
      "--config tiny.json --set ema_decay=0.99 schedule=cosine final_learning_rate=1e-5 warmup_steps=5 "
      "'stage_epochs=[2]' charbonnier_weight=0.5 ";
  REQUIRE(workshop.train(settings + "--out run").exit_code == 0);
  const std::string whole = workshop.weights("run");
  const auto metadata = weights::read_metadata(workshop / "run/weights.safetensors");
  CHECK(metadata.at("ema") == "0.99");
  CHECK(metadata.at("stages") == "2");
  const auto rows = train::read_history(workshop / "run/metrics.csv", 24);
  const auto rate_of = [&](std::int64_t step) {
    return std::ranges::find(rows, step, &train::HistoryRow::step)->learning_rate;
  };
  CHECK(rate_of(0) == Approx(2e-4));
  CHECK(rate_of(5) > rate_of(10));
  CHECK(rate_of(24) < 2e-5);

  // The checkpoint holds the parameters too, and they are not what validation and others get.
  const auto average = weights::read_weights(workshop / "run/weights.safetensors"),
             saved = weights::read_weights(workshop / "run/checkpoint-00000024.safetensors");
  const engine::Parameter& first = average.all().front();
  CHECK(saved.get(first.name, first.shape).values != first.values);
  const std::string best = text_of(workshop / "run/best.safetensors");
  CHECK(best == whole);  // of the last step, and averaged too

  fs::remove(workshop / "run/checkpoint-00000024.safetensors");
  fs::remove(workshop / "run/weights.safetensors");
  const auto resumed = workshop.train("--resume --out run");
  CHECK_THAT(resumed.err, Contains("going on after step 20"));
  CHECK(workshop.weights("run") == whole);
  CHECK(text_of(workshop / "run/best.safetensors") == best);

  // Without an average the parameters are the same.
  REQUIRE(workshop.train(settings + "ema_decay=0 --out plain").exit_code == 0);
  const auto plain = weights::read_weights(workshop / "plain/weights.safetensors");
  CHECK(plain.get(first.name, first.shape).values == saved.get(first.name, first.shape).values);
  CHECK_FALSE(weights::read_metadata(workshop / "plain/weights.safetensors").contains("ema"));
}

TEST_CASE("sapnet-train validates with the stages that it trains", "[train]") {
  const TrainWorkshop workshop;
  REQUIRE(workshop.train("--config tiny.json --set epochs=1 'stage_epochs=[1]' --out one").exit_code == 0);
  CHECK(weights::trained_with(workshop / "one/weights.safetensors", "stages") == "1");
  REQUIRE(workshop.train("--config tiny.json --set epochs=1 stages=1 --out same").exit_code == 0);
  CHECK(workshop.weights("one") == workshop.weights("same"));
  const auto score = [&](const std::string& run) {
    return *train::read_history(workshop / (run + "/metrics.csv"), 6).back().validation_psnr;
  };
  CHECK(score("one") == score("same"));
  CHECK_THAT(workshop.train("--config tiny.json --set 'stage_epochs=[1,2]' --out run").err,
             Contains("stage_epochs must name fewer epochs than stages, 2, not 2"));
}

TEST_CASE("sapnet-train starts from the weights that the settings name", "[train]") {
  const TrainWorkshop workshop;
  fs::create_directory(workshop / "settings");
  fs::copy_file(kWeights, workshop / "settings/start.safetensors");
  std::string settings = text_of(workshop / "tiny.json");
  settings.insert(settings.find('{') + 1, R"("initial_weights": "start.safetensors", "learning_rate": 0, )");
  settings.replace(settings.find("\"in\""), 4, "\"../in\"");
  settings.erase(settings.find("\"learning_rate\": 1e-3, "), 23);
  write_text(workshop / "settings/fine.json", settings);
  REQUIRE(workshop.train("--config settings/fine.json --set epochs=1 --out run").exit_code == 0);
  const auto same = [&](const fs::path& a, const fs::path& b) {
    const auto first = weights::read_weights(a), second = weights::read_weights(b);
    return std::ranges::all_of(first.all(), [&](const engine::Parameter& parameter) {
      return second.get(parameter.name, parameter.shape).values == parameter.values;
    });
  };
  CHECK(same(kWeights, workshop / "run/weights.safetensors"));

  REQUIRE(workshop.train("--config tiny.json --set epochs=1 --out other").exit_code == 0);
  REQUIRE(
      workshop
          .train("--config settings/fine.json --set epochs=1 --weights other/weights.safetensors --out over")
          .exit_code == 0);
  CHECK(same(workshop / "other/weights.safetensors", workshop / "over/weights.safetensors"));

  fs::remove(workshop / "settings/start.safetensors");
  CHECK(workshop.train("--resume --set epochs=2 --out run").exit_code == 0);
  CHECK_THAT(workshop.train("--config settings/fine.json --out new").err,
             Contains("settings/start.safetensors"));
}

TEST_CASE("sapnet-train tells how it does on each folder that it validates with", "[train][validation]") {
  const TrainWorkshop workshop;
  fs::create_directory(workshop / "more");
  for (const char* name : {"more/c.png", "more/d.png", "more/e.png"}) write_streaks(workshop / name, 34, 30);
  const auto outcome =
      workshop.train("--config tiny.json --set epochs=1 validation_pictures=3 --val in more --out run");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.err, Contains("validating on 3 of 5 pictures"));
  CHECK_THAT(outcome.err,
             Catch::Matches("(.|\n)*step 6, validation [0-9.]+ dB \\(in [0-9.]+, more [0-9.]+\\), "
                            "SSIM (.|\n)*"));
  const auto rows = train::read_history(workshop / "run/metrics.csv", 6);
  const train::HistoryRow& last = rows.back();
  REQUIRE(last.validation_folders.size() == 2);
  const auto &in = last.validation_folders.at("in"), &more = last.validation_folders.at("more");
  CHECK(*last.validation_psnr == Approx((*in.psnr + *more.psnr) / 2).epsilon(1e-5));
  CHECK(*last.validation_ssim == Approx((*in.ssim + *more.ssim) / 2).epsilon(1e-5));
  CHECK(*in.psnr != *more.psnr);
  const std::string page = text_of(workshop / "run/report.html");
  CHECK_THAT(page, Contains("<h2>PSNR, validation by folder</h2>") &&
                       Contains("<h2>SSIM, validation by folder</h2>") && Contains("\">more</span>") &&
                       Contains("mean of 2 folders"));

  const auto alone = workshop.train("--config tiny.json --set epochs=1 --out alone");
  CHECK_THAT(alone.err, Contains(" dB, SSIM "));
  CHECK_THAT(text_of(workshop / "alone/metrics.csv"), !Contains("validation_psnr:"));
  CHECK_THAT(text_of(workshop / "alone/report.html"), !Contains("by folder"));
}

}  // namespace
}  // namespace sapnet::apps
