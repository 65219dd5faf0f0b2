#include "tests/kernels/cuda_implementation.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "engine/cuda.h"
#include "engine/error.h"
#include "tests/catch.h"
#include "tests/kernels/close.h"
#include "tests/kernels/cuda_vision.h"
#include "tests/kernels/device_memory.h"

namespace sapnet::tests {
namespace {

using engine::DType;
using engine::Half;

/// The operations of the deraining networks and of their training; CudaVision has the rest.
template <class T>
class CudaNetworks : public Implementation {
 public:
  std::string name() const override { return "cuda " + std::string(to_string(maps())); }
  DType maps() const override { return engine::kDTypeOf<T>; }

  bool supports(const kernels::Conv2dProblem& /*problem*/) const override { return true; }
  bool supports(const kernels::ConvLstmProblem& p) const override {
    return kernels::cuda::supports_conv_lstm(p);
  }
  bool supports(const kernels::AttendedConvProblem& p) const override {
    return kernels::cuda::supports_attended_conv(p);
  }

  double tolerance(const kernels::Conv2dProblem& p, double magnitude, double /*filter_norm*/,
                   double /*in_limit*/, double /*bias*/) const override {
    // Products of fp16 numbers are exact in fp32; sums are fp32 for both.
    return sum_tolerance(static_cast<double>(p.total_in_channels() * p.kernel * p.kernel) + 1, magnitude);
  }

  void conv2d(const kernels::Conv2dProblem& p, const kernels::Conv2dArguments& a) const override {
    const std::int64_t pixels = p.n * p.h * p.w,
                       out_size = p.n * p.out_h() * p.out_w() * p.out_map_channels();
    DeviceArray<T> in0(a.in[0], pixels * p.in_channels[0]), in1(a.in[1], pixels * p.in_channels[1]);
    DeviceArray<T> weight(packed(p, a.weight)), residual(a.residual, a.residual ? out_size : 0);
    DeviceArray<T> separate_out(nullptr, a.out ? out_size : 0),
        pre_residual(nullptr, a.pre_residual ? out_size : 0);
    DeviceArray<T> second_residual(a.second_residual, a.second_residual ? out_size : 0);
    DeviceArray<T> separate_second(nullptr, a.second_out ? out_size : 0);
    DeviceArray<float> bias(a.bias, a.bias ? p.out_channels : 0),
        scale(a.scale, a.scale ? p.n * p.out_channels : 0);
    Sums sums(a.shifted_sums != nullptr, p.n, kernels::cuda::conv2d_partials(p), p.out_channels);
    DeviceArray<T>& out = a.residual == a.out ? residual : separate_out;
    DeviceArray<T>& second_out = a.second_residual == a.second_out ? second_residual : separate_second;
    kernels::BasicConv2dArguments<T> arguments;
    arguments.in = {in0.data(), in1.data()};
    arguments.weight = weight.data();
    arguments.bias = bias.data();
    arguments.scale = scale.data();
    arguments.residual = residual.data();
    arguments.relu = a.relu;
    arguments.relu_after_residual = a.relu_after_residual;
    arguments.out = out.data();
    arguments.pre_residual = pre_residual.data();
    arguments.shifted_sums = sums.data();
    arguments.sums_dilation = a.sums_dilation;
    arguments.second_residual = second_residual.data();
    arguments.second_out = second_out.data();
    kernels::cuda::conv2d(p, arguments, cuda::stream());
    out.read_to(a.out);
    second_out.read_to(a.second_out);
    pre_residual.read_to(a.pre_residual);
    sums.read_to(a.shifted_sums);
    for (DeviceArray<T>* array :
         {&in0, &in1, &weight, &residual, &separate_out, &second_residual, &separate_second})
      array->read_to(nullptr);
  }

