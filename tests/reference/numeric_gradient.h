// Numerical derivatives in double precision, to check gradients against.
#pragma once

#include <cstddef>
#include <vector>

namespace sapnet::reference {

/// The gradient of f: vector of double → double, by central differences with step h = 1e-5. The error is
/// h²/6 = 2e-11 times the third derivative plus ε/h = 2e-11 times f, far below fp32 rounding. Results are
/// meaningless at kinks of f.
template <class F>
std::vector<double> numeric_gradient(std::vector<double> x, const F& f) {
  constexpr double kStep = 1e-5;
  std::vector<double> gradient;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double middle = x[k];
    x[k] = middle + kStep;
    const double above = f(x);
    x[k] = middle - kStep;
    gradient.push_back((above - f(x)) / (2 * kStep));
    x[k] = middle;
  }
  return gradient;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace sapnet::reference
