// How close two pictures are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sapnet::train {

/// Peak signal-to-noise ratio in dB, peak 1: 10 log10(1 / mean((a-b)²)); infinity for equal inputs.
/// Throws Error when the sizes differ.
double psnr(std::span<const float> a, std::span<const float> b);

/// The same, from Σ (a-b)² of so many values.
double psnr(double squares, std::int64_t count);

/// Structural similarity (Wang et al. 2004): 11×11 Gaussian window, σ = 1.5, zero-padded to the same size,
/// data range 1, C1 = 0.01², C2 = 0.03², the mean over all pixels and channels.
/// a, b: (height, width, channels), in [0, 1]. Throws Error when the sizes differ.
double ssim(std::span<const float> a, std::span<const float> b, int height, int width, int channels);

/// Luma as MATLAB's rgb2ycbcr has it (BT.601, 16 to 235), over 255. rgb: (…, 3) in [0, 1].
std::vector<float> luma(std::span<const float> rgb);

/// Closeness to a reference, of RGB and of luma. PSNR in dB, infinite for equal pictures; SSIM at most 1.
struct Scores {
  double psnr_rgb = 0, psnr_y = 0, ssim_rgb = 0, ssim_y = 0;
  /// LPIPS, of RGB: 0 for equal pictures. Nothing where it is not measured, as by score().
  std::optional<double> lpips = {};
};

/// Scores what a file holds, so after rounding. Both pictures: (height, width, 3) bytes.
Scores score(std::span<const std::uint8_t> picture, std::span<const std::uint8_t> reference, int width,
             int height);

/// The mean of each score, of LPIPS where all have it. Throws Error when there is none.
Scores mean(std::span<const Scores> scores);

}  // namespace sapnet::train
