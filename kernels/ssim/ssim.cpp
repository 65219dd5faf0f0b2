#include "kernels/ssim/ssim.h"

#include <array>
#include <cstddef>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/ssim/window.h"

namespace sapnet::kernels::cpu {
namespace {

constexpr std::int64_t kRadius = kSsimRadius, kTaps = kSsimTaps;

/// Windowed sums of one row of a map, kSums of them at once. A row is w · c values: neighbours in the window
/// are c apart, and the map is zero-padded.
template <std::size_t kSums>
class WindowedRow {
 public:
  WindowedRow(const SsimProblem& p, std::int64_t y) : p_(p), y_(y), size_(p.w * p.c), margin_(kRadius * p.c) {
    for (auto& sums : vertical_) sums.resize(static_cast<std::size_t>(size_ + 2 * margin_));
  }

  /// terms(index) returns the kSums values to sum for the element at an index into the image.
  template <class Terms>
  void gather(const Terms& terms) {
    for (std::int64_t tap = 0; tap < kTaps; ++tap) {
      const std::int64_t row = y_ + tap - kRadius;
      if (row < 0 || row >= p_.h) continue;
      const double weight = window_.weights[tap];
      for (std::int64_t i = 0; i < size_; ++i) {
        const std::array<double, kSums> values = terms(row * size_ + i);
        for (std::size_t k = 0; k < kSums; ++k)
          vertical_[k][static_cast<std::size_t>(margin_ + i)] += weight * values[k];
      }
    }
  }

  /// The sums around element i of the row.
  std::array<double, kSums> at(std::int64_t i) const {
    std::array<double, kSums> sums = {};
    for (std::int64_t tap = 0; tap < kTaps; ++tap)
      for (std::size_t k = 0; k < kSums; ++k)
        sums[k] += window_.weights[tap] * vertical_[k][static_cast<std::size_t>(i + tap * p_.c)];
    return sums;
  }

 private:
  const SsimProblem& p_;
  SsimWindow window_ = ssim_window();
  std::int64_t y_, size_, margin_;
  std::array<std::vector<double>, kSums> vertical_;
};

}  // namespace

void ssim(const Context& /*context*/, const SsimProblem& p, const SsimArguments& a) {
  const std::int64_t row_size = p.w * p.c;
  const double sum = parallel_sum(p.n * p.h, [&](std::int64_t job) {
    const std::int64_t image = job / p.h * p.h * row_size, first = job * row_size;
    WindowedRow<4> row(p, job % p.h);
    row.gather([&](std::int64_t k) {
      const auto x = static_cast<double>(a.x[image + k]), y = static_cast<double>(a.y[image + k]);
      return std::array{x, y, x * x + y * y, x * y};
    });
    double total = 0;
    for (std::int64_t i = 0; i < row_size; ++i) {
      const auto [mean_x, mean_y, squares, product] = row.at(i);
      const SsimPoint point = ssim_point(mean_x, mean_y, squares, product);
      total += point.value;
      if (!a.derivatives) continue;
      float* const derivatives = a.derivatives + first + i;
      derivatives[0] = static_cast<float>(point.by_mean);
      derivatives[p.count()] = static_cast<float>(point.by_square);
      derivatives[2 * p.count()] = static_cast<float>(point.by_product);
    }
    return total;
  });
  *a.value = static_cast<float>(sum / static_cast<double>(p.count()));
}

void ssim_backward(const Context& /*context*/, const SsimProblem& p, const SsimBackwardArguments& a) {
  const std::int64_t row_size = p.w * p.c;
  const double factor = static_cast<double>(*a.dvalue) / static_cast<double>(p.count());
  parallel_for(p.n * p.h, [&](std::int64_t job) {
    const float* const derivatives = a.derivatives + job / p.h * p.h * row_size;
    WindowedRow<3> row(p, job % p.h);
    row.gather([&](std::int64_t k) {
      return std::array{static_cast<double>(derivatives[k]), static_cast<double>(derivatives[p.count() + k]),
                        static_cast<double>(derivatives[2 * p.count() + k])};
    });
    for (std::int64_t i = 0; i < row_size; ++i) {
      const std::int64_t k = job * row_size + i;
      const auto [by_mean, by_square, by_product] = row.at(i);
      a.dx[k] = static_cast<float>(factor * (by_mean + 2 * static_cast<double>(a.x[k]) * by_square +
                                             static_cast<double>(a.y[k]) * by_product));
    }
  });
}

}  // namespace sapnet::kernels::cpu
