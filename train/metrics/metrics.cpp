#include "train/metrics/metrics.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "engine/error.h"
#include "engine/ops/ssim.h"
#include "engine/tensor.h"
#include "train/image/image.h"

namespace sapnet::train {
namespace {

void check_sizes(std::size_t a, std::size_t b) {
  if (a != b) {
    throw Error("cannot compare images of different sizes: " + std::to_string(a) + " against " +
                std::to_string(b) + " values");
  }
}

}  // namespace

double psnr(std::span<const float> a, std::span<const float> b) {
  check_sizes(a.size(), b.size());
  if (a.empty()) throw Error("cannot compare images without pixels");
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return psnr(sum, static_cast<std::int64_t>(a.size()));
}

double psnr(double squares, std::int64_t count) {
  if (squares == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(static_cast<double>(count) / squares);
}

double ssim(std::span<const float> a, std::span<const float> b, int height, int width, int channels) {
  check_sizes(a.size(), b.size());
  if (height < 1 || width < 1 || channels < 1) throw Error("cannot compare images without pixels");
  const engine::Shape shape{1, height, width, channels};
  if (static_cast<std::int64_t>(a.size()) != shape.count()) {
    throw Error("an image of " + std::to_string(a.size()) + " values is not " + std::to_string(height) + "x" +
                std::to_string(width) + "x" + std::to_string(channels));
  }
  const auto tensor = [&](std::span<const float> values) {
    return engine::from_host(values, shape, engine::Device::kCpu);
  };
  return static_cast<double>(*engine::ssim(tensor(a), tensor(b)).data());
}

std::vector<float> luma(std::span<const float> rgb) {
  if (rgb.size() % 3 != 0)
    throw Error("luma needs RGB triples, not " + std::to_string(rgb.size()) + " values");
  std::vector<float> y(rgb.size() / 3);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto r = static_cast<double>(rgb[3 * i]), g = static_cast<double>(rgb[3 * i + 1]),
               b = static_cast<double>(rgb[3 * i + 2]);
    y[i] = static_cast<float>((16 + 65.481 * r + 128.553 * g + 24.966 * b) / 255);
  }
  return y;
}

Scores score(std::span<const std::uint8_t> image, std::span<const std::uint8_t> reference, int width,
             int height) {
  const auto rgb = to_floats(image), wanted = to_floats(reference);
  const auto y = luma(rgb), wanted_y = luma(wanted);
  return {psnr(rgb, wanted), psnr(y, wanted_y), ssim(rgb, wanted, height, width, 3),
          ssim(y, wanted_y, height, width, 1), std::nullopt};
}

Scores mean(std::span<const Scores> scores) {
  if (scores.empty()) throw Error("there are no scores to take the mean of");
  Scores mean;
  for (double Scores::*score : {&Scores::psnr_rgb, &Scores::psnr_y, &Scores::ssim_rgb, &Scores::ssim_y}) {
    for (const Scores& each : scores) mean.*score += each.*score;
    mean.*score /= static_cast<double>(scores.size());
  }
  mean.lpips = 0;
  for (const Scores& each : scores)
    mean.lpips = mean.lpips && each.lpips ? std::optional(*mean.lpips + *each.lpips) : std::nullopt;
  if (mean.lpips) *mean.lpips /= static_cast<double>(scores.size());
  return mean;
}

}  // namespace sapnet::train
