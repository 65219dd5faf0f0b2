#include "apps/train/chart.h"

#include <limits>

#include "tests/catch.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;

TEST_CASE("a chart's curves run from its first to its last step, between round numbers", "[report][chart]") {
  // The drawing is 560 × 240, with 56 to the left, 10 to the right, 12 above and 26 below the curves.
  const std::string svg =
      chart("PSNR", " dB", {{"training", {{0, 20}, {50, 25}, {100, 30}}}, {"validation", {{100, 20}}}},
            {"rainy", {{0, 22}}});
  CHECK_THAT(svg, Contains("<path class=\"first\" d=\"M56.0 214.0L303.0 113.0L550.0 12.0\"/>"));
  CHECK_THAT(svg, Contains("<path class=\"second\" d=\"M550.0 214.0\"/>"));
  CHECK_THAT(svg, Contains("<path class=\"level\" d=\"M56.0 173.6H550.0\"/>"));
  for (const char* words :
       {"<h2>PSNR</h2>", ">20 dB<", ">30 dB<", ">0<", ">100<", ">training<", ">validation<", ">rainy<"})
    CHECK_THAT(svg, Contains(words));
}

TEST_CASE("a chart names the curves that it draws, and each keeps its colour", "[report][chart]") {
  const std::string svg = chart("Loss", "", {{"one", {{1, 1}}}, {"two", {}}, {"three", {{1, 2}}}});
  CHECK_THAT(svg, Contains("<span class=\"first\">one</span>") && !Contains("two") &&
                      Contains("<span class=\"third\">three</span>"));
}

TEST_CASE("a chart skips values that are not finite", "[report][chart]") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CHECK(chart("PSNR", "", {{"training", {}}, {"validation", {{1, kInfinity}}}}).empty());
  const std::string svg =
      chart("PSNR", "", {{"training", {{1, 1}, {2, kInfinity}, {3, 2}}}}, {"rainy", {{0, kInfinity}}});
  CHECK_THAT(svg, !Contains("nan") && !Contains("inf") && !Contains("rainy") && Contains("class=\"first\""));
}

TEST_CASE("a chart of one point, or of equal ones, still has axes", "[report][chart]") {
  for (const double value : {0.0, 5.0, -0.9})
    CHECK_THAT(chart("Loss", "", {{"training", {{0, value}}}}),
               Contains("class=\"grid\"") && !Contains("nan"));
}

}  // namespace
}  // namespace sapnet::apps
