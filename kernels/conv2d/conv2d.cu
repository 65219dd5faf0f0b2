#include <type_traits>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/epilogue.cuh"
#include "kernels/conv2d/generic.cuh"
#include "kernels/conv2d/igemm.cuh"
#include "kernels/conv2d/rows.cuh"
#include "kernels/conv2d/thin.cuh"
#include "kernels/conv2d/warp_tile.cuh"
#include "kernels/elementwise.cuh"
#include "kernels/half.h"
#include "kernels/matmul/matmul.h"
#include "kernels/shifted_sums/shifted_sums.cuh"
#include "kernels/shifted_sums/shifted_sums.h"

namespace sapnet::kernels::cuda {
namespace {

// --- epilogue of a warp tile (warp_tile.cuh) ---

constexpr int kLaneChannels = warp_tile::kOutputs / 4;

/// The output channel stored at an index of the packed weights; chosen so that a lane's eight channels are
/// contiguous.
__host__ __device__ constexpr int channel_of(int index) {
  const int n = index / 8 % 4, t = index / 2 % 4, e = index % 2;
  return index / warp_tile::kOutputs * warp_tile::kOutputs + t * kLaneChannels + n * 2 + e;
}

/// Applies the epilogue to a lane's pixel p, p < 2 · kTiles, stores it and returns the stored values. at: the
/// offset of its first channel in the map.
template <class T, int kTiles>
__device__ __forceinline__ gpu::Pack<T, kLaneChannels> store_pixel(const Epilogue<T>& to, std::size_t at,
                                                                   const warp_tile::SumsOf<kTiles>& sums,
                                                                   int p, const float (&bias)[kLaneChannels],
                                                                   const float (&scale)[kLaneChannels]) {
  using Channels = gpu::Pack<T, kLaneChannels>;
  Channels residual = {};
  if (to.residual) residual = Channels::load(to.residual + at);
  float values[kLaneChannels];
#pragma unroll
  for (int c = 0; c < kLaneChannels; ++c) {
    const float sum = sums[p / 2][c / 2][p % 2 * 2 + c % 2];
    values[c] = before_residual(to, (sum + bias[c]) * scale[c]);
  }
  if (to.residual) {
    if (to.pre_residual) gpu::pack<T>(values).store_global(to.pre_residual + at);
#pragma unroll
    for (int c = 0; c < kLaneChannels; ++c)
      values[c] = after_residual(to, values[c], gpu::to_float(residual.values[c]));
  }
  const Channels written = gpu::pack<T>(values);
  written.store_global(to.out + at);
  return written;
}

// --- 3×3 on maps of 32 channels, streaming rows (rows.cuh) ---

/// Writes rows for a slice of channels and accumulates their shifted sums.
template <class T, class Sums>
struct RowEpilogue {
  const Epilogue<T> to;
  int h, w, channel;  // channel: the lane's first
  float bias[kLaneChannels], scale[kLaneChannels];
  Sums& shifted_sums;

  /// channels: of all slices.
  __device__ RowEpilogue(const Epilogue<T>& epilogue, int map_h, int map_w, int slice, int channels,
                         Sums& sums)
      : to(epilogue.for_channel(slice * warp_tile::kOutputs)),
        h(map_h),
        w(map_w),
        channel(slice * warp_tile::kOutputs + static_cast<int>(threadIdx.x) % 4 * kLaneChannels),
        shifted_sums(sums) {
#pragma unroll
    for (int c = 0; c < kLaneChannels; ++c) {
      bias[c] = to.bias ? to.bias[channel + c] : 0;
      scale[c] = to.scale ? to.scale[static_cast<int>(blockIdx.z) * channels + channel + c] : 1;
    }
  }

