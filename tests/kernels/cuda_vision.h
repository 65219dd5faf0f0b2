// The CUDA kernels of the perceptual networks and of the losses, behind the Implementation interface.
#pragma once

#include "engine/cuda.h"
#include "tests/kernels/device_memory.h"
#include "tests/kernels/implementations.h"

namespace sapnet::tests {

namespace cuda = engine::cuda;

/// T: storage type of the maps. Base: the rest of an Implementation.
template <class T, class Base>
class CudaVision : public Base {
 public:
  void normalize(const kernels::NormalizeProblem& p, const float* in, float* out) const override {
    Floats from(in, p.pixels * 3), separate_to(nullptr, p.pixels * 3);
    Floats& to = in == out ? from : separate_to;
    kernels::cuda::normalize(p, from.data(), to.data(), cuda::stream());
    to.read_to(out);
    for (Floats* array : {&from, &separate_to}) array->read_to(nullptr);
  }

  void zero_insert(const kernels::ZeroInsertProblem& p, const float* in, float* out) const override {
    DeviceArray<T> from(in, p.n * p.h * p.w * p.c), to(nullptr, p.n * p.out_h * p.out_w * p.c);
    kernels::cuda::zero_insert(p, from.data(), to.data(), cuda::stream());
    to.read_to(out);
    from.read_to(nullptr);
  }

  void charbonnier(std::int64_t count, const kernels::CharbonnierArguments& a) const override {
    Floats x(a.x, count), y(a.y, count), value(nullptr, 1),
        workspace(kernels::cuda::charbonnier_workspace(count));
    kernels::cuda::charbonnier(count, {.x = x.data(), .y = y.data(), .value = value.data()}, workspace.data(),
                               cuda::stream());
    value.read_to(a.value);
    for (Floats* array : {&x, &y, &workspace}) array->read_to(nullptr);
  }

  void charbonnier_backward(std::int64_t count,
                            const kernels::CharbonnierBackwardArguments& a) const override {
    Floats x(a.x, count), y(a.y, count), dvalue(a.dvalue, 1), dx(nullptr, count);
    kernels::cuda::charbonnier_backward(
        count, {.x = x.data(), .y = y.data(), .dvalue = dvalue.data(), .dx = dx.data()}, cuda::stream());
    dx.read_to(a.dx);
    for (Floats* array : {&x, &y, &dvalue}) array->read_to(nullptr);
  }

  void feature_contrast(const kernels::FeatureContrastProblem& p,
                        const kernels::FeatureContrastArguments& a) const override {
    DeviceArray<T> derained(a.derained, p.count), clean(a.clean, p.count), rainy(a.rainy, p.count);
    Floats value(nullptr, 1), signs(nullptr, a.signs ? p.floats_of_signs() : 0),
        factors(nullptr, a.factors ? 2 : 0), workspace(kernels::cuda::feature_contrast_workspace(p));
    kernels::cuda::feature_contrast<T>(p,
                                       {.derained = derained.data(),
                                        .clean = clean.data(),
                                        .rainy = rainy.data(),
                                        .value = value.data(),
                                        .signs = reinterpret_cast<std::int8_t*>(signs.data()),
                                        .factors = factors.data()},
                                       workspace.data(), cuda::stream());
    value.read_to(a.value);
    signs.read_to(reinterpret_cast<float*>(a.signs));
    factors.read_to(a.factors);
    for (DeviceArray<T>* array : {&derained, &clean, &rainy}) array->read_to(nullptr);
    workspace.read_to(nullptr);
  }

  void feature_contrast_backward(const kernels::FeatureContrastProblem& p,
                                 const kernels::FeatureContrastBackwardArguments& a) const override {
    Floats signs(reinterpret_cast<const float*>(a.signs), p.floats_of_signs()), factors(a.factors, 2),
        dvalue(a.dvalue, 1);
    DeviceArray<T> dderained(nullptr, p.count);
    kernels::cuda::feature_contrast_backward<T>(p,
                                                {.signs = reinterpret_cast<const std::int8_t*>(signs.data()),
                                                 .factors = factors.data(),
                                                 .dvalue = dvalue.data(),
                                                 .dderained = dderained.data()},
                                                cuda::stream());
    dderained.read_to(a.dderained);
    for (Floats* array : {&signs, &factors, &dvalue}) array->read_to(nullptr);
  }

