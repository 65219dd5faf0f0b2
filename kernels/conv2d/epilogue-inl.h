// What happens to a convolution's sum on its way to memory.
#if defined(SAPNET_KERNELS_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_EPILOGUE_INL_H_
#undef SAPNET_KERNELS_EPILOGUE_INL_H_
#else
#define SAPNET_KERNELS_EPILOGUE_INL_H_
#endif

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// The function f of conv2d.h, for one image.
struct Epilogue {
  Epilogue(const Conv2dProblem& p, const Conv2dArguments& a, std::int64_t image)
      : channels(p.out_channels),
        width(p.out_w()),
        bias(a.bias),
        relu(a.relu),
        relu_sum(a.relu && !(a.relu_once && a.residual)) {
    const std::int64_t map = image * p.out_h() * p.out_w() * p.out_channels;
    out = a.out + map;
    if (a.residual) residual = a.residual + map;
    if (a.inner) inner = a.inner + map;
    if (a.scale) scale = a.scale + image * p.out_channels;
  }

  HWY_INLINE void operator()(V value, std::int64_t y, std::int64_t x, std::int64_t channel) const {
    const std::int64_t lanes = channels - channel;
    const std::int64_t offset = (y * width + x) * channels + channel;
    if (bias) value = hn::Add(value, load_lanes(bias + channel, lanes));
    if (scale) value = hn::Mul(value, load_lanes(scale + channel, lanes));
    if (relu_sum) value = hn::Max(value, hn::Zero(D()));
    if (inner) store_lanes(value, inner + offset, lanes);
    if (residual) {
      value = hn::Add(value, load_lanes(residual + offset, lanes));
      if (relu) value = hn::Max(value, hn::Zero(D()));
    }
    store_lanes(value, out + offset, lanes);
  }

  std::int64_t channels, width;
  const float* bias;
  const float* scale = nullptr;
  const float* residual = nullptr;
  bool relu, relu_sum;
  float* out;
  float* inner = nullptr;
};

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