  /// Writes 16 · kTiles pixels of row y.
  template <int kTiles>
  __device__ void operator()(int y, int x0, const warp_tile::SumsOf<kTiles>& sums) {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const std::size_t row = (static_cast<std::size_t>(blockIdx.z) * h + y) * w;
    shifted_sums.begin_row(y);
#pragma unroll
    for (int p = 0; p < 2 * kTiles; ++p) {
      const int x = x0 + warp_tile::pixel_of(lane, p / 2, p % 2 * 2);
      if (x >= w) continue;
      const std::size_t at = to.at(row + x, channel);
      const auto written = store_pixel(to, at, sums, p, bias, scale);
#pragma unroll
      for (int c = 0; c < kLaneChannels; ++c) shifted_sums.add(x, c, gpu::to_float(written.values[c]));
    }
  }
};

template <class T, int kIn, bool kWithSums>
__global__ void __launch_bounds__(rows::Rows<T, kIn>::kThreads, rows::kBlocks)
    conv2d_rows(rows::Input<T> input, Epilogue<T> to, int sums_dilation, float* sums) {
  using Rows = rows::Rows<T, kIn>;
  using Sums = gpu::ShiftedSums<Rows::kThreads / gpu::kWarp, kLaneChannels, kWithSums>;
  static_assert(Rows::shared_bytes(rows::max_dilation(kIn)) + Sums::kSharedBytes <= gpu::kMaxSharedBytes);
  Sums shifted_sums(input.h, input.w, sums_dilation);
  RowEpilogue epilogue(to, input.h, input.w, input.slice(), input.slices * rows::kOutputs, shifted_sums);
  if (!epilogue.to.out) return;
  Rows::compute(input, epilogue);
  rows::store_sums(input, shifted_sums, sums, rows::kOutputs);
}

template <class T, int kIn, bool kWithSums>
void launch_rows(const Conv2dProblem& p, const Conv2dArguments<T>& a, const Epilogue<T>& epilogue,
                 CudaStream stream) {
  using Rows = rows::Rows<T, kIn>;
  const auto input = rows::input(p, a.in, a.weight);
  gpu::launch(conv2d_rows<T, kIn, kWithSums>, rows::grid(input, p.n), Rows::kThreads,
              Rows::shared_bytes(input.dilation), stream, input, epilogue, static_cast<int>(a.sums_dilation),
              a.shifted_sums);
}

bool use_rows(const Conv2dProblem& p) {
  return rows::fits(p) && p.dilation <= rows::max_dilation(static_cast<int>(p.total_in_channels()));
}

// --- many channels, as an implicit GEMM (igemm.cuh) ---

template <class In, class Out>
__global__ void __launch_bounds__(igemm::kThreads, igemm::kBlocks)
    conv2d_igemm(igemm::Input<In> input, Epilogue<Out> all_maps) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const auto wanted = [&](int first_channel) { return all_maps.for_channel(first_channel).out != nullptr; };
  const auto epilogue = [&](int first_pixel, int first_channel, const warp_tile::Sums& sums) {
    const Epilogue<Out> to = all_maps.for_channel(first_channel);
    const int channel = first_channel + lane % 4 * kLaneChannels;
    float bias[kLaneChannels], scale[kLaneChannels];
#pragma unroll
    for (int c = 0; c < kLaneChannels; ++c) {
      bias[c] = to.bias ? to.bias[channel + c] : 0;
      scale[c] = 1;
    }
#pragma unroll
    for (int p = 0; p < warp_tile::kPixels / 8; ++p) {
      const int pixel = first_pixel + warp_tile::pixel_of(lane, p / 2, p % 2 * 2);
      if (pixel >= input.pixels) continue;
      if (to.scale) {
        const int image = pixel / input.out_w / input.out_h;
#pragma unroll
        for (int c = 0; c < kLaneChannels; ++c) scale[c] = to.scale[image * input.out_channels + channel + c];
      }
      store_pixel(to, to.at(static_cast<std::size_t>(pixel), channel), sums, p, bias, scale);
    }
  };
  igemm::Igemm<In>::compute(input, wanted, epilogue);
}

template <class In, class Out>
void launch_igemm(const Conv2dProblem& p, const Conv2dArguments<In, Out>& a, const Epilogue<Out>& epilogue,
                  CudaStream stream) {
  const auto input = igemm::input(p, a.in, a.weight);
  gpu::launch(conv2d_igemm<In, Out>,
              dim3(static_cast<unsigned>((input.pixels + igemm::kPixels - 1) / igemm::kPixels),
                   static_cast<unsigned>(p.out_channels / igemm::kOutputs)),
              igemm::kThreads, igemm::Igemm<In>::kSharedBytes, stream, input, epilogue);
}

bool use_igemm(const Conv2dProblem& p) {
  return p.in_channels[0] > 0 && p.in_channels[0] % igemm::kStep == 0 &&
         p.in_channels[1] % igemm::kStep == 0 && p.out_channels % igemm::kOutputs == 0;
}

// --- 3×3 from or to a thin map (thin.cuh) ---

using ThinInput = thin::Thin<thin::kThin, warp_tile::kOutputs>;
template <int kIn>
using ThinOutput = thin::Thin<kIn, thin::kChannels>;

template <class In>
__global__ void __launch_bounds__(thin::kThreads, ThinInput::kBlocks)
    conv2d_thin_input(thin::Input<In> input, int out_channels, Epilogue<Half> to) {
  using NoSums = gpu::ShiftedSums<thin::kThreads / gpu::kWarp, kLaneChannels, false>;
  NoSums no_sums(input.h, input.w, 0);
  RowEpilogue epilogue(to, input.h, input.w, static_cast<int>(blockIdx.y), out_channels, no_sums);
  ThinInput::compute(
      input, [](int column) { return channel_of(column); }, epilogue);
}

/// Writes rows of a thin output.
template <class T>
struct ThinEpilogue {
  const Epilogue<T>& to;
  int h, w, channels;
  float bias[2], scale[2];  // of the lane's two channels