  void feature_distance(const kernels::FeatureDistanceProblem& p,
                        const kernels::FeatureDistanceArguments& a) const override {
    DeviceArray<T> derained(a.derained, p.pixels() * p.c), clean(a.clean, p.pixels() * p.c);
    Floats weight(a.weight, p.c), value(nullptr, 1), workspace(kernels::cuda::feature_distance_workspace(p));
    kernels::cuda::feature_distance<T>(
        p,
        {.derained = derained.data(), .clean = clean.data(), .weight = weight.data(), .value = value.data()},
        workspace.data(), cuda::stream());
    value.read_to(a.value);
    for (DeviceArray<T>* array : {&derained, &clean}) array->read_to(nullptr);
    for (Floats* array : {&weight, &workspace}) array->read_to(nullptr);
  }

  void feature_distance_backward(const kernels::FeatureDistanceProblem& p,
                                 const kernels::FeatureDistanceBackwardArguments& a) const override {
    const std::int64_t size = p.pixels() * p.c;
    DeviceArray<T> derained(a.derained, size), clean(a.clean, size), dderained(nullptr, size);
    Floats weight(a.weight, p.c), dvalue(a.dvalue, 1);
    kernels::cuda::feature_distance_backward<T>(p,
                                                {.derained = derained.data(),
                                                 .clean = clean.data(),
                                                 .weight = weight.data(),
                                                 .dvalue = dvalue.data(),
                                                 .dderained = dderained.data()},
                                                cuda::stream());
    dderained.read_to(a.dderained);
    for (DeviceArray<T>* array : {&derained, &clean}) array->read_to(nullptr);
    for (Floats* array : {&weight, &dvalue}) array->read_to(nullptr);
  }

  void focal(const kernels::FocalProblem& p, const kernels::FocalArguments& a) const override {
    const std::int64_t size = p.pixels() * p.c;
    Floats logits(a.logits, size), value(nullptr, 1), dlogits(nullptr, a.dlogits ? size : 0),
        workspace(kernels::cuda::focal_workspace(p));
    kernels::cuda::focal(p, {.logits = logits.data(), .value = value.data(), .dlogits = dlogits.data()},
                         workspace.data(), cuda::stream());
    value.read_to(a.value);
    dlogits.read_to(a.dlogits);
    for (Floats* array : {&logits, &workspace}) array->read_to(nullptr);
  }

  void focal_backward(const kernels::FocalProblem& p,
                      const kernels::FocalBackwardArguments& a) const override {
    Floats dlogits(a.dlogits, p.pixels() * p.c), dvalue(a.dvalue, 1);
    kernels::cuda::focal_backward(p, {.dlogits = dlogits.data(), .dvalue = dvalue.data()}, cuda::stream());
    dlogits.read_to(a.dlogits);
    dvalue.read_to(nullptr);
  }

  void resize_bilinear(const kernels::ResizeProblem& p, const kernels::ResizeArguments& a) const override {
    const std::int64_t out_size = p.n * p.out_h * p.out_w * p.c;
    DeviceArray<T> in(a.in, p.n * p.h * p.w * p.c), residual(a.residual, a.residual ? out_size : 0),
        separate_out(nullptr, out_size);
    DeviceArray<T>& out = a.residual == a.out ? residual : separate_out;
    kernels::cuda::resize_bilinear<T>(p, {.in = in.data(), .residual = residual.data(), .out = out.data()},
                                      cuda::stream());
    out.read_to(a.out);
    for (DeviceArray<T>* array : {&in, &residual, &separate_out}) array->read_to(nullptr);
  }

  void resize_bilinear_backward(const kernels::ResizeProblem& p,
                                const kernels::ResizeBackwardArguments& a) const override {
    DeviceArray<T> dout(a.dout, p.n * p.out_h * p.out_w * p.c), din(nullptr, p.n * p.h * p.w * p.c);
    kernels::cuda::resize_bilinear_backward<T>(p, {.dout = dout.data(), .din = din.data()}, cuda::stream());
    din.read_to(a.din);
    dout.read_to(nullptr);
  }

