// sapnet-rain: adds synthetic rain to clean images.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/batch.h"
#include "apps/common/command_line.h"
#include "apps/common/output_folder.h"
#include "apps/common/plan.h"
#include "apps/common/program.h"
#include "apps/rain/rain_table.h"
#include "train/image/image.h"
#include "train/rain/rain.h"

namespace sapnet::apps {
namespace {

constexpr const char* kName = "sapnet-rain";
constexpr const char* kFooter = R"(
Examples:
  sapnet-rain photos/ -o rainy/ --strength 0.5 --seed 1
  sapnet-rain photos/ -o rainy/ --style additive --strength 0.8
  sapnet-rain --measure pairs/ --style additive

Styles: soft, tapered streaks and mist, for any photo; additive, grey light added and clipped, as in the Rain100L
and Rain100H datasets; photo, thin translucent streaks as captured by a camera, with haze, noise, defocus and JPEG
compression.
--measure prints statistics of the rain in folders of pairs, next to those of synthetic rain on the same clean images.

Outputs keep the names of the inputs and are RGB .png files without transparency. The first image uses
seed N, the next one N + 1, and so on. The same images in the same order get the same rain on every machine.
Exit code: 0 on success; 1 if an image failed (the others are still processed); 2 if the command line is wrong
(nothing is done).)";

int run(int argc, char** argv) {
  FileOptions files;
  files.format = "png";
  train::RainOptions rain;
  std::string style(train::kRainStyles.front());
  std::vector<std::filesystem::path> measured;
  CommandLine app("Adds synthetic rain to clean images.", kName);
  app.set_help({"[options] INPUT... -o OUT", "--measure PAIRS... [options]"}, kFooter);
  app.set_version_flag("--version", "sapnet-rain " SAPNET_VERSION);
  app.add_option("INPUT", files.inputs, "Images (PNG, JPEG, BMP) or folders of images")->type_name("");
  app.add_option("-o,--output", files.output, "Output folder, or a .png file if there is one INPUT")
      ->type_name("OUT");
  app.add_option("--style", style, "Rain style (default soft)")
      ->check(one_of({train::kRainStyles.begin(), train::kRainStyles.end()}));
  app.add_option("--strength", rain.strength,
                 "Rain strength: 0 none, 0.2 a light shower, 1 a downpour (default 0.5)")
      ->check(number(0, 1));
  app.add_option("--seed", rain.seed, "Random seed (default 1)")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  app.add_option("--measure", measured, "Compare the rain in folders of pairs with synthetic rain")
      ->type_name("PAIRS");
  if (!app.parse(argc, argv)) return 0;
  rain.style = static_cast<train::RainStyle>(std::ranges::find(train::kRainStyles, style) -
                                             train::kRainStyles.begin());
  if (!measured.empty()) {
    if (!files.inputs.empty() || !files.output.empty())
      throw UsageError("--measure writes no images; remove INPUT and --output");
    std::optional<float> strength;
    if (app.count("--strength") > 0) strength = rain.strength;
    print_rain_table(measured, rain, strength);
    return 0;
  }
  require_input_and_output(files);

  const Plan plan = plan_images(files);
  OutputFolder folder(plan);
  Batch batch(kName, plan, folder);
  for (const ImageTask& task : plan.tasks) {
    const std::string error = failure(task, [&] {
      const train::Image rainy = train::draw_rain(train::read_image(task.input), rain).rainy;
      train::write_image(task.output, train::to_bytes(rainy.rgb, train::Rounding::kNearest), rainy.width,
                         rainy.height, 3, 100);
    });
    ++rain.seed;  // even after a broken image, so that the others do not depend on it
    const auto lock = batch.lock();
    batch.done(task, error);
  }
  return batch.finish();
}

}  // namespace
}  // namespace sapnet::apps

int main(int argc, char** argv) {
  return sapnet::apps::run_program("sapnet-rain", argv, [&] { return sapnet::apps::run(argc, argv); });
}
