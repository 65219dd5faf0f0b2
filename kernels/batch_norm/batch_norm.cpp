#include "kernels/batch_norm/batch_norm.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "kernels/batch_norm/formulas.h"
#include "kernels/parallel.h"

namespace sapnet::kernels::cpu {
namespace {

struct Terms {
  double first, second;
};

/// Sums terms(k, c) over all pixels, where k is the element index and c its channel: (2, c). Rows are summed
/// separately, then added in order.
template <class Function>
std::vector<double> channel_sums(const BatchNormProblem& p, const Function& terms) {
  const std::int64_t rows = p.n * p.h;
  std::vector<double> partials(static_cast<std::size_t>(rows * 2 * p.c));
  parallel_for(rows, [&](std::int64_t row) {
    double* const first = partials.data() + row * 2 * p.c;
    double* const second = first + p.c;
    for (std::int64_t pixel = row * p.w; pixel < (row + 1) * p.w; ++pixel) {
#pragma omp simd
      for (std::int64_t c = 0; c < p.c; ++c) {
        const Terms each = terms(pixel * p.c + c, c);
        first[c] += each.first;
        second[c] += each.second;
      }
    }
  });
  std::vector<double> sums(static_cast<std::size_t>(2 * p.c));
  for (std::size_t k = 0; k < partials.size(); ++k) sums[k % sums.size()] += partials[k];
  return sums;
}

}  // namespace

void batch_norm(const Context& /*context*/, const BatchNormProblem& p, const BatchNormArguments<>& a) {
  const std::vector<double> sums = channel_sums(p, [&](std::int64_t k, std::int64_t /*c*/) {
    const auto x = static_cast<double>(a.in[k]);
    return Terms{x, x * x};
  });
  const auto count = static_cast<double>(p.pixels());
  for (std::int64_t c = 0; c < p.c; ++c) {
    const double sum = sums[static_cast<std::size_t>(c)], squares = sums[static_cast<std::size_t>(p.c + c)];
    a.mean[c] = static_cast<float>(sum / count);
    a.inv_std[c] = static_cast<float>(1 / std::sqrt(variance_plus_epsilon(sum, squares, count)));
  }
  parallel_for(p.n * p.h, [&](std::int64_t row) {
    for (std::int64_t pixel = row * p.w; pixel < (row + 1) * p.w; ++pixel) {
#pragma omp simd  // the residual may alias the output
      for (std::int64_t c = 0; c < p.c; ++c) {
        const std::int64_t k = pixel * p.c + c;
        float sum = a.gamma[c] * normalized(a.in[k], a.mean[c], a.inv_std[c]) + a.beta[c];
        sum = a.residual ? sum + a.residual[k] : sum;
        a.out[k] = a.relu && !(sum > 0) ? 0 : sum;
      }
    }
  });
}

void batch_norm_backward(const Context& /*context*/, const BatchNormProblem& p,
                         const BatchNormBackwardArguments<>& a) {
  const auto masked_dout = [out = a.out, dout = a.dout](std::int64_t k) {
    const float g = dout[k];  // unconditional load, so that the loop vectorises
    return !out || out[k] > 0 ? g : 0;
  };
  const std::vector<double> sums = channel_sums(p, [&](std::int64_t k, std::int64_t c) {
    const auto g = static_cast<double>(masked_dout(k));
    return Terms{g, g * static_cast<double>(normalized(a.in[k], a.mean[c], a.inv_std[c]))};
  });
  std::vector<float> means;
  for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(p.pixels())));
  const float* const mean_g = means.data();
  const float* const mean_gx = mean_g + p.c;
  float* const dresidual = a.dresidual;
  parallel_for(p.n * p.h, [&](std::int64_t row) {
    for (std::int64_t pixel = row * p.w; pixel < (row + 1) * p.w; ++pixel) {
#pragma omp simd  // the gradients may alias dout
      for (std::int64_t c = 0; c < p.c; ++c) {
        const std::int64_t k = pixel * p.c + c;
        const float g = masked_dout(k), normal = normalized(a.in[k], a.mean[c], a.inv_std[c]);
        if (dresidual) dresidual[k] = g;
        a.din[k] = batch_norm_gradient(g, normal, mean_g[c], mean_gx[c], a.gamma[c], a.inv_std[c]);
      }
    }
  });
}

}  // namespace sapnet::kernels::cpu
