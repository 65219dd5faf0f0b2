#include <type_traits>

#include "kernels/conv2d/rows.cuh"
#include "kernels/conv_lstm/conv_lstm.h"
#include "kernels/shifted_sums/shifted_sums.cuh"

namespace sapnet::kernels::cuda {
namespace {

constexpr int kGates = 4;
constexpr int kSliceHidden = rows::kOutputs / kGates;  // hidden channels per block, with all of their gates
constexpr int kLaneHidden = kSliceHidden / 4;

/// The output channel, gates in the order i, f, g, o, stored at an index of the packed weights; chosen so
/// that a lane has all gates of its hidden channels.
struct GateChannel {
  int hidden;
  int operator()(int index) const {
    return index / 8 % kGates * hidden + index / rows::kOutputs * kSliceHidden + index % 8;
  }
};

template <class T>
struct Cell {
  const float* c;  // null at the first step
  const float* bias;
  T* h_out;
  float* c_out;
  T* gates;  // null if not wanted
};

/// For fp16 maps, approximations: the absolute error of σ is at most 3·10⁻⁷ and that of tanh 6·10⁻⁷ (from the
/// errors in gpu.cuh), while rounding to fp16 adds up to 2·10⁻⁴.
template <class T>
__device__ __forceinline__ float sigmoid(float x) {
  constexpr float kLog2E = 1.44269504F;
  if constexpr (std::is_same_v<T, Half>)
    return gpu::approximate_reciprocal(1 + gpu::approximate_exp2(-kLog2E * x));
  return 1 / (1 + expf(-x));
}
template <class T>
__device__ __forceinline__ float hyperbolic_tangent(float x) {
  if constexpr (std::is_same_v<T, Half>) return 2 * sigmoid<T>(2 * x) - 1;
  return tanhf(x);
}

/// Computes the new state of a row from its gates and accumulates its shifted sums.
template <class T, class Sums>
struct CellEpilogue {
  const Cell<T>& cell;
  int h, w, hidden, channel;  // channel: the lane's first
  float bias[kGates][kLaneHidden];
  Sums& shifted_sums;

  __device__ CellEpilogue(const Cell<T>& to, const rows::Input<T>& input, Sums& sums)
      : cell(to),
        h(input.h),
        w(input.w),
        hidden(input.slices * kSliceHidden),
        channel(input.slice() * kSliceHidden + static_cast<int>(threadIdx.x) % 4 * kLaneHidden),
        shifted_sums(sums) {
#pragma unroll
    for (int gate = 0; gate < kGates; ++gate)
#pragma unroll
      for (int c = 0; c < kLaneHidden; ++c) bias[gate][c] = cell.bias[gate * hidden + channel + c];
  }

