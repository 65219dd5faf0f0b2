#include "kernels/conv_lstm/conv_lstm.h"

#include "kernels/conv2d/packing.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/parallel.h"
#include "kernels/scratch.h"
#include "kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv_lstm/conv_lstm.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes first.
#include <hwy/contrib/math/math-inl.h>

#include "kernels/conv2d/direct-inl.h"
#include "kernels/conv2d/winograd-inl.h"
#include "kernels/shifted_sums/shifted_sums-inl.h"

#ifndef SAPNET_CONV_LSTM_GROUP  // shared by all instruction sets
#define SAPNET_CONV_LSTM_GROUP
namespace sapnet::kernels::cpu {
/// Winograd computes all four gates of sixteen hidden channels together.
inline constexpr std::int64_t kGateChannels = 16;
inline constexpr std::int64_t kLstmGroup = 4 * kGateChannels;
}  // namespace sapnet::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE V sigmoid(V x) {
  const V one = hn::Set(D(), 1.0F);
  // Highway's Exp is undefined where the result would overflow; beyond e^88 the sigmoid is zero anyway.
  const V exponent = hn::Min(hn::Neg(x), hn::Set(D(), 88.0F));
  return hn::Div(one, hn::Add(one, hn::Exp(D(), exponent)));
}

/// 2 σ(2x) - 1, with an absolute error of one rounding of 1, sufficient for a gate.
HWY_INLINE V tanh(V x) { return hn::MulSub(hn::Set(D(), 2.0F), sigmoid(hn::Add(x, x)), hn::Set(D(), 1.0F)); }

/// The cell's equations, for one image.
struct Cell {
  Cell(const ConvLstmProblem& p, const ConvLstmArguments<>& a, std::int64_t image)
      : hidden(p.hidden), width(p.w), bias(a.bias) {
    const std::int64_t map = image * p.h * p.w * p.hidden;
    if (a.c) c = a.c + map;
    c_out = a.c_out + map;
    h_out = a.h_out + map;
    if (a.gates) gates = a.gates + 4 * map;
  }

  HWY_INLINE void operator()(V i, V f, V g, V o, std::int64_t y, std::int64_t x, std::int64_t channel) const {
    const std::int64_t offset = (y * width + x) * hidden + channel;
    const auto gate_bias = [&](std::int64_t gate) { return hn::LoadU(D(), bias + gate * hidden + channel); };
    i = sigmoid(hn::Add(i, gate_bias(0)));
    g = tanh(hn::Add(g, gate_bias(2)));
    o = sigmoid(hn::Add(o, gate_bias(3)));
    V cell = hn::Mul(i, g);
    if (c || gates) f = sigmoid(hn::Add(f, gate_bias(1)));
    if (c) cell = hn::MulAdd(f, hn::LoadU(D(), c + offset), cell);
    hn::StoreU(cell, D(), c_out + offset);
    hn::StoreU(hn::Mul(o, tanh(cell)), D(), h_out + offset);
    if (!gates) return;
    float* const kept = gates + (y * width + x) * 4 * hidden + channel;
    hn::StoreU(i, D(), kept);
    hn::StoreU(f, D(), kept + hidden);
    hn::StoreU(g, D(), kept + 2 * hidden);
    hn::StoreU(o, D(), kept + 3 * hidden);
  }

  std::int64_t hidden, width;
  const float* bias;
  const float* c = nullptr;
  float* c_out;
  float* h_out;
  float* gates = nullptr;
};

/// The convolution of the maps that are present; without a hidden state the second has no channels.
inline Conv2dProblem used_part(const ConvLstmProblem& p, const ConvLstmArguments<>& a) {
  Conv2dProblem conv = p.conv();
  if (!a.h) conv.in_channels[1] = 0;
  return conv;
}

/// Adds row y of the new hidden state, which has just been written, to the shifted sums.
inline void sum_hidden_row(const ConvLstmProblem& p, const ConvLstmArguments<>& a, std::int64_t image,
                           std::int64_t y) {
  if (a.shifted_sums) sum_row({p.n, p.h, p.w, p.hidden, p.sums_dilation}, a.h_out, image, y, a.shifted_sums);
}

