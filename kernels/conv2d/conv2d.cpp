#include "kernels/conv2d/conv2d.h"

#include "kernels/conv2d/packing.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/parallel.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv2d/conv2d.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include "kernels/conv2d/direct-inl.h"
#include "kernels/conv2d/epilogue-inl.h"
#include "kernels/conv2d/rgb_output-inl.h"
#include "kernels/conv2d/winograd-inl.h"
#include "kernels/shifted_sums/shifted_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// Adds output row y, which has just been written, to the shifted sums.
inline void sum_output_row(const Conv2dProblem& p, const Conv2dArguments<>& a, std::int64_t image,
                           std::int64_t y) {
  if (a.shifted_sums)
    sum_row({p.n, p.out_h(), p.out_w(), p.out_channels, a.sums_dilation}, a.out, image, y, a.shifted_sums);
}

/// Columns [x, end); with shifted sums it must be the whole row.
void conv2d_direct_row(const Conv2dProblem& p, const Conv2dArguments<>& a, std::int64_t image, std::int64_t y,
                       std::int64_t x, std::int64_t end) {
  const Epilogue epilogue(p, a, image);
  direct_row(p, image_maps(p, a.in, image), a.weight, y, x, end,
             [&](V sum, std::int64_t column, std::int64_t channel) { epilogue(sum, y, column, channel); });
  sum_output_row(p, a, image, y);
}

void conv2d_rgb_row(const Conv2dProblem& p, const Conv2dArguments<>& a, std::int64_t image, std::int64_t y) {
  const Epilogue epilogue(p, a, image);
  rgb_row(p, image_maps(p, a.in, image), a.weight, y,
          [&](V sum, std::int64_t x, std::int64_t channel) { epilogue(sum, y, x, channel); });
  sum_output_row(p, a, image, y);
}

/// Prefetches the residual of a tile's outputs.
HWY_INLINE void prefetch_residual(const Epilogue& epilogue, const WinogradJob& job, std::int64_t x0,
                                  std::int64_t group) {
  const auto map = static_cast<std::size_t>(group * kWinogradGroup >= epilogue.map_channels);
  const std::int64_t channel = group * kWinogradGroup - (map == 0 ? 0 : epilogue.map_channels);
  if (epilogue.residual[map])
    prefetch_outputs(job, x0, epilogue.residual[map] + channel, epilogue.map_channels, kWinogradGroup);
}

/// The fields that are the same for all tiles of a convolution.
inline WinogradJob winograd_job(const Conv2dProblem& p, const Conv2dArguments<>& a) {
  return {.in_channels = p.in_channels,
          .h = p.h,
          .w = p.w,
          .dilation = p.dilation,
          .packed = a.weight,
          .packed_channels = p.total_in_channels(),
          .groups = p.out_channels / kWinogradGroup};
}

/// Four rows of one image, and their shifted sums.
void conv2d_winograd_rows(const Conv2dProblem& p, const Conv2dArguments<>& a, std::int64_t image,
                          std::int64_t y0) {
  const Epilogue epilogue(p, a, image);
  WinogradJob job = winograd_job(p, a);
  job.in = image_maps(p, a.in, image);
  job.y0 = y0;
  winograd_rows<1, kWinogradGroup>(
      job,
      [&](V(&sum)[1], std::int64_t y, std::int64_t x, std::int64_t channel) {
        epilogue(sum[0], y, x, channel);
      },
      [&](const WinogradJob& tiles_job, std::int64_t x0, std::int64_t group) {
        prefetch_residual(epilogue, tiles_job, x0, group);
      });
  for (int r = 0; r < 4 && y0 + r * p.dilation < p.h; ++r) sum_output_row(p, a, image, y0 + r * p.dilation);
}