  void conv_lstm(const kernels::ConvLstmProblem& p, const kernels::ConvLstmArguments& a) const override {
    const std::int64_t pixels = p.n * p.h * p.w, states = pixels * p.hidden;
    std::vector<T> packed_weight(kernels::cuda::packed_conv_lstm_size(p));
    kernels::cuda::pack_conv_lstm<T>(p, a.weight, packed_weight.data());
    DeviceArray<T> x(a.x, pixels * p.in_channels), h(a.h, a.h ? states : 0), weight(packed_weight);
    DeviceArray<T> h_out(nullptr, states), gates(nullptr, a.gates ? 4 * states : 0);
    DeviceArray<float> c(a.c, a.c ? states : 0), separate_c_out(nullptr, states), bias(a.bias, 4 * p.hidden);
    Sums sums(a.shifted_sums != nullptr, p.n, kernels::cuda::conv_lstm_partials(p), p.hidden);
    DeviceArray<float>& c_out = a.c == a.c_out ? c : separate_c_out;
    kernels::BasicConvLstmArguments<T> arguments;
    arguments.x = x.data();
    arguments.h = h.data();
    arguments.c = c.data();
    arguments.weight = weight.data();
    arguments.bias = bias.data();
    arguments.h_out = h_out.data();
    arguments.c_out = c_out.data();
    arguments.gates = gates.data();
    arguments.shifted_sums = sums.data();
    kernels::cuda::conv_lstm(p, arguments, cuda::stream());
    h_out.read_to(a.h_out);
    c_out.read_to(a.c_out);
    gates.read_to(a.gates);
    sums.read_to(a.shifted_sums);
    for (DeviceArray<T>* array : {&x, &h, &weight}) array->read_to(nullptr);
    for (DeviceArray<float>* array : {&c, &separate_c_out, &bias}) array->read_to(nullptr);
  }

  void attended_conv(const kernels::AttendedConvProblem& p,
                     const kernels::AttendedConvArguments& a) const override {
    const std::int64_t size = p.n * p.h * p.w * p.c;
    Attention attention(p, a);
    DeviceArray<T> in(a.in, size), weight(packed(p.conv(), a.weight));
    DeviceArray<T> residual(a.residual, a.residual ? size : 0), separate_out(nullptr, size);
    Sums sums(a.out_shifted_sums != nullptr, p.n, kernels::cuda::conv2d_partials(p.conv()), p.c);
    DeviceArray<T>& out = a.residual == a.out ? residual : separate_out;
    kernels::BasicAttendedConvArguments<T> arguments = attention.arguments();
    arguments.in = in.data();
    arguments.packed = weight.data();
    arguments.residual = residual.data();
    arguments.out = out.data();
    arguments.out_shifted_sums = sums.data();
    kernels::cuda::attended_conv(p, arguments, attention.workspace.data(), cuda::stream());
    out.read_to(a.out);
    sums.read_to(a.out_shifted_sums);
    for (DeviceArray<T>* array : {&in, &weight, &residual, &separate_out}) array->read_to(nullptr);
  }

  void attention_scale(const kernels::AttendedConvProblem& p, const kernels::AttendedConvArguments& a,
                       float* scale) const override {
    Attention attention(p, a);
    kernels::cuda::attention_scale(p, attention.arguments(), attention.workspace.data(), cuda::stream());
    const std::vector<float> workspace = attention.workspace.read();
    std::copy_n(workspace.begin(), p.n * p.c, scale);
  }

  void shifted_sums(const kernels::ShiftedSumsProblem& p, const float* in, float* out) const override {
    DeviceArray<T> map(in, p.n * p.h * p.w * p.c);
    Sums sums(true, p.n, kernels::cuda::shifted_sums_partials(p.h), p.c);
    kernels::cuda::shifted_sums(p, map.data(), sums.data(), cuda::stream());
    sums.read_to(out);
    map.read_to(nullptr);
  }

  std::int64_t shifted_sums_partials(std::int64_t /*h*/) const override { return 1; }

  double wgrad_tolerance(const kernels::Conv2dProblem& p, double magnitude, double /*sum_norm*/,
                         double /*in_limit*/) const override {
    return sum_tolerance(static_cast<double>(p.n * p.out_h() * p.out_w()), magnitude) + rounding(magnitude);
  }

  void conv2d_wgrad(const kernels::Conv2dProblem& p, const kernels::Conv2dWgradArguments& a) const override {
    wgrad<T, T>(p, a);
  }

