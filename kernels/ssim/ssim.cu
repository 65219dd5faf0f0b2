// SSIM in tiles: a block sums the window along the rows of its tile and halo into shared memory, and from
// there along the columns. In double, because variances are differences of nearly equal numbers; the cost is
// small compared with a network's.
#include "kernels/gpu.cuh"
#include "kernels/ssim/ssim.h"
#include "kernels/ssim/window.h"
#include "kernels/sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kTileW = 32, kTileH = 4, kThreads = kTileW * kTileH;
static_assert(kThreads == gpu::kSumThreads);
constexpr int kRadius = static_cast<int>(kSsimRadius), kTaps = static_cast<int>(kSsimTaps);
constexpr int kHaloH = kTileH + 2 * kRadius;

/// The thread's pixel. Grid: x and y tiles, z images and channels.
struct Pixel {
  std::int64_t y, x, at;  // at: its element index in the map
  bool inside;

  __device__ explicit Pixel(const SsimProblem& p)
      : y(static_cast<std::int64_t>(blockIdx.y) * kTileH + threadIdx.x / kTileW),
        x(static_cast<std::int64_t>(blockIdx.x) * kTileW + threadIdx.x % kTileW),
        at(((blockIdx.z / p.c * p.h + y) * p.w + x) * p.c + blockIdx.z % p.c),
        inside(y < p.h && x < p.w) {}
};

dim3 grid(const SsimProblem& p) {
  return dim3(static_cast<unsigned>((p.w + kTileW - 1) / kTileW),
              static_cast<unsigned>((p.h + kTileH - 1) / kTileH), static_cast<unsigned>(p.n * p.c));
}

/// The windowed sums of terms(at, values) around the thread's pixel. Call by the whole block.
template <int kSums, class Terms>
__device__ void window_sums(const SsimProblem& p, const SsimWindow& window, const Terms& terms,
                            double (&sums)[kSums]) {
  SHARED_ARRAY(double, along_rows, [kSums][kHaloH][kTileW]);
  const std::int64_t top = static_cast<std::int64_t>(blockIdx.y) * kTileH - kRadius,
                     left = static_cast<std::int64_t>(blockIdx.x) * kTileW;
  for (int k = static_cast<int>(threadIdx.x); k < kHaloH * kTileW; k += kThreads) {
    const std::int64_t y = top + k / kTileW;
    double row[kSums] = {};
    for (int tap = 0; tap < kTaps && y >= 0 && y < p.h; ++tap) {
      const std::int64_t x = left + k % kTileW + tap - kRadius;
      if (x < 0 || x >= p.w) continue;
      double values[kSums];
      terms(((blockIdx.z / p.c * p.h + y) * p.w + x) * p.c + blockIdx.z % p.c, values);
#pragma unroll
      for (int s = 0; s < kSums; ++s) row[s] += window.weights[tap] * values[s];
    }
#pragma unroll
    for (int s = 0; s < kSums; ++s) along_rows[s][k / kTileW][k % kTileW] = row[s];
  }
  __syncthreads();
#pragma unroll
  for (int s = 0; s < kSums; ++s) {
    sums[s] = 0;
    for (int tap = 0; tap < kTaps; ++tap)
      sums[s] += window.weights[tap] *
                 along_rows[s][static_cast<int>(threadIdx.x) / kTileW + tap][threadIdx.x % kTileW];
  }
}

struct ValueTerms {
  const float *x, *y;
  __device__ void operator()(std::int64_t at, double (&values)[4]) const {
    const double a = x[at], b = y[at];
    values[0] = a;
    values[1] = b;
    values[2] = a * a + b * b;
    values[3] = a * b;
  }
};

__global__ void __launch_bounds__(kThreads)
    ssim_tiles(SsimProblem p, SsimArguments a, SsimWindow window, double* partials) {
  const Pixel pixel(p);
  double sums[4];
  window_sums(p, window, ValueTerms{a.x, a.y}, sums);
  const SsimPoint point = ssim_point(sums[0], sums[1], sums[2], sums[3]);
  if (pixel.inside && a.derivatives) {
    a.derivatives[pixel.at] = static_cast<float>(point.by_mean);
    a.derivatives[p.count() + pixel.at] = static_cast<float>(point.by_square);
    a.derivatives[2 * p.count() + pixel.at] = static_cast<float>(point.by_product);
  }
  double total[] = {pixel.inside ? point.value : 0};
  gpu::sum_over_block(total);
  if (threadIdx.x == 0)
    partials[(static_cast<std::int64_t>(blockIdx.z) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x] =
        total[0];
}

struct DerivativeTerms {
  const float* derivatives;
  std::int64_t count;
  __device__ void operator()(std::int64_t at, double (&values)[3]) const {
#pragma unroll
    for (int s = 0; s < 3; ++s) values[s] = derivatives[s * count + at];
  }
};

__global__ void __launch_bounds__(kThreads)
    ssim_backward_tiles(SsimProblem p, SsimBackwardArguments a, SsimWindow window) {
  const Pixel pixel(p);
  double sums[3];
  window_sums(p, window, DerivativeTerms{a.derivatives, p.count()}, sums);
  if (!pixel.inside) return;
  const double factor = static_cast<double>(*a.dvalue) / static_cast<double>(p.count());
  a.dx[pixel.at] = static_cast<float>(factor * (sums[0] + 2 * static_cast<double>(a.x[pixel.at]) * sums[1] +
                                                static_cast<double>(a.y[pixel.at]) * sums[2]));
}

std::int64_t tiles(const SsimProblem& p) {
  const dim3 blocks = grid(p);
  return static_cast<std::int64_t>(blocks.x) * blocks.y * blocks.z;
}

}  // namespace

void ssim(const Context& context, const SsimProblem& p, const SsimArguments& a) {
  double* const partials = gpu::doubles(context, tiles(p));
  gpu::launch(ssim_tiles, grid(p), kThreads, 0, context.stream, p, a, ssim_window(), partials);
  gpu::finish_sums<1>(partials, tiles(p), context.stream, gpu::Mean{static_cast<double>(p.count()), a.value});
}

void ssim_backward(const Context& context, const SsimProblem& p, const SsimBackwardArguments& a) {
  gpu::launch(ssim_backward_tiles, grid(p), kThreads, 0, context.stream, p, a, ssim_window());
}

}  // namespace sapnet::kernels::cuda
