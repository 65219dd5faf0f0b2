// sapnet-rain: draws rain onto clean pictures.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>

#include "apps/options.h"
#include "apps/plan.h"
#include "apps/program.h"
#include "engine/error.h"
#include "train/image.h"
#include "train/rain.h"

namespace sapnet::apps {
namespace {

constexpr const char* kName = "sapnet-rain";
constexpr const char* kFooter = R"(
Example:
  sapnet-rain photos/ -o rainy/ --strength 0.5 --seed 1

A picture keeps its name and becomes an RGB .png without transparency. The first picture gets the rain of seed
N, the next that of N + 1, and so on; the same pictures in the same order get the same rain on every machine.
Exit code: 0 when all went well, 1 when a picture failed (the rest are done), 2 for a wrong command line.)";

int run(int argc, char** argv) {
  InferOptions files;  // what plan_pictures needs to know
  files.format = "png";
  float strength = 0.5F;
  std::uint64_t seed = 1;
  CLI::App app("Draws synthetic rain onto clean pictures.", kName);
  app.footer(kFooter);
  app.set_version_flag("--version", "sapnet-rain " SAPNET_VERSION);
  app.add_option("INPUT", files.inputs, "Pictures (PNG, JPEG, BMP) and folders of them")->required();
  app.add_option("-o,--output", files.output, "Folder for the rainy pictures, or a .png file for one INPUT")
      ->required();
  app.add_option("--strength", strength, "0 none, 0.2 a light shower, 1 a downpour (default 0.5)");
  app.add_option("--seed", seed, "Chooses the rain (default 1)")
      ->check([](const std::string& text) {  // which would wrap around
        return std::string(text.starts_with('-') ? "must not be negative" : "");
      });
  if (!parse_command_line(app, argc, argv)) return 0;
  if (!(strength >= 0 && strength <= 1)) throw UsageError("--strength: lies between 0 and 1");

  bool failed = false;
  for (const PictureTask& task : plan_pictures(files)) {
    try {
      const train::Image rainy = train::add_rain(train::read_image(task.input), strength, seed);
      train::write_image(task.output, train::to_bytes(rainy.rgb, train::Rounding::kNearest), rainy.width,
                         rainy.height, 3, 100);
    } catch (const std::bad_alloc&) {
      std::fprintf(stderr, "%s: error: %s: not enough memory\n", kName, task.input.c_str());
      failed = true;
    } catch (const Error& error) {
      std::fprintf(stderr, "%s: error: %s\n", kName, error.what());
      failed = true;
    }
    ++seed;  // also past a broken picture, whose neighbours' rain must not depend on it
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace sapnet::apps

int main(int argc, char** argv) {
  return sapnet::apps::run_program("sapnet-rain", argv, [&] { return sapnet::apps::run(argc, argv); });
}