void conv_lstm_direct_row(const ConvLstmProblem& p, const ConvLstmArguments<>& a, std::int64_t image,
                          std::int64_t y) {
  const Conv2dProblem conv = p.conv();
  const std::int64_t gates = conv.out_channels;
  float* row = scratch(static_cast<std::size_t>(p.w * gates));
  const auto keep = [&](V sum, std::int64_t x, std::int64_t channel) {
    hn::StoreU(sum, D(), row + x * gates + channel);
  };
  direct_row(conv, image_maps(conv, {a.x, a.h}, image), a.weight, y, 0, p.w, keep);
  const Cell cell(p, a, image);
  for (std::int64_t x = 0; x < p.w; ++x)
    for (std::int64_t channel = 0; channel < p.hidden; channel += kLanes) {
      const auto gate = [&](std::int64_t k) {
        return hn::LoadU(D(), row + x * gates + k * p.hidden + channel);
      };
      cell(gate(0), gate(1), gate(2), gate(3), y, x, channel);
    }
  sum_hidden_row(p, a, image, y);
}

void conv_lstm_winograd_rows(const ConvLstmProblem& p, const ConvLstmArguments<>& a, std::int64_t image,
                             std::int64_t y0) {
  const Conv2dProblem conv = used_part(p, a);
  const Cell cell(p, a, image);
  const WinogradJob job = {.in = image_maps(conv, {a.x, a.h}, image),
                           .in_channels = conv.in_channels,
                           .h = p.h,
                           .w = p.w,
                           .packed = a.weight,
                           .packed_channels = p.conv().total_in_channels(),
                           .groups = p.hidden / kGateChannels,
                           .y0 = y0};
  winograd_rows<4, kLstmGroup>(
      job,
      [&](V(&gate)[4], std::int64_t y, std::int64_t x, std::int64_t channel) {
        cell(gate[0], gate[1], gate[2], gate[3], y, x, channel);
      },
      [&](const WinogradJob& tiles_job, std::int64_t x0, std::int64_t group) {
        if (cell.c) prefetch_outputs(tiles_job, x0, cell.c + group * kGateChannels, p.hidden, kGateChannels);
      });
  for (std::int64_t y = y0; y < std::min(y0 + 4, p.h); ++y) sum_hidden_row(p, a, image, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sapnet::kernels::cpu {

HWY_EXPORT(conv_lstm_direct_row);
HWY_EXPORT(conv_lstm_winograd_rows);

void pack_conv_lstm(const Context& /*context*/, const ConvLstmProblem& p, const float* weight,
                    float* packed) {
  const Conv2dProblem conv = p.conv();
  if (p.algorithm == Conv2dAlgorithm::kDirect) return pack_direct(conv, weight, packed);
  const auto channel_of = [&](std::int64_t group, std::int64_t lane) {
    return lane / kGateChannels * p.hidden + group * kGateChannels + lane % kGateChannels;
  };
  pack_winograd(weight, conv.total_in_channels(), conv.out_channels, kLstmGroup, channel_of, packed);
}

void conv_lstm(const Context& /*context*/, const ConvLstmProblem& problem,
               const ConvLstmArguments<>& arguments) {
  if (problem.algorithm == Conv2dAlgorithm::kDirect) {
    parallel_for(problem.n * problem.h, [&](std::int64_t job) {
      HWY_DYNAMIC_DISPATCH(conv_lstm_direct_row)(problem, arguments, job / problem.h, job % problem.h);
    });
  } else {
    const auto first_rows = winograd_first_rows(problem.h, 1);
    const auto jobs = static_cast<std::int64_t>(first_rows.size());
    parallel_for(problem.n * jobs, [&](std::int64_t job) {
      HWY_DYNAMIC_DISPATCH(conv_lstm_winograd_rows)
      (problem, arguments, job / jobs, first_rows[static_cast<std::size_t>(job % jobs)]);
    });
  }
}

}  // namespace sapnet::kernels::cpu
#endif
