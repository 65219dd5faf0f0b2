// Tests of sapnet-train with perceptual losses, run as a program on small images.
#include <algorithm>
#include <string>

#include "tests/apps/train/training_folder.h"
#include "tests/catch.h"
#include "tests/model/seeded.h"
#include "train/history.h"
#include "weights/weight_file.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;

TEST_CASE("sapnet-train reports the parts of the loss and removes parts of the network", "[train][slow]") {
  const TrainingFolder temp;
  weights::write_safetensors(temp / "vgg.safetensors", tests::seeded_vgg16(2), {});
  weights::write_safetensors(temp / "lpips.safetensors", tests::seeded_lpips(), {});
  const std::string settings =
      "--config tiny.json --set epochs=2 contrast_weight=0.1 lpips_weight=0.1 segmentation_weight=0.1 "
      "charbonnier_weight=0.5 "
      "segmentation_depth=18 segmentation_from_epoch=1 vgg_weights=vgg.safetensors "
      "lpips_weights=lpips.safetensors ";
  const auto outcome = temp.train(settings + "--out run");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.err, Contains("contrast loss: VGG-16, 2 of 4 taps, to relu2_2, from ") &&
                              Contains("lpips loss: VGG-16, 2 of 5 taps, to relu2_2, from ") &&
                              Contains("segmentation loss: ResNet-18, randomly initialised") &&
                              Contains("(ssim -") && Contains(", contrast ") && Contains(", lpips "));
  const auto rows = train::read_history(temp / "run/metrics.csv", 12);
  const auto row_of = [&](std::int64_t step) {
    return *std::ranges::find(rows, step, &train::HistoryRow::step);
  };
  CHECK(train::number_of_parts(row_of(4).parts) == 4);
  CHECK(train::number_of_parts(row_of(12).parts) == 5);
  const auto& parts = row_of(4).parts;
  CHECK(*row_of(4).loss == Approx(*parts[0] + 0.1 * (*parts[1] + *parts[2]) + 0.5 * *parts[4]).epsilon(1e-4));
  const std::string page = text_of(temp / "run/report.html");
  for (const char* part : {"ssim", "contrast", "lpips", "segmentation", "charbonnier"})
    CHECK_THAT(page, Contains("<h2>" + std::string(part) + " loss</h2>"));

  // The same bits with the weights of the file, which a resumed run reads again.
  REQUIRE(temp.train("--resume --set epochs=3 --out run").exit_code == 0);
  REQUIRE(temp.train(settings + "--set epochs=3 --out whole").exit_code == 0);
  CHECK(temp.weights("run") == temp.weights("whole"));

  const auto plain =
      temp.train("--config tiny.json --set epochs=1 attention=false dilation=false --out plain");
  CHECK(plain.exit_code == 0);
  CHECK_THAT(plain.err, Contains("SAPNet without attention and dilation on "));
  const auto derain = [&](const std::string& more) {
    CHECK(
        temp.shell("$INFER in/a.png -o out.png " + more + " --weights plain/weights.safetensors").exit_code ==
        0);
    return text_of(temp / "out.png");
  };
  const std::string undilated = derain("");
  const auto asked = [&](const std::string& more) {
    return temp.train("--config tiny.json --out other " + more).err;
  };
  CHECK_THAT(asked("--weights plain/weights.safetensors"),
             Contains("plain/weights.safetensors was trained without attention, but the settings ask for a "
                      "network with it; use --set attention=false"));
  CHECK_THAT(asked("--weights plain/weights.safetensors --set attention=false"),
             Contains(" was trained without dilation, but ") && Contains("; use --set dilation=false"));
  CHECK_THAT(temp.train("--resume --out plain --set dilation=true").err,
             Contains(" was trained without dilation"));
  CHECK_THAT(asked("--set network=PReNet dilation=false"),
             Contains("only SAPNet has attention and dilation; a PReNet"));
  CHECK_FALSE(fs::exists(temp / "other"));
  // Without this metadata, the network is dilated.
  weights::write_safetensors(temp / "plain/weights.safetensors",
                             weights::read_weights(temp / "plain/weights.safetensors"), {{"stages", "2"}});
  CHECK(derain("") != undilated);

  const auto compared = temp.train("--compare run plain --out curves.html");
  CHECK(compared.exit_code == 0);
  CHECK_THAT(text_of(temp / "curves.html"), Contains("<th>run</th>") && Contains(">plain<") &&
                                                Contains("class=\"second\"") &&
                                                Contains("<h2>lpips loss</h2>"));
  CHECK_THAT(
      temp.train("--compare run nothing --out curves.html").err,
      Contains("sapnet-train: error: nothing: is not a training run (there is no nothing/metrics.csv)"));
  CHECK(temp.train("--compare run --resume --out curves.html").exit_code == 2);
  write_text(temp / "in/metrics.csv", "<!doctype html>\n<p>\n");
  CHECK_THAT(temp.train("--compare run in --out curves.html").err, Contains("in/metrics.csv: has no rows"));
  CHECK_THAT(temp.train("--compare run plain --out notes.txt").err,
             Contains("--out notes.txt must end in .html"));
  CHECK_THAT(temp.train("--compare run plain").err,
             Contains("no output page; specify one with --out PAGE.html"));
  CHECK_THAT(temp.train("--compare run plain --out run/report.html").err,
             Contains("--out run/report.html is inside a compared run"));
}

}  // namespace
}  // namespace sapnet::apps