  void conv2d_wgrad_of_images(const kernels::Conv2dProblem& p,
                              const kernels::Conv2dWgradArguments& a) const override {
    if (p.total_in_channels() < p.out_channels)
      wgrad<float, T>(p, a);
    else
      wgrad<T, float>(p, a);
  }

  void conv2d_epilogue_backward(const kernels::Conv2dProblem& p,
                                const kernels::Conv2dEpilogueBackwardArguments& a) const override {
    const std::int64_t size = p.n * p.out_h() * p.out_w() * p.out_channels;
    const auto map = [&](const float* host) { return host ? size : 0; };
    const auto per_image = [&](const float* host) { return host ? p.n * p.out_channels : 0; };
    Floats scale(a.scale, per_image(a.scale)), shift(a.shift, per_image(a.shift));
    DeviceArray<T> dout(a.dout, size), out(a.out, map(a.out)),
        pre_residual(a.pre_residual, map(a.pre_residual)), separate_grad_preactivation(nullptr, size),
        before(a.dresidual_before, map(a.dresidual_before)), separate_dresidual(nullptr, map(a.dresidual));
    DeviceArray<T>& grad_preactivation = a.grad_preactivation == a.dout ? dout : separate_grad_preactivation;
    DeviceArray<T>& dresidual = a.dresidual == a.dresidual_before ? before : separate_dresidual;
    kernels::cuda::conv2d_epilogue_backward<T>(p,
                                               {.dout = dout.data(),
                                                .out = out.data(),
                                                .pre_residual = pre_residual.data(),
                                                .scale = scale.data(),
                                                .shift = shift.data(),
                                                .grad_preactivation = grad_preactivation.data(),
                                                .dresidual_before = before.data(),
                                                .dresidual = dresidual.data()},
                                               cuda::stream());
    grad_preactivation.read_to(a.grad_preactivation);
    dresidual.read_to(a.dresidual);
    for (DeviceArray<T>* array :
         {&dout, &out, &pre_residual, &separate_grad_preactivation, &before, &separate_dresidual})
      array->read_to(nullptr);
    for (Floats* array : {&scale, &shift}) array->read_to(nullptr);
  }

  void attended_conv_backward(const kernels::AttendedConvProblem& p,
                              const kernels::AttendedConvBackwardArguments& a) const override {
    const std::int64_t size = p.n * p.h * p.w * p.c;
    kernels::AttendedConvArguments forward;
    forward.shifted_sums = a.shifted_sums;
    forward.partials = a.partials;
    forward.weight = a.weight;
    forward.bias = a.bias;
    forward.w1 = a.w1;
    forward.w2 = a.w2;
    forward.w3 = a.w3;
    Attention attention(p, forward);
    const auto map = [&](const float* host) { return host ? size : 0; };
    DeviceArray<T> dout(a.dout, size), out(a.out, size), pre_residual(a.pre_residual, map(a.pre_residual)),
        separate_dy(nullptr, size), before(a.dresidual_before, map(a.dresidual_before)),
        dresidual(nullptr, map(a.dresidual));
    Floats dw1(a.dw1, p.hidden * p.c), dw2(a.dw2, p.c * p.hidden), dw3(a.dw3, p.c * p.c),
        workspace(kernels::cuda::attended_conv_backward_workspace(p, a.partials));
    DeviceArray<T>& dy = a.dy == a.dout ? dout : separate_dy;
    kernels::cuda::attended_conv_backward<T>(p,
                                             {.dout = dout.data(),
                                              .out = out.data(),
                                              .pre_residual = pre_residual.data(),
                                              .shifted_sums = attention.sums.data(),
                                              .partials = a.partials,
                                              .weight = attention.weight.data(),
                                              .bias = attention.bias.data(),
                                              .w1 = attention.w1.data(),
                                              .w2 = attention.w2.data(),
                                              .w3 = attention.w3.data(),
                                              .dy = dy.data(),
                                              .dresidual_before = before.data(),
                                              .dresidual = dresidual.data(),
                                              .dw1 = dw1.data(),
                                              .dw2 = dw2.data(),
                                              .dw3 = dw3.data()},
                                             workspace.data(), cuda::stream());
    dy.read_to(a.dy);
    dresidual.read_to(a.dresidual);
    dw1.read_to(a.dw1);
    dw2.read_to(a.dw2);
    dw3.read_to(a.dw3);
    for (DeviceArray<T>* array : {&dout, &out, &pre_residual, &separate_dy, &before}) array->read_to(nullptr);
    workspace.read_to(nullptr);
  }

