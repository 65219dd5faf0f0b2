// Image quality metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sapnet::train {

/// Peak signal-to-noise ratio in dB, peak 1: 10 log10(1 / mean((a-b)²)); infinity for equal inputs.
/// Throws Error if the sizes differ.
double psnr(std::span<const float> a, std::span<const float> b);

/// The same from the sum of squared differences over `count` values.
double psnr(double squares, std::int64_t count);

/// Structural similarity (Wang et al. 2004): 11×11 Gaussian window, σ = 1.5, zero-padded to the same size,
/// data range 1, C1 = 0.01², C2 = 0.03², the mean over all pixels and channels.
/// a, b: (height, width, channels), in [0, 1]. Throws Error if the sizes differ.
double ssim(std::span<const float> a, std::span<const float> b, int height, int width, int channels);

/// Luma as in MATLAB's rgb2ycbcr (BT.601, 16 to 235), divided by 255. rgb: (…, 3) in [0, 1].
std::vector<float> luma(std::span<const float> rgb);

/// Scores against a reference, on RGB and on luma (Y). PSNR in dB, infinite for equal images; SSIM at most 1.
struct Scores {
  double psnr_rgb = 0, psnr_y = 0, ssim_rgb = 0, ssim_y = 0;
  /// LPIPS on RGB, 0 for equal images; nullopt if not measured (score() does not measure it).
  std::optional<double> lpips = {};
};

/// Scores an image in bytes. Both images: (height, width, 3).
Scores score(std::span<const std::uint8_t> image, std::span<const std::uint8_t> reference, int width,
             int height);

/// The mean of each score; LPIPS only if all have it. Throws Error if `scores` is empty.
Scores mean(std::span<const Scores> scores);

}  // namespace sapnet::train
