// The weight gradient. The output rows are split into a fixed number of slices, independent of the number of
// threads; each slice is summed in fp32, and the slices are added in double in order.
#include <algorithm>
#include <span>
#include <vector>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/packing.h"
#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/wgrad.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/conv2d/wgrad-inl.h"
#include "kernels/conv2d/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// Whether the direct algorithm stores its sums with inputs innermost, which fills vectors better.
bool sums_by_output(const Conv2dProblem& p) {
  return p.out_channels < kLanes && p.total_in_channels() >= kLanes;
}

/// Adds the contribution of output row y of one image to sums, (kernel², channels of both maps,
/// out_channels), or with the last two swapped if sums_by_output.
void wgrad_direct_row(const Conv2dProblem& p, const WgradInput<>& input, std::int64_t image, std::int64_t y,
                      float* sums) {
  const auto maps = image_maps(p, input.in, image);
  const float* const grad_preactivation =
      input.grad_preactivation + (image * p.out_h() + y) * p.out_w() * p.out_channels;
  for (std::int64_t tap = 0; tap < p.kernel * p.kernel; ++tap) {
    const std::int64_t row = y * p.stride + tap / p.kernel * p.dilation - p.padding;
    if (row < 0 || row >= p.h) continue;
    const std::int64_t offset = tap % p.kernel * p.dilation - p.padding;
    // The outputs x whose input x·stride + offset lies in the row.
    const std::int64_t begin = std::min(p.out_w(), offset < 0 ? (-offset + p.stride - 1) / p.stride : 0);
    const std::int64_t last = p.w - 1 - offset;
    const std::int64_t end = last < 0 ? begin : std::clamp(last / p.stride + 1, begin, p.out_w());
    std::int64_t channel = 0;
    for (std::size_t k = 0; k < 2 && maps[k]; ++k) {
      const std::int64_t channels = p.in_channels[k];
      const Vectors in = {maps[k] + (row * p.w + begin * p.stride + offset) * channels, p.stride * channels,
                          channels};
      const Vectors out = {grad_preactivation + begin * p.out_channels, p.out_channels, p.out_channels};
      float* const tap_sums = sums + tap * p.total_in_channels() * p.out_channels;
      if (sums_by_output(p))
        add_outer_products(out, in, end - begin, tap_sums + channel, p.total_in_channels());
      else
        add_outer_products(in, out, end - begin, tap_sums + channel * p.out_channels, p.out_channels);
      channel += channels;
    }
  }
}

/// Adds the contribution of one job's outputs to sums, (36, channels of both maps, out_channels), before Gᵀ
/// and G are applied.
void wgrad_winograd_rows(const Conv2dProblem& p, const WgradInput<>& input, std::int64_t image,
                         std::int64_t y0, float* sums) {
  WinogradJob job{.batch = kTileBatch};
  job.in = image_maps(p, input.in, image);
  job.in_channels = {p.in_channels[0], input.in[1] ? p.in_channels[1] : 0};
  job.h = p.h;
  job.w = p.w;
  job.dilation = p.dilation;
  job.y0 = y0;
  const std::int64_t in_channels = job.in_channels[0] + job.in_channels[1];
  const float* const grad_preactivation = input.grad_preactivation + image * p.h * p.w * p.out_channels;
  float* const inputs = scratch(
      static_cast<std::size_t>(kWinogradPoints * (point_stride(in_channels) + point_stride(p.out_channels))));
  float* const gradients = inputs + kWinogradPoints * point_stride(in_channels);
  for_tile_batches(job, [&](const std::int64_t* starts, std::int64_t tiles) {
    for (std::int64_t t = 0; t < tiles; ++t) {
      if (t + 1 < tiles) {
        prefetch_inputs(job, starts[t + 1]);
        prefetch_outputs(job, starts[t + 1], grad_preactivation, p.out_channels, p.out_channels);
      }
      transform_tile(job, starts[t], t, inputs);
      transform_gradient(job, grad_preactivation, p.out_channels, starts[t], t, gradients);
    }
    for (std::int64_t point = 0; point < kWinogradPoints; ++point) {
      for (std::int64_t i = 0; i < in_channels; i += kWinogradChunk) {
        for (std::int64_t o = 0; o < p.out_channels; o += kWinogradChunk) {
          add_outer_products(
              {inputs + point * point_stride(in_channels) + i * kTileBatch, kWinogradChunk, kWinogradChunk},
              {gradients + point * point_stride(p.out_channels) + o * kTileBatch, kWinogradChunk,
               kWinogradChunk},
              tiles, sums + (point * p.total_in_channels() + i) * p.out_channels + o, p.out_channels);
        }
      }
    }
  });
}

