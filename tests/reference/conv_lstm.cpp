#include "tests/reference/conv_lstm.h"

#include <cmath>
#include <cstddef>
#include <utility>

namespace sapnet::reference {
namespace {

double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

}  // namespace

Cell cell(const kernels::ConvLstmProblem& p, std::span<const double> gates, std::span<const double> c) {
  const auto hidden = static_cast<std::size_t>(p.hidden);
  Cell result;
  for (std::size_t pixel = 0; pixel < static_cast<std::size_t>(p.n * p.h * p.w); ++pixel) {
    for (std::size_t k = 0; k < hidden; ++k) {
      const double* gate = &gates[pixel * 4 * hidden + k];
      const double i = sigmoid(gate[0]), f = sigmoid(gate[hidden]);
      const double g = std::tanh(gate[2 * hidden]), o = sigmoid(gate[3 * hidden]);
      const double next = f * c[pixel * hidden + k] + i * g;
      result.c_out.push_back(next);
      result.h_out.push_back(o * std::tanh(next));
    }
  }
  return result;
}

ConvLstm conv_lstm(const kernels::ConvLstmProblem& p, std::span<const float> x, std::span<const float> h,
                   std::span<const float> c, std::span<const float> weight, std::span<const float> bias) {
  const std::vector<float> zero(static_cast<std::size_t>(p.n * p.h * p.w * p.hidden));
  if (h.empty()) h = c = zero;
  ConvLstm result;
  result.gates = convolve(p.conv(), {x, h}, weight, bias);
  Cell next = cell(p, result.gates.sum, std::vector<double>(c.begin(), c.end()));
  result.h_out = std::move(next.h_out);
  result.c_out = std::move(next.c_out);
  return result;
}

}  // namespace sapnet::reference