  void conv_lstm_backward(const kernels::ConvLstmProblem& p,
                          const kernels::ConvLstmBackwardArguments& a) const override {
    const std::int64_t size = p.n * p.h * p.w * p.hidden;
    const auto map = [&](const float* host) { return host ? size : 0; };
    DeviceArray<T> gates(a.gates, 4 * size), h_out(a.h_out, size), dh_out(a.dh_out, a.dh_out ? size : 0),
        separate_dgates(nullptr, 4 * size);
    Floats c(a.c, map(a.c)), dc_out(a.dc_out, map(a.dc_out)), separate_dc(nullptr, map(a.dc));
    DeviceArray<T>& dgates = a.dgates == a.gates ? gates : separate_dgates;
    Floats& dc = a.dc == a.dc_out ? dc_out : separate_dc;
    kernels::cuda::conv_lstm_backward<T>(p,
                                         {.gates = gates.data(),
                                          .c = c.data(),
                                          .h_out = h_out.data(),
                                          .dh_out = dh_out.data(),
                                          .dc_out = dc_out.data(),
                                          .dgates = dgates.data(),
                                          .dc = a.dc ? dc.data() : nullptr},
                                         cuda::stream());
    dgates.read_to(a.dgates);
    dc.read_to(a.dc);
    for (DeviceArray<T>* array : {&gates, &h_out, &dh_out, &separate_dgates}) array->read_to(nullptr);
    for (Floats* array : {&c, &dc_out, &separate_dc}) array->read_to(nullptr);
  }

  double ssim(const kernels::SsimProblem& p, const kernels::SsimArguments& a) const override {
    Floats x(a.x, p.count()), y(a.y, p.count()), derivatives(nullptr, a.derivatives ? 3 * p.count() : 0),
        value(nullptr, 1), workspace(kernels::cuda::ssim_workspace(p));
    kernels::cuda::ssim(p, {.x = x.data(), .y = y.data(), .derivatives = derivatives.data()},
                        workspace.data(), value.data(), cuda::stream());
    derivatives.read_to(a.derivatives);
    for (Floats* array : {&x, &y, &workspace}) array->read_to(nullptr);
    return static_cast<double>(value.read()[0]);
  }

  void ssim_backward(const kernels::SsimProblem& p, const kernels::SsimBackwardArguments& a) const override {
    Floats x(a.x, p.count()), y(a.y, p.count()), derivatives(a.derivatives, 3 * p.count()),
        dvalue(a.dvalue, 1), dx(nullptr, p.count());
    kernels::cuda::ssim_backward(p,
                                 {.x = x.data(),
                                  .y = y.data(),
                                  .derivatives = derivatives.data(),
                                  .dvalue = dvalue.data(),
                                  .dx = dx.data()},
                                 cuda::stream());
    dx.read_to(a.dx);
    for (Floats* array : {&x, &y, &derivatives, &dvalue}) array->read_to(nullptr);
  }

  void adam(const kernels::AdamArguments& a) const override {
    Floats values(a.values, a.count), gradients(a.gradients, a.count), first(a.first_moments, a.count),
        second(a.second_moments, a.count), ema(a.ema, a.ema ? a.count : 0), checked(a.checked, a.checks);
    Floats factors(reinterpret_cast<const float*>(a.factors), sizeof *a.factors / sizeof(float));
    kernels::AdamArguments arguments = a;
    arguments.factors = reinterpret_cast<const kernels::AdamFactors*>(factors.data());
    arguments.values = values.data();
    arguments.gradients = gradients.data();
    arguments.first_moments = first.data();
    arguments.second_moments = second.data();
    arguments.ema = ema.data();
    arguments.checked = checked.data();
    kernels::cuda::adam(arguments, cuda::stream());
    values.read_to(a.values);
    first.read_to(a.first_moments);
    second.read_to(a.second_moments);
    ema.read_to(a.ema);
    for (Floats* array : {&gradients, &checked, &factors}) array->read_to(nullptr);
  }

