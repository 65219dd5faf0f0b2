// Tests of sapnet-rain, run as a program on small images.

#include <cstdio>
#include <string>

#include "tests/apps/program_folder.h"
#include "tests/catch.h"
#include "train/rain/rain.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("sapnet-rain has --help and --version", "[rain]") {
  const ProgramFolder temp;
  const auto help = temp.shell("$RAIN --help");
  CHECK(help.exit_code == 0);
  for (const char* part : {"--output", "--style soft|additive|photo", "--measure", "--strength X", "--seed N",
                           "--version", "Examples:"})
    CHECK_THAT(help.out, Contains(part));
  CHECK_THAT(help.out, Contains("Usage: sapnet-rain [options] INPUT... -o OUT\n") && !Contains("REQUIRED") &&
                           !Contains("UINT") && !Contains("TEXT"));
  CHECK_THAT(temp.shell("$RAIN --version").out, StartsWith("sapnet-rain "));
}

TEST_CASE("sapnet-rain --measure prints medians and ranges of the rain in pairs", "[rain]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  REQUIRE(temp.shell("mkdir -p pairs/clean pairs/rain; cp in/rgb8.png pairs/clean/a.png; cp in/rgb8.png "
                     "pairs/clean/b.png; $RAIN pairs/clean/a.png -o pairs/rain/a.png --strength 0.3; $RAIN "
                     "pairs/clean/b.png -o pairs/rain/b.png --strength 1")
              .exit_code == 0);
  const auto outcome = temp.shell("$RAIN --measure pairs/");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Contains(" pairs ") && !Contains(" \n"));
  double median = 0, low = 0, high = 0;
  const std::size_t mean = outcome.out.find("\nmean ");
  REQUIRE(mean != std::string::npos);
  REQUIRE(std::sscanf(outcome.out.c_str() + mean, " mean %lf (%lf to %lf)", &median, &low, &high) == 3);
  CHECK(low < high);
  CHECK(median == Approx((low + high) / 2).margin(0.001));  // of two images
}

TEST_CASE("sapnet-rain draws the rain of seed, seed + 1, ...", "[rain]") {
  const ProgramFolder temp;
  temp.take({"grey8.png", "rgb8.png", "rgba8.png"});
  CHECK(temp.shell("$RAIN in -o out --strength 0.8 --seed 5").exit_code == 0);
  CHECK(temp.list("out") == Names{"grey8.png", "rgb8.png", "rgba8.png"});
  std::uint64_t seed = 5;
  for (const std::string name : {"grey8.png", "rgb8.png", "rgba8.png"}) {
    CAPTURE(name);
    const auto clean = train::read_image(temp / ("in/" + name));
    const auto rainy = train::read_image(temp / ("out/" + name));
    CHECK(bytes_of(rainy) == bytes_of(train::draw_rain(clean, {.strength = 0.8F, .seed = seed++}).rainy));
    CHECK(bytes_of(rainy) != bytes_of(clean));
    CHECK(rainy.alpha.empty());
    CHECK_FALSE(rainy.grey);
  }
}

TEST_CASE("sapnet-rain continues after a broken image, and the others keep their rain", "[rain]") {
  const ProgramFolder temp;
  temp.take({"grey8.png", "rgba8.png"});
  write_text(temp / "in/h_broken.png", "not an image");
  const auto outcome = temp.shell("$RAIN in -o out --seed 5");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains("sapnet-rain: error: in/h_broken.png: is not") &&
                              Contains("2 images written to out\n") &&
                              Contains("sapnet-rain: error: 1 of 3 images failed\n"));
  CHECK(temp.list("out") == Names{"grey8.png", "rgba8.png"});
  CHECK(bytes_of(train::read_image(temp / "out/rgba8.png")) ==
        bytes_of(train::draw_rain(train::read_image(temp / "in/rgba8.png"), {.seed = 7}).rainy));
}

TEST_CASE("sapnet-rain refuses a wrong command line with exit code 2", "[rain]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  for (const auto& [arguments, part] :
       {std::pair{"", "no INPUT"},
        {"in", "no output; specify a file or folder with -o"},
        {"in -o out --strength 2", "--strength: must be a number from 0 to 1, not '2'"},
        {"in -o out --strength nan", "--strength: must be"},
        {"in -o out --strength abc", "--strength: must be"},
        {"in -o out --strength", "--strength needs a value"},
        {"in -o out --seed -1", "--seed: must be a whole number from 0 to"},
        {"in -o out --seed 1x", "not '1x'"},
        {"in/rgb8.png -o a.jpg", "-o a.jpg: images are written as .png, not .jpg"},
        {"in/rgb8.png -o in", "would overwrite the input in/rgb8.png"}}) {
    const auto outcome = temp.shell(std::string("$RAIN ") + arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-rain: error: ") && Contains(part) && Contains("--help") &&
                                !Contains("--format") && !Contains("reference"));
  }
  CHECK(temp.list(".") == Names{"in"});
}

}  // namespace
}  // namespace sapnet::apps