  void batch_norm(const kernels::BatchNormProblem& p, const kernels::BatchNormArguments& a) const override {
    const std::int64_t size = p.pixels() * p.c;
    DeviceArray<T> in(a.in, size), residual(a.residual, a.residual ? size : 0), separate_out(nullptr, size);
    Floats gamma(a.gamma, p.c), beta(a.beta, p.c), mean(nullptr, p.c), inv_std(nullptr, p.c),
        workspace(kernels::cuda::batch_norm_workspace(p));
    DeviceArray<T>& out = a.residual == a.out ? residual : separate_out;
    kernels::cuda::batch_norm<T>(p,
                                 {.in = in.data(),
                                  .gamma = gamma.data(),
                                  .beta = beta.data(),
                                  .residual = residual.data(),
                                  .relu = a.relu,
                                  .out = out.data(),
                                  .mean = mean.data(),
                                  .inv_std = inv_std.data()},
                                 workspace.data(), cuda::stream());
    out.read_to(a.out);
    mean.read_to(a.mean);
    inv_std.read_to(a.inv_std);
    for (DeviceArray<T>* array : {&in, &residual, &separate_out}) array->read_to(nullptr);
    for (Floats* array : {&gamma, &beta, &workspace}) array->read_to(nullptr);
  }

  void batch_norm_backward(const kernels::BatchNormProblem& p,
                           const kernels::BatchNormBackwardArguments& a) const override {
    const std::int64_t size = p.pixels() * p.c;
    DeviceArray<T> in(a.in, size), out(a.out, a.out ? size : 0), dout(a.dout, size),
        separate_din(nullptr, size), separate_dresidual(nullptr, a.dresidual ? size : 0);
    Floats gamma(a.gamma, p.c), mean(a.mean, p.c), inv_std(a.inv_std, p.c),
        workspace(kernels::cuda::batch_norm_workspace(p));
    DeviceArray<T>& din = a.din == a.dout ? dout : separate_din;
    DeviceArray<T>& dresidual = a.dresidual == a.dout ? dout : separate_dresidual;
    kernels::cuda::batch_norm_backward<T>(p,
                                          {.in = in.data(),
                                           .out = out.data(),
                                           .dout = dout.data(),
                                           .gamma = gamma.data(),
                                           .mean = mean.data(),
                                           .inv_std = inv_std.data(),
                                           .din = din.data(),
                                           .dresidual = dresidual.data()},
                                          workspace.data(), cuda::stream());
    din.read_to(a.din);
    dresidual.read_to(a.dresidual);
    for (DeviceArray<T>* array : {&in, &out, &dout, &separate_din, &separate_dresidual})
      array->read_to(nullptr);
    for (Floats* array : {&gamma, &mean, &inv_std, &workspace}) array->read_to(nullptr);
  }

  void max_pool(const kernels::MaxPoolProblem& p, const kernels::MaxPoolArguments& a) const override {
    const std::int64_t pixels = p.n * p.out_h() * p.out_w();
    DeviceArray<T> in(a.in, p.n * p.h * p.w * p.c), out(nullptr, pixels * p.c);
    Floats argmax(nullptr, a.argmax ? pixels * p.argmax_words() : 0);  // words, copied as floats
    kernels::cuda::max_pool<T>(
        p, {.in = in.data(), .out = out.data(), .argmax = reinterpret_cast<std::uint32_t*>(argmax.data())},
        cuda::stream());
    out.read_to(a.out);
    argmax.read_to(reinterpret_cast<float*>(a.argmax));
    in.read_to(nullptr);
  }

  void max_pool_backward(const kernels::MaxPoolProblem& p,
                         const kernels::MaxPoolBackwardArguments& a) const override {
    const std::int64_t pixels = p.n * p.out_h() * p.out_w();
    DeviceArray<T> dout(a.dout, pixels * p.c), din(nullptr, p.n * p.h * p.w * p.c);
    Floats argmax(reinterpret_cast<const float*>(a.argmax), pixels * p.argmax_words());
    kernels::cuda::max_pool_backward<T>(
        p,
        {.dout = dout.data(), .argmax = reinterpret_cast<std::uint32_t*>(argmax.data()), .din = din.data()},
        cuda::stream());
    din.read_to(a.din);
    dout.read_to(nullptr);
    argmax.read_to(nullptr);
  }
};

}  // namespace sapnet::tests
