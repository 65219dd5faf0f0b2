#include "kernels/conv2d/conv2d.h"

namespace sapnet::kernels {

Conv2dProblem dgrad_problem(const Conv2dProblem& p, std::size_t map) {
  Conv2dProblem dgrad = p;
  dgrad.stride = 1;
  dgrad.algorithm = Conv2dAlgorithm::kDirect;
  const std::int64_t out_h = dgrad.out_h(), out_w = dgrad.out_w();
  dgrad.h = out_h;
  dgrad.w = out_w;
  dgrad.in_channels = {p.out_channels, 0};
  dgrad.out_channels = p.in_channels[map];
  dgrad.padding = p.dilation * (p.kernel - 1) - p.padding;
  return dgrad;
}

bool has_joint_dgrad(const Conv2dProblem& p) {
  constexpr std::int64_t kMultiple = 32;  // required for two output maps (conv2d.h)
  return p.kernel > 1 && p.in_channels[0] == p.in_channels[1] && p.in_channels[0] % kMultiple == 0;
}

Conv2dProblem joint_dgrad_problem(const Conv2dProblem& p) {
  Conv2dProblem dgrad = dgrad_problem(p, 0);
  dgrad.out_channels = p.total_in_channels();
  dgrad.out_maps = 2;
  return dgrad;
}

template <class T>
void dgrad_weight(const Conv2dProblem& p, const T* weight, T* reversed) {
  const std::int64_t taps = p.kernel * p.kernel;
  for (std::int64_t i = 0; i < p.total_in_channels(); ++i)
    for (std::int64_t o = 0; o < p.out_channels; ++o)
      for (std::int64_t tap = 0; tap < taps; ++tap)
        *reversed++ = weight[(o * p.total_in_channels() + i) * taps + taps - 1 - tap];
}

template void dgrad_weight(const Conv2dProblem&, const float*, float*);
template void dgrad_weight(const Conv2dProblem&, const std::int32_t*, std::int32_t*);

}  // namespace sapnet::kernels
