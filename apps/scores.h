// The figures that --reference prints.
#pragma once

#include <cstdint>
#include <span>

namespace sapnet::apps {

/// Closeness to a reference, of RGB and of luma (MATLAB's BT.601). PSNR in dB, infinite for equal pictures;
/// SSIM at most 1.
struct Scores {
  double psnr_rgb = 0, psnr_y = 0, ssim_rgb = 0, ssim_y = 0;
};

/// Scores what a file holds, so after rounding. Both pictures: (height, width, 3) bytes.
Scores score(std::span<const std::uint8_t> picture, std::span<const std::uint8_t> reference, int width,
             int height);

}  // namespace sapnet::apps
