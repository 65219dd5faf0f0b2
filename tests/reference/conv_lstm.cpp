#include "tests/reference/conv_lstm.h"

#include <cmath>
#include <cstddef>

namespace sapnet::reference {
namespace {

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

}  // namespace

ConvLstm conv_lstm(const kernels::ConvLstmProblem& p, std::span<const float> x, std::span<const float> h,
                   std::span<const float> c, std::span<const float> weight, std::span<const float> bias) {
  const auto hidden = static_cast<std::size_t>(p.hidden);
  const std::size_t pixels = static_cast<std::size_t>(p.n * p.h * p.w);
  const std::vector<float> zero(pixels * hidden);
  if (h.empty()) h = c = zero;

  ConvLstm result;
  result.gates = convolve(p.conv(), {x, h}, weight, bias);
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::size_t k = 0; k < hidden; ++k) {
      const double* gate = &result.gates.sum[pixel * 4 * hidden + k];
      const double i = sigmoid(gate[0]), f = sigmoid(gate[hidden]);
      const double g = std::tanh(gate[2 * hidden]), o = sigmoid(gate[3 * hidden]);
      const double cell = f * c[pixel * hidden + k] + i * g;
      result.c_out.push_back(cell);
      result.h_out.push_back(o * std::tanh(cell));
    }
  }
  return result;
}

}  // namespace sapnet::reference
