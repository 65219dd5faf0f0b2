#include "tests/reference/feature_contrast.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {
namespace {

constexpr double kEpsilon = 1e-7;

double mean_distance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += std::abs(a[k] - b[k]);
  return sum / static_cast<double>(a.size());
}

double sign(double x) {
  if (x == 0) return 0;
  return x < 0 ? -1 : 1;
}

}  // namespace

double feature_contrast(std::span<const double> derained, std::span<const double> clean,
                        std::span<const double> rainy) {
  return mean_distance(derained, clean) / (mean_distance(derained, rainy) + kEpsilon);
}

// The quotient rule: (a / b)' = a' / b - a b' / b².
std::vector<double> feature_contrast_gradient(std::span<const double> derained, std::span<const double> clean,
                                              std::span<const double> rainy) {
  const double a = mean_distance(derained, clean), b = mean_distance(derained, rainy) + kEpsilon;
  const auto count = static_cast<double>(derained.size());
  std::vector<double> gradient;
  for (std::size_t k = 0; k < derained.size(); ++k)
    gradient.push_back(sign(derained[k] - clean[k]) / count / b -
                       a * sign(derained[k] - rainy[k]) / count / (b * b));
  return gradient;
}

}  // namespace sapnet::reference