/// Computes one batch of tiles for one split of the output channel groups.
void conv2d_winograd_item(const Conv2dProblem& p, const Conv2dArguments<>& a, const WinogradTiles& tiles,
                          const WinogradPartition& partition, std::int64_t item) {
  const std::int64_t first = item / partition.group_splits * partition.batch,
                     part = item % partition.group_splits;
  const std::int64_t count = std::min(partition.batch, tiles.count() - first);
  WinogradJob job = winograd_job(p, a);
  job.batch = partition.batch;
  const std::int64_t in_size = kWinogradPoints * point_stride(p.total_in_channels(), job.batch);
  float* const transformed =
      scratch(static_cast<std::size_t>(in_size + kWinogradPoints * point_stride(kWinogradGroup, job.batch)));
  float* const products = transformed + in_size;
  // Calls visit(image, x0) for a tile, after setting the job's position to it.
  const auto at_tile = [&](std::int64_t t, const auto& visit) {
    const std::int64_t tile = first + t, of_image = tile % tiles.per_image(),
                       image = tile / tiles.per_image();
    const auto columns = static_cast<std::int64_t>(tiles.columns.size());
    job.in = image_maps(p, a.in, image);
    job.y0 = tiles.rows[static_cast<std::size_t>(of_image / columns)];
    visit(image, tiles.columns[static_cast<std::size_t>(of_image % columns)]);
  };
  for (std::int64_t t = 0; t < count; ++t) {
    if (t + 1 < count)
      at_tile(t + 1, [&](std::int64_t /*image*/, std::int64_t x0) { prefetch_inputs(job, x0); });
    at_tile(t, [&](std::int64_t /*image*/, std::int64_t x0) { transform_tile(job, x0, t, transformed); });
  }
  for (std::int64_t group = job.groups * part / partition.group_splits;
       group < job.groups * (part + 1) / partition.group_splits; ++group) {
    if (!(group * kWinogradGroup < p.out_map_channels() ? a.out : a.second_out)) continue;
    for (std::int64_t t = 0; t < count; ++t)
      at_tile(t, [&](std::int64_t image, std::int64_t x0) {
        prefetch_residual(Epilogue(p, a, image), job, x0, group);
      });
    multiply<kWinogradGroup>(job, transformed, count, group, products);
    for (std::int64_t t = 0; t < count; ++t)
      at_tile(t, [&](std::int64_t image, std::int64_t x0) {
        const Epilogue epilogue(p, a, image);
        inverse_transform_tile<1, kWinogradGroup>(
            job, products, t, x0, group,
            [&](V(&sum)[1], std::int64_t y, std::int64_t x, std::int64_t channel) {
              epilogue(sum[0], y, x, channel);
            });
      });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels {

Conv2dAlgorithm fastest_algorithm(const Conv2dProblem& problem) {
  if (cpu::winograd_supports(problem)) return Conv2dAlgorithm::kWinograd;
  return cpu::rgb_output_supports(problem) ? Conv2dAlgorithm::kRgbOutput : Conv2dAlgorithm::kDirect;
}

namespace cpu {

HWY_EXPORT(conv2d_direct_row);
HWY_EXPORT(conv2d_rgb_row);
HWY_EXPORT(conv2d_winograd_rows);
HWY_EXPORT(conv2d_winograd_item);

std::int64_t packed_conv2d_size(const Context& /*context*/, const Conv2dProblem& p) {
  const std::int64_t filters = p.total_in_channels() * p.out_channels, taps = p.kernel * p.kernel;
  if (p.algorithm == Conv2dAlgorithm::kWinograd) return kWinogradPoints * filters;
  if (p.algorithm == Conv2dAlgorithm::kRgbOutput) return taps * filters;
  const std::int64_t blocks = (p.out_channels + kDirectBlock - 1) / kDirectBlock;
  return taps * p.total_in_channels() * blocks * kDirectBlock;
}

void pack_conv2d(const Context& /*context*/, const Conv2dProblem& p, const float* weight, float* packed) {
  if (p.algorithm == Conv2dAlgorithm::kDirect) return pack_direct(p, weight, packed);
  if (p.algorithm == Conv2dAlgorithm::kRgbOutput) return pack_rgb_output(p, weight, packed);
  pack_winograd(
      weight, p.total_in_channels(), p.out_channels, kWinogradGroup,
      [](std::int64_t group, std::int64_t lane) { return group * kWinogradGroup + lane; }, packed);
}

namespace {

/// Whether every pixel is computed independently of its position, so that the whole batch can be treated as
/// one row.
bool is_pointwise(const Conv2dProblem& p, const Conv2dArguments<>& a) {
  return p.kernel == 1 && p.stride == 1 && p.padding == 0 && !a.scale && !a.shifted_sums;
}
/// Columns of that row per job.
constexpr std::int64_t kPointwiseColumns = 48;

void conv2d_direct(const Conv2dProblem& p, const Conv2dArguments<>& a) {
  Conv2dProblem rows = p;
  std::int64_t columns = std::max<std::int64_t>(p.out_w(), 1);
  if (is_pointwise(p, a)) {
    rows.w *= p.n * p.h;
    rows.n = rows.h = 1;
    columns = kPointwiseColumns;
  }
  const std::int64_t pieces = (rows.out_w() + columns - 1) / columns;
  parallel_for(rows.n * rows.out_h() * pieces, [&](std::int64_t job) {
    const std::int64_t row = job / pieces, x = job % pieces * columns;
    HWY_DYNAMIC_DISPATCH(conv2d_direct_row)
    (rows, a, row / rows.out_h(), row % rows.out_h(), x, std::min(x + columns, rows.out_w()));
  });
}

}  // namespace

void conv2d(const Context& /*context*/, const Conv2dProblem& problem, const Conv2dArguments<>& arguments) {
  if (problem.algorithm == Conv2dAlgorithm::kDirect) return conv2d_direct(problem, arguments);
  if (problem.algorithm == Conv2dAlgorithm::kRgbOutput) {
    const std::int64_t rows = problem.out_h();
    parallel_for(problem.n * rows, [&](std::int64_t job) {
      HWY_DYNAMIC_DISPATCH(conv2d_rgb_row)(problem, arguments, job / rows, job % rows);
    });
    return;
  }
  const WinogradTiles tiles(problem);
  if (arguments.shifted_sums) {  // need whole rows
    const auto jobs = static_cast<std::int64_t>(tiles.rows.size());
    parallel_for(problem.n * jobs, [&](std::int64_t job) {
      HWY_DYNAMIC_DISPATCH(conv2d_winograd_rows)
      (problem, arguments, job / jobs, tiles.rows[static_cast<std::size_t>(job % jobs)]);
    });
    return;
  }
  const WinogradPartition partition(problem, tiles);
  parallel_for(partition.batches * partition.group_splits, [&](std::int64_t item) {
    HWY_DYNAMIC_DISPATCH(conv2d_winograd_item)(problem, arguments, tiles, partition, item);
  });
}

}  // namespace cpu
}  // namespace sapnet::kernels
#endif