  __device__ ThinEpilogue(const Epilogue<T>& epilogue, int map_h, int map_w, int map_channels)
      : to(epilogue), h(map_h), w(map_w), channels(map_channels) {
#pragma unroll
    for (int c = 0; c < 2; ++c) {
      const int channel = warp_tile::output_of(static_cast<int>(threadIdx.x) % gpu::kWarp, 0, c);
      const bool stored = channel < channels;
      bias[c] = to.bias && stored ? to.bias[channel] : 0;
      scale[c] = to.scale && stored ? to.scale[static_cast<int>(blockIdx.z) * channels + channel] : 1;
    }
  }

  __device__ void operator()(int y, int x0, const float (&sums)[1][1][4]) const {
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const std::size_t row = (static_cast<std::size_t>(blockIdx.z) * h + y) * w;
    const auto x = [&](int i) { return x0 + warp_tile::pixel_of(lane, 0, i); };
    const auto stored = [&](int i) { return x(i) < w && warp_tile::output_of(lane, 0, i) < channels; };
    const auto at = [&](int i) { return (row + x(i)) * channels + warp_tile::output_of(lane, 0, i); };
    float before[4];  // all loads are issued before the first store
#pragma unroll
    for (int i = 0; i < 4; ++i) before[i] = to.residual && stored(i) ? gpu::to_float(to.residual[at(i)]) : 0;
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (stored(i))
        to.out[at(i)] = gpu::from_float<T>(
            finish_output(to, at(i), (sums[0][0][i] + bias[i % 2]) * scale[i % 2], before[i]));
  }
};

template <int kIn, class Out>
__global__ void __launch_bounds__(thin::kThreads, ThinOutput<kIn>::kBlocks)
    conv2d_thin_output(thin::Input<Half> input, int out_channels, Epilogue<Out> to) {
  ThinEpilogue epilogue(to, input.h, input.w, out_channels);
  ThinOutput<kIn>::compute(
      input, [](int column) { return column; }, epilogue);
}

bool use_thin(const Conv2dProblem& p) { return thin::has_thin_input(p) || thin::has_thin_output(p); }

/// Uses the generic kernel's packed weights. Returns false if the other map is not fp16, so that the caller
/// falls back to the generic kernel.
template <class In, class Out>
bool launch_thin(const Conv2dProblem& p, const Conv2dArguments<In, Out>& a, const Epilogue<Out>& epilogue,
                 CudaStream stream) {
  const auto out_channels = static_cast<int>(p.out_channels);
  const auto input =
      thin::input(p, a.in, a.weight, static_cast<int>(generic::padded_channels(p.out_channels)));
  const auto launch = [&]<int kIn, int kOut>(thin::Thin<kIn, kOut>, auto* kernel) {
    const dim3 grid(static_cast<unsigned>(input.grid().blocks()),
                    static_cast<unsigned>((out_channels + kOut - 1) / kOut), static_cast<unsigned>(p.n));
    gpu::launch(kernel, grid, thin::kThreads, thin::Thin<kIn, kOut>::kSharedBytes, stream, input,
                out_channels, epilogue);
    return true;
  };
  if constexpr (std::is_same_v<Out, Half>)
    if (thin::has_thin_input(p)) return launch(ThinInput(), conv2d_thin_input<In>);
  if constexpr (std::is_same_v<In, Half>) {
    if (thin::has_thin_output(p))
      return p.in_channels[0] == 32 ? launch(ThinOutput<32>(), conv2d_thin_output<32, Out>)
                                    : launch(ThinOutput<64>(), conv2d_thin_output<64, Out>);
  }
  return false;
}

// --- 1×1, as a GEMM (cuBLAS) ---

/// Applies the epilogue to sums that are already in the output map.
template <class T>
struct MatmulEpilogue {
  Epilogue<T> to;
  std::int64_t channels, image_size;

