#include <array>
#include <utility>

#include "bench/kernels/make_work.h"
#include "bench/kernels/maps.h"
#include "engine/ops/attended_conv.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv_lstm.h"
#include "tests/reference/attended_conv.h"
#include "tests/reference/conv2d.h"
#include "tests/reference/conv_lstm.h"

namespace sapnet::bench {
namespace {

using engine::DType;
using engine::Execution;
using engine::Shape;
using engine::Tensor;
using engine::to_vector;
using kernels::Conv2dProblem;

/// Images and their gradients are fp32; maps have the execution's type.
DType stored_as(std::int64_t channels, const Execution& execution) {
  return channels == 3 ? DType::kFloat32 : execution.maps;
}

double map_bytes(const Case& what, std::int64_t channels, DType dtype) {
  return static_cast<double>(what.pixels() * channels) * static_cast<double>(size_of(dtype));
}

double weight_count(const Conv2dProblem& p) {
  return static_cast<double>(p.kernel * p.kernel * p.total_in_channels() * p.out_channels);
}

double flops(const Case& what) { return 2 * weight_count(what.conv()) * static_cast<double>(what.pixels()); }

Shape shape(const Case& what, std::int64_t channels) { return {what.n, what.h, what.w, channels}; }

Shape filter(std::int64_t out, std::int64_t in, std::int64_t kernel = 3) { return {out, in, kernel, kernel}; }

/// Empty for an absent map.
std::vector<float> values(const Tensor& tensor) { return tensor ? to_vector(tensor) : std::vector<float>(); }

Work conv2d_work(const Case& what, const Execution& execution) {
  const Conv2dProblem p = what.conv();
  const bool forward = what.pass == Pass::kForward;
  const DType from = stored_as(what.in[0], execution), to = stored_as(what.out, execution);
  const bool to_image = forward && what.out == 3;  // SAPNet's last convolution, which adds the rainy image
  Work work;
  work.cost = {flops(what), map_bytes(what, p.total_in_channels(), from) +
                                map_bytes(what, what.out, to) * (to_image ? 2 : 1) +
                                weight_count(p) * static_cast<double>(size_of(from))};
  work.sets = sets_of(work.cost.bytes, execution.device);
  work.peer = {p, what.pass, execution.maps, forward, forward && !to_image, 0};

  MapMaker make(execution.device);
  Execution reads = execution;
  reads.maps = from;
  const Tensor bias = forward ? make.bias(what.out) : Tensor();
  const auto weights = std::make_shared<engine::Conv2dWeights>(
      make.map(filter(what.out, p.total_in_channels(), what.kernel)), bias, what.in,
      engine::Conv2dGeometry{1, p.dilation, p.padding}, reads);
  const auto x = make.maps(work.sets, shape(what, what.in[0]), from);
  const auto y =
      what.in[1] > 0 ? make.maps(work.sets, shape(what, what.in[1]), from) : std::vector<Tensor>(work.sets);
  const auto residual =
      to_image ? make.maps(work.sets, shape(what, what.out), to) : std::vector<Tensor>(work.sets);
  const bool relu = forward && !to_image;
  work.run = [=](std::size_t k) {
    return std::vector{
        engine::conv2d(x[k], y[k], *weights, {.relu = relu, .residual = residual[k], .maps = to})};
  };
  work.expected = [=] {
    const auto first = values(x[0]), second = values(y[0]), added = values(residual[0]);
    const auto conv = reference::convolve(p, {first, second}, values(weights->weight()), values(bias));
    return reference::finish(p, conv.sum, {}, std::vector<double>(added.begin(), added.end()), relu);
  };
  return work;
}

/// dgrad is itself a convolution and is timed as one.
Work wgrad_work(const Case& what, const Execution& execution) {
  const Conv2dProblem p = what.conv();
  const DType from = stored_as(what.in[0], execution), to = stored_as(what.out, execution);
  Work work;
  work.cost = {flops(what), map_bytes(what, p.total_in_channels(), from) + map_bytes(what, what.out, to) +
                                2 * weight_count(p) * sizeof(float)};
  work.sets = sets_of(work.cost.bytes, execution.device);
  work.peer = {p, what.pass, execution.maps, false, false, 0};

  MapMaker make(execution.device);
  const auto x = make.maps(work.sets, shape(what, what.in[0]), from);
  const auto y =
      what.in[1] > 0 ? make.maps(work.sets, shape(what, what.in[1]), from) : std::vector<Tensor>(work.sets);
  const auto grad_preactivation = make.maps(work.sets, shape(what, what.out), to);
  Tensor weight = make.map(filter(what.out, p.total_in_channels())), bias = make.bias(what.out);
  weight.track(engine::zeros(weight.shape(), execution.device));
  bias.track(engine::zeros(bias.shape(), execution.device));
  Execution reads = execution;
  reads.maps = from;
  const auto weights = std::make_shared<engine::Conv2dWeights>(
      weight, bias, what.in, engine::Conv2dGeometry{1, p.dilation, p.padding}, reads, to);
  const auto use = [=](std::size_t k, std::int64_t number) {
    const auto part = [&](const Tensor& all) {
      Shape shape = all.shape();
      shape.n /= what.uses;
      return all.slice(number * shape.count(), shape);
    };
    return engine::WgradInput{part(x[k]), y[k] ? part(y[k]) : Tensor(), part(grad_preactivation[k])};
  };
  work.run = [=](std::size_t k) {
    std::vector<engine::WgradInput> uses;
    for (std::int64_t number = 0; number < what.uses; ++number) uses.push_back(use(k, number));
    engine::conv2d_wgrad(uses, *weights);
    return std::vector{*weights->weight().gradient()};
  };
  work.expected = [=] {
    const auto first = values(x[0]), second = values(y[0]);
    return reference::convolve_backward(p, {first, second}, values(grad_preactivation[0])).weight;
  };
  return work;
}

struct Lstm {
  std::shared_ptr<const engine::ConvLstmWeights> weights;
  std::vector<float> filters;  // for all gates
};

Lstm make_lstm(MapMaker& make, std::int64_t in, std::int64_t hidden, const Execution& execution) {
  std::array<Tensor, 4> weights, biases;
  Lstm lstm;
  for (Tensor& weight : weights) {
    weight = make.map(filter(hidden, in + hidden));
    const auto gate = to_vector(weight);
    lstm.filters.insert(lstm.filters.end(), gate.begin(), gate.end());
  }
  for (Tensor& bias : biases) bias = make.bias(hidden);
  lstm.weights = std::make_shared<engine::ConvLstmWeights>(weights, biases, execution);
  return lstm;
}

Work conv_lstm_work(const Case& what, const Execution& execution) {
  const std::int64_t in = what.in[0], hidden = what.in[1];
  const double cells = 2 * map_bytes(what, hidden, DType::kFloat32);  // read and written
  Work work;
  work.cost = {flops(what), map_bytes(what, in + 2 * hidden, execution.maps) + cells};
  work.sets = sets_of(work.cost.bytes, execution.device);
  work.peer = {what.conv(), what.pass, execution.maps,
               true,        false,     map_bytes(what, what.out + hidden, execution.maps) + cells};

  MapMaker make(execution.device);
  const Lstm lstm = make_lstm(make, in, hidden, execution);
  const auto x = make.maps(work.sets, shape(what, in), execution.maps);
  const auto h = make.maps(work.sets, shape(what, hidden), execution.maps);
  const auto c = make.maps(work.sets, shape(what, hidden), DType::kFloat32);
  work.run = [=](std::size_t k) {
    const auto [state, summed] = engine::conv_lstm(x[k], {h[k], c[k]}, *lstm.weights, 1);
    return std::vector{state.hidden, state.cell, summed.shifted_sums};
  };
  work.expected = [=] {
    return reference::conv_lstm(lstm.weights->problem(what.n, what.h, what.w), values(x[0]), values(h[0]),
                                values(c[0]), lstm.filters, values(lstm.weights->bias()))
        .h_out;
  };
  return work;
}

Work attended_conv_work(const Case& what, const Execution& execution) {
  const std::int64_t channels = what.out, squeezed = 2;
  const double map = map_bytes(what, channels, execution.maps);
  Work work;
  work.cost = {flops(what), 3 * map};
  work.sets = sets_of(work.cost.bytes, execution.device);
  // One pass for the mean, one for scale, residual and ReLU.
  work.peer = {what.conv(), what.pass, execution.maps, true, true, 4 * map};

  MapMaker make(execution.device);
  const engine::AttendedConvWeights attended(
      make.map(filter(channels, channels)), make.bias(channels), make.map(filter(squeezed, channels, 1)),
      make.map(filter(channels, squeezed, 1)), make.map(filter(channels, channels, 1)), what.dilation,
      execution);
  const auto weights = std::make_shared<engine::AttendedConvWeights>(attended);
  const Lstm lstm = make_lstm(make, channels, channels, execution);  // its maps include the gates' sums
  std::vector<engine::SummedMap> x;
  for (const Tensor& before : make.maps(work.sets, shape(what, channels), execution.maps))
    x.push_back(engine::conv_lstm(before, {}, *lstm.weights, what.dilation).hidden);
  const auto residual = make.maps(work.sets, shape(what, channels), execution.maps);
  work.run = [=](std::size_t k) {
    const engine::SummedMap out = engine::attended_conv(x[k], *weights, what.dilation, residual[k]);
    return std::vector{out.map, out.shifted_sums};
  };
  work.expected = [=] {
    return reference::attended_conv(weights->problem(what.n, what.h, what.w), values(x[0].map),
                                    values(weights->conv().weight()), values(weights->conv().bias()),
                                    values(weights->w1()), values(weights->w2()), values(weights->w3()),
                                    values(residual[0]))
        .out;
  };
  return work;
}

}  // namespace

Work make_convolution_work(const Case& what, const Execution& execution) {
  if (what.operation == Operation::kConvLstm) return conv_lstm_work(what, execution);
  if (what.operation == Operation::kAttendedConv) return attended_conv_work(what, execution);
  return what.pass == Pass::kWgrad ? wgrad_work(what, execution) : conv2d_work(what, execution);
}

}  // namespace sapnet::bench
