#include "tests/reference/charbonnier.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {

double charbonnier(std::span<const double> x, std::span<const double> y) {
  double total = 0;
  for (std::size_t k = 0; k < x.size(); ++k) total += std::hypot(x[k] - y[k], 0.001);
  return total / static_cast<double>(x.size());
}

}  // namespace sapnet::reference