  void norm(std::int64_t count, const kernels::NormArguments& a) const override {
    Floats x(a.a, count), y(a.b, a.b ? count : 0), value(nullptr, 1),
        workspace(kernels::cuda::norm_workspace(count));
    kernels::cuda::norm(count, {.a = x.data(), .b = y.data(), .value = value.data()}, workspace.data(),
                        cuda::stream());
    value.read_to(a.value);
    for (Floats* array : {&x, &y, &workspace}) array->read_to(nullptr);
  }

 private:
  template <class In, class Grad>
  static void wgrad(const kernels::Conv2dProblem& p, const kernels::Conv2dWgradArguments& a) {
    const std::int64_t pixels = p.n * p.h * p.w;
    std::deque<DeviceArray<In>> maps;
    std::deque<DeviceArray<Grad>> sums;
    std::vector<kernels::BasicWgradInput<In, Grad>> inputs;
    for (const kernels::WgradInput& input : a.inputs) {
      for (std::size_t k = 0; k < 2; ++k)
        maps.emplace_back(input.in[k], input.in[k] ? pixels * p.in_channels[k] : 0);
      sums.emplace_back(input.grad_preactivation, p.n * p.out_h() * p.out_w() * p.out_channels);
      inputs.push_back({{maps[maps.size() - 2].data(), maps.back().data()}, sums.back().data()});
    }
    Floats dweight(a.dweight, p.out_channels * p.total_in_channels() * p.kernel * p.kernel),
        dbias(a.dbias, a.dbias ? p.out_channels : 0),
        workspace(kernels::cuda::conv2d_wgrad_workspace(p, inputs.size()));
    kernels::cuda::conv2d_wgrad<In, Grad>(
        p, {.inputs = inputs, .dweight = dweight.data(), .dbias = dbias.data()}, workspace.data(),
        cuda::stream());
    dweight.read_to(a.dweight);
    dbias.read_to(a.dbias);
    for (DeviceArray<In>& array : maps) array.read_to(nullptr);
    for (DeviceArray<Grad>& array : sums) array.read_to(nullptr);
    workspace.read_to(nullptr);
  }

  /// The inputs of the attention scale.
  struct Attention {
    Attention(const kernels::AttendedConvProblem& p, const kernels::AttendedConvArguments& a)
        : partials(a.partials),
          workspace(nullptr,
                    static_cast<std::int64_t>(kernels::cuda::attended_conv_workspace(p, a.partials))),
          sums(a.shifted_sums, p.n * a.partials * 9 * p.c),
          weight(a.weight, p.c * p.c * 9),
          bias(a.bias, p.c),
          w1(a.w1, p.hidden * p.c),
          w2(a.w2, p.c * p.hidden),
          w3(a.w3, p.c * p.c) {}

    kernels::BasicAttendedConvArguments<T> arguments() {
      kernels::BasicAttendedConvArguments<T> arguments;
      arguments.shifted_sums = sums.data();
      arguments.partials = partials;
      arguments.weight = weight.data();
      arguments.bias = bias.data();
      arguments.w1 = w1.data();
      arguments.w2 = w2.data();
      arguments.w3 = w3.data();
      return arguments;
    }

    std::int64_t partials;
    DeviceArray<float> workspace, sums, weight, bias, w1, w2, w3;
  };

  static std::vector<T> packed(const kernels::Conv2dProblem& p, const float* weight) {
    std::vector<T> packed(kernels::cuda::packed_conv2d_size(p));
    kernels::cuda::pack_conv2d<T>(p, weight, packed.data());
    return packed;
  }
};

}  // namespace

const Implementations& cuda_implementations() {
  static const auto all = [] {
    Implementations list;
    list.push_back(std::make_unique<CudaVision<float, CudaNetworks<float>>>());
    list.push_back(std::make_unique<CudaVision<Half, CudaNetworks<Half>>>());
    return list;
  }();
  return all;
}

}  // namespace sapnet::tests