  __device__ void operator()(std::int64_t k) const {
    to.out[k] = apply_epilogue(to, k, k % channels, k / image_size, channels, gpu::to_float(to.out[k]));
  }
};

/// Uses the generic kernel's packed weights, which then must need no padding.
bool use_matmul(const Conv2dProblem& p) {
  return p.kernel == 1 && p.stride == 1 && p.padding == 0 && p.in_channels[1] == 0 && p.out_maps == 1 &&
         generic::padded_channels(p.out_channels) == p.out_channels;
}

/// Returns false where the GEMM cannot be used, so that the caller falls back to the generic kernel: without
/// cuBLAS, with different input and output types, or if the GEMM would overwrite a residual that it cannot
/// add itself.
template <class In, class Out>
bool launch_matmul(const Context& context, const Conv2dProblem& p, const Conv2dArguments<In, Out>& a,
                   Epilogue<Out> epilogue) {
  const bool in_place = a.residual && a.residual == a.out;
  if (in_place && ((a.relu && !a.relu_after_residual) || a.scale || a.pre_residual)) return false;
  if constexpr (std::is_same_v<In, Out>) {
    if (!has_matmul()) return false;
    matmul(context, {.m = p.n * p.h * p.w, .n = p.out_channels, .k = p.in_channels[0], .add = in_place},
           a.in[0], a.weight, a.out);
    if (in_place) {  // already added by the GEMM
      epilogue.residual = nullptr;
      epilogue.relu_before_residual = epilogue.relu;
    }
    if (epilogue.bias || epilogue.scale || epilogue.residual || epilogue.relu) {
      const std::int64_t image_size = p.h * p.w * p.out_channels;
      gpu::for_each_element(p.n * image_size, context.stream,
                            MatmulEpilogue<Out>{epilogue, p.out_channels, image_size});
    }
    return true;
  }
  return false;
}

}  // namespace

