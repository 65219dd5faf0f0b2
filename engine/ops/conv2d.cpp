#include "engine/ops/conv2d.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "engine/error.h"
#include "engine/ops/op.h"
#include "engine/ops/packing.h"
#include "engine/ops/wgrad_queue.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/zero_insert/zero_insert.h"

namespace sapnet::engine {

Conv2dWeights::Conv2dWeights(Tensor weight, Tensor bias, std::array<std::int64_t, 2> in_channels,
                             const Conv2dGeometry& geometry, const Execution& execution,
                             std::optional<DType> outputs, bool frozen_dgrad)
    : execution_(execution),
      outputs_(outputs.value_or(execution.maps)),
      frozen_dgrad_(frozen_dgrad),
      weight_(std::move(weight)),
      bias_(std::move(bias)) {
  check_execution("conv2d", execution);
  check_at_least("conv2d", "the number of input channels", in_channels[0], 1);
  check_at_least("conv2d", "the number of second input channels", in_channels[1], 0);
  check_at_least("conv2d", "stride", geometry.stride, 1);
  check_at_least("conv2d", "dilation", geometry.dilation, 1);
  check_at_least("conv2d", "padding", geometry.padding, 0);
  if (!weight_) throw Error("conv2d: weight is empty");
  const Shape& shape = weight_.shape();  // (out, in, k, k)
  if (shape.w != shape.c || shape.h != in_channels[0] + in_channels[1])
    throw Error("conv2d: a weight of shape " + to_string(shape) + " is not a square filter on " +
                std::to_string(in_channels[0] + in_channels[1]) + " channels");
  if (bias_ && bias_.shape().count() != shape.n)
    throw Error("conv2d: a bias of shape " + to_string(bias_.shape()) + " does not fit a weight of shape " +
                to_string(shape));
  layer_ = {.in_channels = in_channels,
            .out_channels = shape.n,
            .kernel = shape.c,
            .stride = geometry.stride,
            .dilation = geometry.dilation,
            .padding = geometry.padding};
  layer_.algorithm =
      execution.strict ? kernels::Conv2dAlgorithm::kDirect : kernels::fastest_algorithm(layer_);
  pack_on_host();
  if (weight_.tracked() && execution.device == Device::kCuda) find_indices();
}

void Conv2dWeights::find_indices() {
  const std::vector<std::int32_t> indices = weight_indices(weight_.shape().count());
  const auto table = [](const Conv2dWeights& weights, std::span<const std::int32_t> from) {
    return packed_indices(weights.packed_, [&](std::int32_t* to) {
      dispatch(
          weights.packed_.device(), [](const auto& /*context*/) {},
          [&](const auto& /*context*/) {
            visit_dtype(weights.packed_.dtype(), [&]<class T>(T) {
              kernels::cuda::pack_conv2d_indices<T>(weights.layer_, from.data(), to);
            });
          });
    });
  };
  indices_ = table(*this, indices);
  std::vector<std::int32_t> reversed(indices.size());
  kernels::dgrad_weight(layer_, indices.data(), reversed.data());
  std::span<const std::int32_t> rest = reversed;
  for (Conv2dWeights& dgrad : dgrad_) {
    dgrad.indices_ = table(dgrad, rest);
    rest =
        rest.subspan(static_cast<std::size_t>(dgrad.layer_.kernel * dgrad.layer_.kernel *
                                              dgrad.layer_.total_in_channels() * dgrad.layer_.out_channels));
  }
}

void Conv2dWeights::pack() {
  if (execution_.device == Device::kCpu) return pack_on_host();
  pack_by_gather(weight_, indices_, packed_);
  for (Conv2dWeights& dgrad : dgrad_) pack_by_gather(weight_, dgrad.indices_, dgrad.packed_);
}

void Conv2dWeights::pack_on_host() {
  const std::vector<float> weight = to_vector(weight_);
  launch(execution_.device, execution_.maps, [&]<class T>(const auto& context, T) {
    packed_ = packed_weights<T>(packed_conv2d_size(context, layer_), execution_.device,
                                [&](T* packed) { pack_conv2d(context, layer_, weight.data(), packed); });
  });
  dgrad_.clear();
  if (!weight_.tracked() && !frozen_dgrad_) return;
  Execution dgrad_execution = execution_;
  dgrad_execution.maps = outputs_;
  std::vector<float> reversed(weight.size());
  kernels::dgrad_weight(layer_, weight.data(), reversed.data());
  std::span<const float> rest = reversed;
  const auto add = [&](const kernels::Conv2dProblem& dgrad) {
    const Shape shape = {dgrad.out_channels, dgrad.in_channels[0], dgrad.kernel, dgrad.kernel};
    const auto count = static_cast<std::size_t>(shape.count());
    dgrad_.push_back({from_host(rest.first(count), shape, execution_.device),
                      {},
                      dgrad.in_channels,
                      {1, dgrad.dilation, dgrad.padding},
                      dgrad_execution});
    dgrad_.back().weight_ = {};
    rest = rest.subspan(count);
  };
  if (kernels::has_joint_dgrad(layer_)) {
    add(kernels::joint_dgrad_problem(layer_));
    return;
  }
  for (std::size_t map = 0; map < 2 && layer_.in_channels[map] > 0; ++map)
    add(kernels::dgrad_problem(layer_, map));
}

const Conv2dWeights& Conv2dWeights::dgrad(std::size_t map) const {
  if (dgrad_.empty()) throw Error("conv2d: the weights were created without dgrad");
  return dgrad_[kernels::has_joint_dgrad(layer_) ? 0 : map];
}

kernels::Conv2dProblem Conv2dWeights::problem(std::int64_t n, std::int64_t h, std::int64_t w) const {
  kernels::Conv2dProblem problem = layer_;
  problem.n = n;
  problem.h = h;
  problem.w = w;
  return problem;
}

Tensor conv2d(const Tensor& x, const Conv2dWeights& weights, Conv2dOptions options) {
  return conv2d(x, {}, weights, std::move(options));
}

Tensor conv2d(const Tensor& x, const Tensor& y, const Conv2dWeights& weights, Conv2dOptions options) {
  if (!x) throw Error("conv2d: input is empty");
  const Shape& in = x.shape();
  const kernels::Conv2dProblem problem = weights.problem(in.n, in.h, in.w);
  const DType maps = weights.packed().dtype();
  const Device device = weights.packed().device();
  check_tensor("conv2d", "input", x, {in.n, in.h, in.w, problem.in_channels[0]}, maps, device);
  if (problem.in_channels[1] > 0)
    check_tensor("conv2d", "second input", y, {in.n, in.h, in.w, problem.in_channels[1]}, maps, device);
  else if (y)
    throw Error("conv2d: second input of shape " + to_string(y.shape()) +
                " where the weights take one input of " + std::to_string(problem.in_channels[0]) +
                " channels");
  if (problem.out_h() == 0 || problem.out_w() == 0)
    throw Error("conv2d: a kernel of " + std::to_string(problem.kernel) + "×" +
                std::to_string(problem.kernel) + " with dilation " + std::to_string(problem.dilation) +
                " does not fit into an input of shape " + to_string(in) + " with padding " +
                std::to_string(problem.padding));
  const Shape out_shape = {in.n, problem.out_h(), problem.out_w(), problem.out_channels};
  const Tensor residual = std::move(options.residual);
  check_execution("conv2d", {.device = device, .maps = options.maps});
  if (residual) check_tensor("conv2d", "residual", residual, out_shape, options.maps, device);
  Tape* const tape = tape_for(x, y, residual, weights.weight(), weights.bias());
  Tensor out = reuse_or_allocate(out_shape, device, options.maps, residual);
  Tensor pre_residual;  // saved for the backward pass through the ReLU before the residual
  if (tape && options.relu && residual && !options.relu_after_residual)
    pre_residual = Tensor(out_shape, device, options.maps);
  launch(device, maps, options.maps, [&]<class In, class Out>(const auto& context, In, Out) {
    conv2d(context, problem,
           kernels::Conv2dArguments<In, Out>{
               .in = {x.data<In>(), data_or_null<In>(y)},
               .weight = weights.packed().data<In>(),
               .bias = data_or_null(weights.bias()),
               .residual = data_or_null<Out>(residual),
               .relu = options.relu,
               .relu_after_residual = options.relu_after_residual,
               .out = out.data<Out>(),
               .pre_residual = data_or_null<Out>(pre_residual),
           });
  });
  const bool relu = options.relu;
  const auto residual_gradient = residual.gradient();
  record_backward(tape, out, [=, &weights](Tensor grad_preactivation) {
    if (relu || residual_gradient) {
      Tensor before, dresidual;
      if (residual_gradient) {
        before = std::move(*residual_gradient);
        dresidual =
            reuse_or_allocate(out_shape, grad_preactivation.device(), grad_preactivation.dtype(), before);
      }
      launch(device, grad_preactivation.dtype(), [&]<class T>(const auto& context, T) {
        conv2d_epilogue_backward(context, problem,
                                 kernels::Conv2dEpilogueBackwardArguments<T>{
                                     .dout = grad_preactivation.data<T>(),
                                     .out = relu ? out.data<T>() : nullptr,
                                     .pre_residual = data_or_null<T>(pre_residual),
                                     .grad_preactivation = grad_preactivation.data<T>(),
                                     .dresidual_before = data_or_null<T>(std::as_const(before)),
                                     .dresidual = data_or_null<T>(dresidual)});
      });
      if (residual_gradient) *residual_gradient = std::move(dresidual);
    }
    conv2d_backward({x, y, std::move(grad_preactivation)}, weights);
  });
  return out;
}

namespace {

/// grad_preactivation with stride - 1 zeros inserted between pixels, the input of the stride-1 dgrad.
Tensor zero_inserted(const Tensor& grad_preactivation, const kernels::Conv2dProblem& p) {
  if (p.stride == 1) return grad_preactivation;
  const kernels::Conv2dProblem dgrad = kernels::dgrad_problem(p, 0);
  Tensor upsampled({p.n, dgrad.h, dgrad.w, p.out_channels}, grad_preactivation.device(),
                   grad_preactivation.dtype());
  const kernels::ZeroInsertProblem problem = {p.n,      p.out_h(), p.out_w(), p.out_channels,
                                              p.stride, dgrad.h,   dgrad.w};
  launch(grad_preactivation.device(), grad_preactivation.dtype(), [&]<class T>(const auto& context, T) {
    zero_insert(
        context, problem,
        kernels::ZeroInsertArguments<T>{.in = grad_preactivation.data<T>(), .out = upsampled.data<T>()});
  });
  return upsampled;
}

/// Adds to the gradients of x and y, each only if tracked; one convolution computes both.
void add_joint_dgrad(const Tensor& grad_preactivation, const Tensor& x, const Tensor& y,
                     const Conv2dWeights& weights) {
  const Shape& in = grad_preactivation.shape();
  kernels::Conv2dProblem problem = weights.problem(in.n, in.h, in.w);
  problem.out_maps = 2;
  std::array<Tensor, 2> before, after;
  const std::array<const Tensor*, 2> maps = {&x, &y};
  for (std::size_t map = 0; map < 2; ++map) {
    if (!maps[map]->tracked()) continue;
    before[map] = std::move(*maps[map]->gradient());
    after[map] = reuse_or_allocate(x.shape(), x.device(), x.dtype(), before[map]);
  }
  launch(x.device(), grad_preactivation.dtype(), x.dtype(),
         [&]<class In, class Out>(const auto& context, In, Out) {
           conv2d(context, problem,
                  kernels::Conv2dArguments<In, Out>{
                      .in = {grad_preactivation.data<In>(), nullptr},
                      .weight = weights.packed().data<In>(),
                      .residual = data_or_null<Out>(std::as_const(before[0])),
                      .out = data_or_null<Out>(after[0]),
                      .second_residual = data_or_null<Out>(std::as_const(before[1])),
                      .second_out = data_or_null<Out>(after[1]),
                  });
         });
  for (std::size_t map = 0; map < 2; ++map)
    if (after[map]) *maps[map]->gradient() = std::move(after[map]);
}

}  // namespace

bool same_layout(const WgradInput& a, const WgradInput& b) {
  const auto same = [](const Tensor& s, const Tensor& t) {
    return static_cast<bool>(s) == static_cast<bool>(t) &&
           (!s || (s.shape() == t.shape() && s.dtype() == t.dtype()));
  };
  return same(a.x, b.x) && same(a.y, b.y) && same(a.grad_preactivation, b.grad_preactivation);
}

void conv2d_wgrad(std::span<const WgradInput> inputs, const Conv2dWeights& weights) {
  if (inputs.empty() || inputs.size() > kernels::kMaxWgradInputs)
    throw Error("conv2d: wgrad takes 1 to " + std::to_string(kernels::kMaxWgradInputs) +
                " inputs at once, not " + std::to_string(inputs.size()));
  const WgradInput& first = inputs.front();
  if (!std::ranges::all_of(inputs, [&](const WgradInput& input) { return same_layout(first, input); }))
    throw Error("conv2d: wgrad inputs must have the same shapes and types");
  const Shape& in = first.x.shape();
  const Device device = first.grad_preactivation.device();
  const kernels::Conv2dProblem problem = weights.problem(in.n, in.h, in.w);
  launch(device, first.x.dtype(), first.grad_preactivation.dtype(),
         [&]<class In, class Grad>(const auto& context, In, Grad) {
           kernels::Conv2dWgradArguments<In, Grad> arguments{
               .count = inputs.size(),
               .dweight = weights.weight().gradient()->data(),
               .dbias =
                   weights.bias() && weights.bias().tracked() ? weights.bias().gradient()->data() : nullptr};
           std::ranges::transform(inputs, arguments.inputs.begin(), [](const WgradInput& input) {
             return kernels::WgradInput<In, Grad>{{input.x.data<In>(), data_or_null<In>(input.y)},
                                                  input.grad_preactivation.data<Grad>()};
           });
           conv2d_wgrad(context, problem, arguments);
         });
}

namespace {

void add_wgrad(const WgradInput& input, const Conv2dWeights& weights, const std::function<void()>& launched) {
  if (input.grad_preactivation.device() == Device::kCuda)
    return Tape::deferred_wgrads().add(weights, input, launched);
  conv2d_wgrad({&input, 1}, weights);
  if (launched) launched();
}

}  // namespace

void conv2d_backward(const WgradInput& input, const Conv2dWeights& weights,
                     const std::function<void()>& wgrad_launched) {
  const auto& [x, y, grad_preactivation] = input;
  const Shape& in = x.shape();
  if (weights.weight().tracked()) add_wgrad(input, weights, wgrad_launched);
  if (!x.tracked() && !y.tracked()) return;
  // The data gradient is a convolution too; the gradient accumulated so far is its residual.
  const kernels::Conv2dProblem problem = weights.problem(in.n, in.h, in.w);
  const Tensor upsampled = zero_inserted(grad_preactivation, problem);
  if (kernels::has_joint_dgrad(problem)) return add_joint_dgrad(upsampled, x, y, weights.dgrad(0));
  const std::array<const Tensor*, 2> maps = {&x, &y};
  for (std::size_t map = 0; map < 2; ++map) {
    if (!maps[map]->tracked()) continue;
    Tensor& gradient = *maps[map]->gradient();
    gradient = conv2d(upsampled, weights.dgrad(map),
                      {.relu = false, .residual = std::move(gradient), .maps = maps[map]->dtype()});
  }
}

}  // namespace sapnet::engine
