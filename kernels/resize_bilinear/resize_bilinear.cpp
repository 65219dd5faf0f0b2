#include "kernels/resize_bilinear/resize_bilinear.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/resize_bilinear/taps.h"

namespace sapnet::kernels::cpu {
namespace {

/// The taps of all outputs of a row.
std::vector<ResizeTaps> column_taps(const ResizeProblem& p) {
  std::vector<ResizeTaps> taps;
  for (std::int64_t x = 0; x < p.out_w; ++x) taps.push_back(resize_taps(p.w, p.out_w, x));
  return taps;
}

}  // namespace

void resize_bilinear(const Context& /*context*/, const ResizeProblem& p, const ResizeArguments<>& a) {
  const std::vector<ResizeTaps> columns = column_taps(p);
  parallel_for(p.n * p.out_h, [&](std::int64_t job) {
    const ResizeTaps row = resize_taps(p.h, p.out_h, job % p.out_h);
    const float* const image = a.in + job / p.out_h * p.h * p.w * p.c;
    const float* const upper = image + row.low * p.w * p.c;
    const float* const lower = image + row.high * p.w * p.c;
    for (std::int64_t x = 0; x < p.out_w; ++x) {
      const ResizeTaps& column = columns[static_cast<std::size_t>(x)];
      const std::int64_t left = column.low * p.c, right = column.high * p.c, at = (job * p.out_w + x) * p.c;
#pragma omp simd  // the residual may alias the output
      for (std::int64_t c = 0; c < p.c; ++c) {
        const float above =
            (1 - column.high_weight) * upper[left + c] + column.high_weight * upper[right + c];
        const float below =
            (1 - column.high_weight) * lower[left + c] + column.high_weight * lower[right + c];
        const float sum = (1 - row.high_weight) * above + row.high_weight * below;
        a.out[at + c] = a.residual ? sum + a.residual[at + c] : sum;
      }
    }
  });
}

void resize_bilinear_backward(const Context& /*context*/, const ResizeProblem& p,
                              const ResizeBackwardArguments<>& a) {
  const std::vector<ResizeTaps> columns = column_taps(p);
  parallel_for(p.n * p.h, [&](std::int64_t job) {
    const std::int64_t image = job / p.h, y = job % p.h;
    const ResizeOutputs rows = outputs_of(p.h, p.out_h, y);
    for (std::int64_t x = 0; x < p.w; ++x) {
      const ResizeOutputs outputs = outputs_of(p.w, p.out_w, x);
      float* const din = a.din + (job * p.w + x) * p.c;
      std::fill_n(din, p.c, 0.0F);
      for (std::int64_t v = rows.begin; v < rows.end; ++v) {
        const float row_weight = resize_taps(p.h, p.out_h, v).weight(y);
        for (std::int64_t u = outputs.begin; u < outputs.end; ++u) {
          const float weight = row_weight * columns[static_cast<std::size_t>(u)].weight(x);
          const float* const dout = a.dout + ((image * p.out_h + v) * p.out_w + u) * p.c;
          for (std::int64_t c = 0; c < p.c; ++c) din[c] += weight * dout[c];
        }
      }
    }
  });
}

}  // namespace sapnet::kernels::cpu
