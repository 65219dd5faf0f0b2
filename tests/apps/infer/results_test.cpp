// The table of results.
#include "apps/infer/results.h"

#include <array>

#include "tests/catch.h"

namespace sapnet::apps {
namespace {

using train::Scores;

constexpr Scores kDerained{.psnr_rgb = 31.5, .psnr_y = 33.25, .ssim_rgb = 0.91, .ssim_y = 0.93};
constexpr Scores kRainy{.psnr_rgb = 21.125, .psnr_y = 23, .ssim_rgb = 0.81, .ssim_y = 0.83};

std::array<double, 4> values(const Scores& scores) {
  return {scores.psnr_rgb, scores.psnr_y, scores.ssim_rgb, scores.ssim_y};
}

TEST_CASE("the columns of the score table are aligned", "[results]") {
  const ScoreTable table({ImageTask{"in/a.png", "out/a.png"}});
  CHECK(table.header() ==
        "             derained                                  rainy\n"
        "image        PSNR RGB  SSIM RGB    PSNR Y    SSIM Y    PSNR RGB  SSIM RGB    PSNR Y    SSIM Y");
  CHECK(table.row("a.png", kDerained, kRainy) ==
        "a.png          31.500    0.9100    33.250    0.9300      21.125    0.8100    23.000    0.8300");
  CHECK(table.row("größe.png", kDerained, kRainy).starts_with("größe.png      31.500 "));
  const ScoreTable wide({ImageTask{"in/a-name-longer-than-that.png", ""}});
  CHECK(wide.row("a.png", kDerained, kRainy).starts_with("a.png                          31.500 "));
}

TEST_CASE("the mean is over the images with scores", "[results]") {
  ImageResult first, second, unscored;
  first.scores = kDerained;
  first.rainy_scores = kRainy;
  second.scores = {.psnr_rgb = 33.5, .psnr_y = 34.25, .ssim_rgb = 0.5, .ssim_y = 0.25};
  second.rainy_scores = {.psnr_rgb = 22.125, .psnr_y = 26, .ssim_rgb = 0.25, .ssim_y = 0.5};
  CHECK_FALSE(mean_scores({unscored}, false));
  CHECK(values(*mean_scores({first, unscored}, false)) == values(kDerained));
  CHECK(values(*mean_scores({first, unscored}, true)) == values(kRainy));
  CHECK(values(*mean_scores({first, unscored, second}, false)) ==
        std::array{32.5, 33.75, (0.91 + 0.5) / 2, (0.93 + 0.25) / 2});
  CHECK(values(*mean_scores({first, unscored, second}, true)) ==
        std::array{21.625, 24.5, (0.81 + 0.25) / 2, (0.83 + 0.5) / 2});
}

}  // namespace
}  // namespace sapnet::apps