Conv2dPath conv2d_path(const Conv2dProblem& p) {
  if (use_rows(p)) return Conv2dPath::kRows;
  if (use_matmul(p)) return Conv2dPath::kMatmul;
  if (use_thin(p)) return Conv2dPath::kThin;
  if (use_igemm(p)) return Conv2dPath::kIgemm;
  return Conv2dPath::kGeneric;
}

std::int64_t conv2d_partials(const Context& context, const Conv2dProblem& p) {
  return conv2d_path(p) == Conv2dPath::kRows ? rows::blocks_per_image(p)
                                             : shifted_sums_partials(context, p.out_h());
}

std::int64_t packed_conv2d_size(const Context& /*context*/, const Conv2dProblem& p) {
  return p.kernel * p.kernel * p.total_in_channels() * generic::padded_channels(p.out_channels);
}

namespace {

template <class T, class From, class To>
void pack(const Conv2dProblem& p, const From* weight, To* packed) {
  if (conv2d_path(p) == Conv2dPath::kRows) return rows::pack<T>(p, weight, channel_of, packed);
  if (conv2d_path(p) == Conv2dPath::kIgemm) return igemm::pack<T>(p, weight, channel_of, packed);
  generic::pack(p, weight, packed);
}

}  // namespace

template <class T>
void pack_conv2d(const Context& /*context*/, const Conv2dProblem& p, const float* weight, T* packed) {
  pack<T>(p, weight, packed);
}

template <class T>
void pack_conv2d_indices(const Conv2dProblem& p, const std::int32_t* indices, std::int32_t* packed) {
  pack<T>(p, indices, packed);
}

template <class In, class Out>
void conv2d(const Context& context, const Conv2dProblem& p, const Conv2dArguments<In, Out>& a) {
  const Epilogue<Out> epilogue = {a.bias,
                                  a.scale,
                                  a.residual,
                                  a.out,
                                  a.pre_residual,
                                  a.relu,
                                  a.relu && !(a.relu_after_residual && a.residual),
                                  a.second_residual,
                                  a.second_out,
                                  static_cast<int>(p.out_map_channels())};
  const Conv2dPath path = conv2d_path(p);
  if constexpr (std::is_same_v<In, Out>) {
    if (path == Conv2dPath::kRows) {
      const bool two = p.in_channels[1] > 0;
      const auto launch = a.shifted_sums ? two ? launch_rows<In, 64, true> : launch_rows<In, 32, true>
                          : two ? launch_rows<In, 64, false>
                                         : launch_rows<In, 32, false>;
      launch(p, a, epilogue, context.stream);
      return;
    }
  }
  const bool launched = (path == Conv2dPath::kMatmul && launch_matmul(context, p, a, epilogue)) ||
                        (path == Conv2dPath::kThin && launch_thin(p, a, epilogue, context.stream));
  if (path == Conv2dPath::kIgemm)
    launch_igemm(p, a, epilogue, context.stream);
  else if (!launched)
    generic::launch(p, a, epilogue, context.stream);
  if (a.shifted_sums) {
    shifted_sums<Out>(context, {p.n, p.out_h(), p.out_w(), p.out_channels, a.sums_dilation},
                      {a.out, a.shifted_sums});
  }
}

template void pack_conv2d(const Context&, const Conv2dProblem&, const float*, float*);
template void pack_conv2d(const Context&, const Conv2dProblem&, const float*, Half*);
template void pack_conv2d_indices<float>(const Conv2dProblem&, const std::int32_t*, std::int32_t*);
template void pack_conv2d_indices<Half>(const Conv2dProblem&, const std::int32_t*, std::int32_t*);
template void conv2d(const Context&, const Conv2dProblem&, const Conv2dArguments<float, float>&);
template void conv2d(const Context&, const Conv2dProblem&, const Conv2dArguments<float, Half>&);
template void conv2d(const Context&, const Conv2dProblem&, const Conv2dArguments<Half, float>&);
template void conv2d(const Context&, const Conv2dProblem&, const Conv2dArguments<Half, Half>&);

}  // namespace sapnet::kernels::cuda
