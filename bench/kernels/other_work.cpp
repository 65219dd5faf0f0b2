#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "bench/kernels/make_work.h"
#include "bench/kernels/maps.h"
#include "engine/ops/adam.h"
#include "engine/ops/op.h"
#include "kernels/conv_lstm/conv_lstm.h"
#include "kernels/focal/focal.h"
#include "kernels/max_pool/max_pool.h"
#include "kernels/ssim/ssim.h"
#include "tests/reference/focal.h"
#include "tests/reference/max_pool.h"
#include "tests/reference/numeric_gradient.h"
#include "tests/reference/ssim.h"

namespace sapnet::bench {
namespace {

using engine::Device;
using engine::DType;
using engine::Execution;
using engine::Shape;
using engine::Tensor;

constexpr double kFloat = sizeof(float);

std::vector<double> doubles(const Tensor& tensor) {
  const auto values = engine::to_vector(tensor);
  return {values.begin(), values.end()};
}

constexpr Shape kOne = {1, 1, 1, 1};

/// Operations per value: the window takes 11 multiply-adds vertically and 11 horizontally, for five maps in
/// the forward and three in the backward pass.
constexpr double kSsimFlops = 5 * 2 * 22, kSsimBackwardFlops = 3 * 2 * 22;

Work ssim_work(const Case& what, const Execution& execution) {
  const kernels::SsimProblem p = {what.n, what.h, what.w, what.in[0]};
  const auto count = static_cast<double>(p.count());
  const bool forward = what.pass == Pass::kForward;
  Work work;
  work.cost = {count * (forward ? kSsimFlops : kSsimBackwardFlops), count * kFloat * (forward ? 5 : 6)};
  work.sets = sets_of(work.cost.bytes, execution.device);

  const Device device = execution.device;
  MapMaker make(device);
  const Shape shape = {p.n, p.h, p.w, p.c}, three = {3 * p.n, p.h, p.w, p.c};
  const auto x = make.maps(work.sets, shape, DType::kFloat32),
             y = make.maps(work.sets, shape, DType::kFloat32);
  const auto there = [=](std::size_t k) {
    Tensor derivatives(three, device), value(kOne, device);
    engine::launch(device, [&](const auto& context) {
      ssim(context, p, kernels::SsimArguments{x[k].data(), y[k].data(), value.data(), derivatives.data()});
    });
    return std::vector{value, derivatives};
  };
  if (forward) {
    work.run = there;
    work.expected = [=] { return std::vector{reference::ssim(p, doubles(x[0]), doubles(y[0]))}; };
    return work;
  }
  std::vector<Tensor> derivatives;
  for (std::size_t k = 0; k < work.sets; ++k) derivatives.push_back(there(k)[1]);
  const Tensor dvalue = engine::scalar(1, device);
  work.run = [=](std::size_t k) {
    Tensor dx(shape, device);
    engine::launch(device, [&](const auto& context) {
      ssim_backward(context, p,
                    kernels::SsimBackwardArguments{x[k].data(), y[k].data(), derivatives[k].data(),
                                                   dvalue.data(), dx.data()});
    });
    return std::vector{dx};
  };
  work.expected = [=] {
    return reference::numeric_gradient(
        doubles(x[0]),
        [&, other = doubles(y[0])](const std::vector<double>& at) { return reference::ssim(p, at, other); });
  };
  return work;
}

/// The forward pass also computes the gradient, which the backward pass only scales.
Work focal_work(const Case& what, const Execution& execution) {
  const kernels::FocalProblem p = {.n = what.n, .h = what.h, .w = what.w, .c = what.in[0]};
  const double count = static_cast<double>(what.pixels() * p.c), flops_of_exponential = 20;
  const bool forward = what.pass == Pass::kForward;
  Work work;
  work.cost = {forward ? count * flops_of_exponential : count, 2 * count * kFloat};
  work.sets = sets_of(work.cost.bytes, execution.device);

  const Device device = execution.device;
  MapMaker make(device);
  const Shape shape = {p.n, p.h, p.w, p.c};
  const auto logits = make.maps(work.sets, shape, DType::kFloat32);
  const auto there = [=](std::size_t k) {
    Tensor value(kOne, device), dlogits(shape, device);
    engine::launch(device, [&](const auto& context) {
      focal(context, p, kernels::FocalArguments{logits[k].data(), value.data(), dlogits.data()});
    });
    return std::vector{value, dlogits};
  };
  const auto labelled = [=](const std::vector<double>& at) {
    return reference::focal(p, at, reference::labels(p, doubles(logits[0])));
  };
  if (forward) {
    work.run = there;
    work.expected = [=] { return std::vector{labelled(doubles(logits[0]))}; };
    return work;
  }
  std::vector<Tensor> gradients;
  for (std::size_t k = 0; k < work.sets; ++k) gradients.push_back(there(k)[1]);
  const Tensor dvalue = engine::scalar(1, device);
  work.run = [=](std::size_t k) {
    Tensor dlogits = gradients[k];
    engine::launch(device, [&](const auto& context) {
      focal_backward(context, p, kernels::FocalBackwardArguments{dlogits.data(), dvalue.data()});
    });
    return std::vector{dlogits};
  };
  work.expected = [=] { return reference::numeric_gradient(doubles(logits[0]), labelled); };
  return work;
}

Work max_pool_work(const Case& what, const Execution& execution) {
  const kernels::MaxPoolProblem p = {.n = what.n, .h = what.h, .w = what.w, .c = what.in[0]};
  const auto count = static_cast<double>(what.pixels() * p.c);
  const double outputs = static_cast<double>(p.n * p.out_h() * p.out_w() * p.c),
               bits = kernels::argmax_bits(p.kernel);
  Work work;
  work.cost = {count, (count + outputs) * static_cast<double>(size_of(execution.maps)) + outputs * bits / 8};
  work.sets = sets_of(work.cost.bytes, execution.device);

  const Device device = execution.device;
  MapMaker make(device);
  const Shape in = {p.n, p.h, p.w, p.c}, out = {p.n, p.out_h(), p.out_w(), p.c};
  const Shape words = {p.n, p.out_h(), p.out_w(), p.argmax_words()};
  const auto x = make.maps(work.sets, in, execution.maps);
  const auto there = [=](std::size_t k) {
    Tensor pooled(out, device, execution.maps), argmax(words, device);
    engine::launch(device, execution.maps, [&]<class T>(const auto& context, T) {
      max_pool(context, p,
               kernels::MaxPoolArguments<T>{x[k].template data<T>(), pooled.template data<T>(),
                                            reinterpret_cast<std::uint32_t*>(argmax.data())});
    });
    return std::vector{pooled, argmax};
  };
  if (what.pass == Pass::kForward) {
    work.run = there;
    work.expected = [=] { return reference::max_pool(p, doubles(x[0])).out; };
    return work;
  }
  std::vector<Tensor> argmax;
  for (std::size_t k = 0; k < work.sets; ++k) argmax.push_back(there(k)[1]);
  const auto dout = make.maps(work.sets, out, execution.maps);
  work.run = [=](std::size_t k) {
    Tensor din(in, device, execution.maps);
    engine::launch(device, execution.maps, [&]<class T>(const auto& context, T) {
      max_pool_backward(
          context, p,
          kernels::MaxPoolBackwardArguments<T>{dout[k].template data<T>(),
                                               reinterpret_cast<const std::uint32_t*>(argmax[k].data()),
                                               din.template data<T>()});
    });
    return std::vector{din};
  };
  work.expected = [=] {
    return reference::numeric_gradient(doubles(x[0]),
                                       [&, weights = doubles(dout[0])](const std::vector<double>& at) {
                                         return reference::dot(reference::max_pool(p, at).out, weights);
                                       });
  };
  return work;
}

/// The backward pass through the cell to the gates' sums.
Work cell_work(const Case& what, const Execution& execution) {
  const kernels::ConvLstmProblem p = {
      .n = what.n, .h = what.h, .w = what.w, .in_channels = what.in[0], .hidden = what.in[0]};
  const auto count = static_cast<double>(what.pixels() * p.hidden);
  Work work;
  work.cost = {count * 30, count * (10 * static_cast<double>(size_of(execution.maps)) + 3 * kFloat)};
  work.sets = sets_of(work.cost.bytes, execution.device);

  const Device device = execution.device;
  MapMaker make(device);
  const Shape map = {p.n, p.h, p.w, p.hidden}, four = {p.n, p.h, p.w, 4 * p.hidden};
  const auto gates = make.maps(work.sets, four, execution.maps),
             h = make.maps(work.sets, map, execution.maps), dh = make.maps(work.sets, map, execution.maps),
             c = make.maps(work.sets, map, DType::kFloat32),
             dc_out = make.maps(work.sets, map, DType::kFloat32);
  work.run = [=](std::size_t k) {
    Tensor dgates(four, device, execution.maps), dc(map, device);
    engine::launch(device, execution.maps, [&]<class T>(const auto& context, T) {
      conv_lstm_backward(
          context, p,
          kernels::ConvLstmBackwardArguments<T>{gates[k].template data<T>(), c[k].data(),
                                                h[k].template data<T>(), dh[k].template data<T>(),
                                                dc_out[k].data(), dgates.template data<T>(), dc.data()});
    });
    return std::vector{dgates, dc};
  };
  return work;
}

Work adam_work(const Case& what, const Execution& execution) {
  const auto count = static_cast<double>(what.w);
  Work work;
  work.cost = {count * 12, count * 7 * kFloat};
  work.sets = sets_of(work.cost.bytes, execution.device);

  const Device device = execution.device;
  MapMaker make(device);
  const Shape shape = {1, 1, 1, what.w};
  const auto values = make.maps(work.sets, shape, DType::kFloat32),
             gradients = make.maps(work.sets, shape, DType::kFloat32);
  std::vector<Tensor> first, second;
  for (std::size_t k = 0; k < work.sets; ++k) {
    first.push_back(engine::zeros(shape, device));
    second.push_back(engine::zeros(shape, device));
  }
  constexpr std::int64_t kFactors = engine::Adam::kFactors;
  const Tensor factors = engine::from_host(
      std::bit_cast<std::array<float, kFactors>>(kernels::adam_factors({})), {1, 1, 1, kFactors}, device);
  const Tensor norm = engine::scalar(1, device);
  work.run = [=](std::size_t k) {
    Tensor value = values[k], m = first[k], v = second[k];
    const kernels::AdamArguments arguments = {
        .factors = reinterpret_cast<const kernels::AdamFactors*>(factors.data()),
        .values = value.data(),
        .gradients = gradients[k].data(),
        .first_moments = m.data(),
        .second_moments = v.data(),
        .checked = norm.data()};
    engine::launch(device, [&](const auto& context) { adam(context, shape.c, arguments); });
    return std::vector{value};
  };
  return work;
}

}  // namespace

Work make_other_work(const Case& what, const Execution& execution) {
  switch (what.operation) {
    case Operation::kSsim:
      return ssim_work(what, execution);
    case Operation::kFocal:
      return focal_work(what, execution);
    case Operation::kMaxPool:
      return max_pool_work(what, execution);
    case Operation::kConvLstm:
      return cell_work(what, execution);
    default:
      return adam_work(what, execution);
  }
}

}  // namespace sapnet::bench
