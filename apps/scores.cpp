#include "apps/scores.h"

#include "train/image.h"
#include "train/metrics.h"

namespace sapnet::apps {
Scores score(std::span<const std::uint8_t> picture, std::span<const std::uint8_t> reference, int width,
             int height) {
  const auto rgb = train::to_floats(picture), wanted = train::to_floats(reference);
  const auto y = train::luma(rgb), wanted_y = train::luma(wanted);
  return {train::psnr(rgb, wanted), train::psnr(y, wanted_y), train::ssim(rgb, wanted, height, width, 3),
          train::ssim(y, wanted_y, height, width, 1)};
}

}  // namespace sapnet::apps