  __device__ void operator()(int y, int x0, const rows::Sums& sums) {
    using Cells = gpu::Pack<float, kLaneHidden>;
    const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
    const std::size_t row = (static_cast<std::size_t>(blockIdx.z) * h + y) * w;
    shifted_sums.begin_row(y);
#pragma unroll
    for (int p = 0; p < rows::kStrip / 8; ++p) {
      const int x = x0 + warp_tile::pixel_of(lane, p / 2, p % 2 * 2);
      if (x >= w) continue;
      const std::size_t at = (row + x) * hidden + channel;
      Cells before = {}, after;
      float h_out[kLaneHidden], gates[kGates][kLaneHidden];
      if (cell.c) before = Cells::load(cell.c + at);
#pragma unroll
      for (int c = 0; c < kLaneHidden; ++c) {
        const auto gate = [&](int k) { return sums[p / 2][k][p % 2 * 2 + c] + bias[k][c]; };
        const float i = sigmoid<T>(gate(0)), f = sigmoid<T>(gate(1));
        const float g = hyperbolic_tangent<T>(gate(2)), o = sigmoid<T>(gate(3));
        after.values[c] = f * before.values[c] + i * g;
        h_out[c] = o * hyperbolic_tangent<T>(after.values[c]);
        gates[0][c] = i;
        gates[1][c] = f;
        gates[2][c] = g;
        gates[3][c] = o;
      }
      after.store_global(cell.c_out + at);
      const auto written = gpu::pack<T>(h_out);
      written.store_global(cell.h_out + at);
#pragma unroll
      for (int c = 0; c < kLaneHidden; ++c) shifted_sums.add(x, c, gpu::to_float(written.values[c]));
      if (!cell.gates) continue;
#pragma unroll
      for (int gate = 0; gate < kGates; ++gate)
        gpu::pack<T>(gates[gate]).store_global(cell.gates + (kGates * (row + x) + gate) * hidden + channel);
    }
  }
};

/// kIn: 64, or 32 at the first step, when h is zero.
template <class T, int kIn, bool kWithSums>
__global__ void __launch_bounds__(rows::Rows<T, kIn>::kThreads, rows::kBlocks)
    conv_lstm_rows(rows::Input<T> input, Cell<T> cell, int sums_dilation, float* sums) {
  using Rows = rows::Rows<T, kIn>;
  using Sums = gpu::ShiftedSums<Rows::kThreads / gpu::kWarp, kLaneHidden, kWithSums>;
  static_assert(Rows::shared_bytes(1) + Sums::kSharedBytes <= gpu::kMaxSharedBytes);
  Sums shifted_sums(input.h, input.w, sums_dilation);
  CellEpilogue epilogue(cell, input, shifted_sums);
  Rows::compute(input, epilogue);
  rows::store_sums(input, shifted_sums, sums, kSliceHidden);
}

template <class T, int kIn, bool kWithSums>
void launch_rows(const ConvLstmProblem& p, const ConvLstmArguments<T>& a, CudaStream stream) {
  using Rows = rows::Rows<T, kIn>;
  const auto input = rows::input(p.conv(), {a.x, a.h}, a.weight);
  gpu::launch(conv_lstm_rows<T, kIn, kWithSums>, rows::grid(input, p.n), Rows::kThreads,
              Rows::shared_bytes(input.dilation), stream, input,
              Cell<T>{a.c, a.bias, a.h_out, a.c_out, a.gates}, static_cast<int>(p.sums_dilation),
              a.shifted_sums);
}

template <class T, class From, class To>
void pack(const ConvLstmProblem& p, const From* weight, To* packed) {
  rows::pack<T>(p.conv(), weight, GateChannel{static_cast<int>(p.hidden)}, packed);
}

}  // namespace

bool supports_conv_lstm(const Context& /*context*/, const ConvLstmProblem& p) {
  return p.in_channels == rows::kMapChannels && p.hidden == rows::kMapChannels;
}

template <class T>
void pack_conv_lstm(const Context& /*context*/, const ConvLstmProblem& p, const float* weight, T* packed) {
  pack<T>(p, weight, packed);
}

template <class T>
void pack_conv_lstm_indices(const ConvLstmProblem& p, const std::int32_t* indices, std::int32_t* packed) {
  pack<T>(p, indices, packed);
}

template <class T>
void conv_lstm(const Context& context, const ConvLstmProblem& p, const ConvLstmArguments<T>& a) {
  const auto launch = a.shifted_sums ? a.h ? launch_rows<T, 64, true> : launch_rows<T, 32, true>
                      : a.h ? launch_rows<T, 64, false>
                                     : launch_rows<T, 32, false>;
  launch(p, a, context.stream);
}

template void pack_conv_lstm(const Context&, const ConvLstmProblem&, const float*, float*);
template void pack_conv_lstm(const Context&, const ConvLstmProblem&, const float*, Half*);
template void pack_conv_lstm_indices<float>(const ConvLstmProblem&, const std::int32_t*, std::int32_t*);
template void pack_conv_lstm_indices<Half>(const ConvLstmProblem&, const std::int32_t*, std::int32_t*);
SAPNET_INSTANTIATE(conv_lstm, const ConvLstmProblem&, ConvLstmArguments);

}  // namespace sapnet::kernels::cuda