/// Sums grad_preactivation over a row; `row` counts the rows of all images.
void bias_gradient_row(const Conv2dProblem& p, const WgradInput<>& input, std::int64_t row, float* sums) {
  const std::int64_t channels = p.out_channels, size = p.out_w() * channels;
  for (std::int64_t o = 0; o < channels; o += kLanes) {
    V sum = load_lanes(sums + o, channels - o);
    for (std::int64_t k = row * size + o; k < (row + 1) * size; k += channels)
      sum = hn::Add(sum, load_lanes(input.grad_preactivation + k, channels - o));
    store_lanes(sum, sums + o, channels - o);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {
namespace {

HWY_EXPORT(sums_by_output);
HWY_EXPORT(wgrad_direct_row);
HWY_EXPORT(wgrad_winograd_rows);
HWY_EXPORT(bias_gradient_row);

// Enough for any useful number of threads; each slice costs memory and reduction time.
constexpr std::int64_t kMaxSlices = 16, kMinJobsPerSlice = 8;

/// Calls add_job(job, sums) for every job in [0, jobs), with separate sums for each slice, and returns the
/// sums over all slices, `size` values.
template <class AddJob>
std::vector<double> sum_of_slices(std::int64_t jobs, std::int64_t size, const AddJob& add_job) {
  const std::int64_t slices = std::clamp(jobs / kMinJobsPerSlice, std::int64_t{1}, kMaxSlices);
  // Reused between calls: page faults of fresh memory cost more than zeroing it.
  thread_local std::vector<float> sums;
  if (sums.size() < static_cast<std::size_t>(slices * size))
    sums.resize(static_cast<std::size_t>(slices * size));
  float* const all = sums.data();  // the calling thread's copy, for all threads
  parallel_for(slices, [&](std::int64_t slice) {
    std::fill_n(all + slice * size, size, 0.0F);
    for (std::int64_t job = slice * jobs / slices; job < (slice + 1) * jobs / slices; ++job)
      add_job(job, all + slice * size);
  });
  std::vector<double> total(static_cast<std::size_t>(size));
  constexpr std::int64_t kBlock = 4096;
  parallel_for((size + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t end = std::min(size, (block + 1) * kBlock);
    for (std::int64_t slice = 0; slice < slices; ++slice)
      for (std::int64_t k = block * kBlock; k < end; ++k)
        total[static_cast<std::size_t>(k)] += static_cast<double>(all[slice * size + k]);
  });
  return total;
}

void add_bias_gradient(const Conv2dProblem& p, const WgradInput<>& input, float* dbias) {
  const auto sums = sum_of_slices(p.n * p.out_h(), p.out_channels, [&](std::int64_t row, float* to) {
    HWY_DYNAMIC_DISPATCH(bias_gradient_row)(p, input, row, to);
  });
  for (std::int64_t o = 0; o < p.out_channels; ++o)
    dbias[o] += static_cast<float>(sums[static_cast<std::size_t>(o)]);
}

void add_weight_gradient(const Conv2dProblem& p, const WgradInput<>& input, float* dweight) {
  const std::int64_t pairs = p.total_in_channels() * p.out_channels, taps = p.kernel * p.kernel;
  const bool winograd = p.algorithm == Conv2dAlgorithm::kWinograd;
  std::vector<double> sums;
  if (winograd) {
    const auto first_rows = winograd_first_rows(p.h, p.dilation);
    const auto jobs = static_cast<std::int64_t>(first_rows.size());
    sums = sum_of_slices(p.n * jobs, kWinogradPoints * pairs, [&](std::int64_t job, float* to) {
      HWY_DYNAMIC_DISPATCH(wgrad_winograd_rows)
      (p, input, job / jobs, first_rows[static_cast<std::size_t>(job % jobs)], to);
    });
  } else {
    const std::int64_t rows = p.out_h();
    sums = sum_of_slices(p.n * rows, taps * pairs, [&](std::int64_t job, float* to) {
      HWY_DYNAMIC_DISPATCH(wgrad_direct_row)(p, input, job / rows, job % rows, to);
    });
  }
  const bool by_output = !winograd && HWY_DYNAMIC_DISPATCH(sums_by_output)(p);
  parallel_for(p.total_in_channels(), [&](std::int64_t i) {
    for (std::int64_t o = 0; o < p.out_channels; ++o) {
      const double* const sum =
          sums.data() + (by_output ? o * p.total_in_channels() + i : i * p.out_channels + o);
      float* const to = dweight + (o * p.total_in_channels() + i) * taps;
      if (winograd) {
        add_filter_of_points(sum, pairs, to);
      } else {
        for (std::int64_t tap = 0; tap < taps; ++tap) to[tap] += static_cast<float>(sum[tap * pairs]);
      }
    }
  });
}

}  // namespace

void conv2d_wgrad(const Context& /*context*/, const Conv2dProblem& p, const Conv2dWgradArguments<>& a) {
  for (const WgradInput<>& input : std::span(a.inputs).first(a.count)) {
    add_weight_gradient(p, input, a.dweight);
    if (a.dbias) add_bias_gradient(p, input, a.dbias);
  }
}

}  // namespace sapnet::kernels::cpu
#endif
