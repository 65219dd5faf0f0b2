// The epilogue of the CPU convolutions.
#if defined(SAPNET_KERNELS_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAPNET_KERNELS_EPILOGUE_INL_H_
#undef SAPNET_KERNELS_EPILOGUE_INL_H_
#else
#define SAPNET_KERNELS_EPILOGUE_INL_H_
#endif

#include <array>

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sapnet::kernels::cpu {
namespace HWY_NAMESPACE {

/// The function f of conv2d.h, for one image.
struct Epilogue {
  Epilogue(const Conv2dProblem& p, const Conv2dArguments<>& a, std::int64_t image)
      : channels(p.out_channels),
        map_channels(p.out_map_channels()),
        width(p.out_w()),
        bias(a.bias),
        relu(a.relu),
        relu_before_residual(a.relu && !(a.relu_after_residual && a.residual)) {
    const std::int64_t map = image * p.out_h() * p.out_w() * map_channels;
    if (a.out) out[0] = a.out + map;
    if (a.second_out) out[1] = a.second_out + map;
    if (a.residual) residual[0] = a.residual + map;
    if (a.second_residual) residual[1] = a.second_residual + map;
    if (a.pre_residual) pre_residual = a.pre_residual + map;
    if (a.scale) scale = a.scale + image * p.out_channels;
  }

  HWY_INLINE void operator()(V value, std::int64_t y, std::int64_t x, std::int64_t channel) const {
    const std::int64_t lanes = channels - channel;
    const auto map = static_cast<std::size_t>(channel >= map_channels);
    const std::int64_t offset = (y * width + x) * map_channels + channel - (map == 0 ? 0 : map_channels);
    if (!out[map]) return;
    if (bias) value = hn::Add(value, load_lanes(bias + channel, lanes));
    if (scale) value = hn::Mul(value, load_lanes(scale + channel, lanes));
    if (relu_before_residual) value = hn::Max(value, hn::Zero(D()));
    if (pre_residual) store_lanes(value, pre_residual + offset, lanes);
    if (residual[map]) {
      value = hn::Add(value, load_lanes(residual[map] + offset, lanes));
      if (relu) value = hn::Max(value, hn::Zero(D()));
    }
    store_lanes(value, out[map] + offset, lanes);
  }

  std::int64_t channels, map_channels, width;
  const float* bias;
  const float* scale = nullptr;
  std::array<const float*, 2> residual = {};  // per output map
  bool relu, relu_before_residual;
  std::array<float*, 2> out = {};
  float* pre_residual = nullptr;
};

}  // namespace HWY_NAMESPACE
}  // namespace sapnet::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
