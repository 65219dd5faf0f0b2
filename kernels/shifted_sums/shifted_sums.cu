// Shifted sums of a finished map, where the kernel that wrote it could not accumulate them.
#include "kernels/shifted_sums/shifted_sums.h"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr std::int64_t kRowsPerPartial = 8;

/// Block (k, image) sums kRowsPerPartial rows, one thread per channel.
template <class T>
__global__ void __launch_bounds__(kThreads) sum_rows(ShiftedSumsProblem p, const T* in, float* out) {
  const std::int64_t image = blockIdx.y, first = blockIdx.x * kRowsPerPartial;
  const std::int64_t end = first + kRowsPerPartial < p.h ? first + kRowsPerPartial : p.h;
  for (std::int64_t channel = threadIdx.x; channel < p.c; channel += kThreads) {
    float sums[3][3] = {};
    for (std::int64_t y = first; y < end; ++y) {
      for (std::int64_t x = 0; x < p.w; ++x) {
        const float value = gpu::to_float(in[((image * p.h + y) * p.w + x) * p.c + channel]);
        const bool rows[3] = {y < p.h - p.dilation, true, y >= p.dilation};
        const bool columns[3] = {x < p.w - p.dilation, true, x >= p.dilation};
#pragma unroll
        for (int a = 0; a < 3; ++a)
#pragma unroll
          for (int b = 0; b < 3; ++b) sums[a][b] += rows[a] && columns[b] ? value : 0;
      }
    }
    float* const part = out + (image * gridDim.x + blockIdx.x) * 9 * p.c + channel;
#pragma unroll
    for (int k = 0; k < 9; ++k) part[k * p.c] = sums[k / 3][k % 3];
  }
}

}  // namespace

std::int64_t shifted_sums_partials(const Context& /*context*/, std::int64_t h) {
  return (h + kRowsPerPartial - 1) / kRowsPerPartial;
}

template <class T>
void shifted_sums(const Context& context, const ShiftedSumsProblem& p, const ShiftedSumsArguments<T>& a) {
  gpu::launch(sum_rows<T>,
              dim3(static_cast<unsigned>(shifted_sums_partials(context, p.h)), static_cast<unsigned>(p.n)),
              kThreads, 0, context.stream, p, a.in, a.out);
}

SAPNET_INSTANTIATE(shifted_sums, const ShiftedSumsProblem&, ShiftedSumsArguments);

}  // namespace sapnet::kernels::cuda
