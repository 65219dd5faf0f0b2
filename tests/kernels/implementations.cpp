#include "tests/kernels/implementations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>

#include "kernels/simd.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"
#include "tests/kernels/cuda_implementation.h"
#include "tests/kernels/guarded_array.h"

namespace sapnet::tests {
namespace {

using kernels::Conv2dAlgorithm;

constexpr std::array kAlgorithms = {Conv2dAlgorithm::kDirect, Conv2dAlgorithm::kWinograd,
                                    Conv2dAlgorithm::kRgbOutput};

constexpr double kBT[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                              {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
constexpr double kG[6][3] = {{1.0 / 4, 0, 0},
                             {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                             {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                             {1.0 / 24, 1.0 / 12, 1.0 / 6},
                             {1.0 / 24, -1.0 / 12, 1.0 / 6},
                             {0, 0, 1}};
constexpr double kAT[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

/// The ratio of Winograd's rounding errors to a direct sum's, for independent inputs and weights.
///
/// Y = Aᵀ[(G g) ⊙ (Bᵀ d)] in one dimension. A relative error of the j-th product, whose root mean square is
/// ‖G_j‖ ‖B_j‖ (times those of g and d), reaches output i multiplied by A_ji; the squares of the six errors
/// add to Σ_j A_ji² ‖G_j‖² ‖B_j‖², against 3 for the three products of a direct sum. In two dimensions the
/// norms multiply: the root of the ratio, squared, for the worst output.
double winograd_amplification() {
  double worst = 0;
  for (const auto& row : kAT) {
    double squares = 0;
    for (int j = 0; j < 6; ++j) {
      double g = 0, b = 0;
      for (const double v : kG[j]) g += v * v;
      for (const double v : kBT[j]) b += v * v;
      squares += row[j] * row[j] * g * b;
    }
    worst = std::max(worst, squares / 3);
  }
  return worst;  // 31.4
}

/// The same for wgrad, dg = Gᵀ[(A dY) ⊙ (Bᵀ d)]: the j-th product's error reaches tap a multiplied by G_ja,
/// against 4 for the four products of a direct sum.
double winograd_wgrad_amplification() {
  double worst = 0;
  for (int a = 0; a < 3; ++a) {
    double squares = 0;
    for (int j = 0; j < 6; ++j) {
      double y = 0, b = 0;
      for (const auto& row : kAT) y += row[j] * row[j];
      for (const double v : kBT[j]) b += v * v;
      squares += kG[j][a] * kG[j][a] * y * b;
    }
    worst = std::max(worst, squares / 4);
  }
  return worst;
}

class CpuImplementation : public Implementation {
 public:
  CpuImplementation(std::int64_t target, Conv2dAlgorithm algorithm)
      : target_(target), algorithm_(algorithm) {}

  std::string name() const override {
    return "cpu " + kernels::simd_name(target_) +
           (algorithm_ == Conv2dAlgorithm::kDirect     ? " direct"
            : algorithm_ == Conv2dAlgorithm::kWinograd ? " winograd"
                                                       : " to RGB");
  }

  bool supports(const kernels::Conv2dProblem& problem) const override {
    return algorithm_ == Conv2dAlgorithm::kDirect || kernels::fastest_algorithm(problem) == algorithm_;
  }

  double tolerance(const kernels::Conv2dProblem& problem, double magnitude, double filter_norm,
                   double in_limit, double bias) const override {
    const auto channels = static_cast<double>(problem.total_in_channels());
    if (algorithm_ != Conv2dAlgorithm::kWinograd)
      return sum_tolerance(channels * static_cast<double>(problem.kernel * problem.kernel) + 1, magnitude);
    // A tile mixes its pixels and all taps of the filter. The sum over channels gains at most 4 roundings in
    // either pass of the input transform, 5 in those of the output transform, and one each for filter and
    // product.
    return sum_tolerance(channels + 20, winograd_amplification() * filter_norm * in_limit) + rounding(bias);
  }

  void conv2d(const kernels::Conv2dProblem& problem,
              const kernels::Conv2dArguments& arguments) const override {
    const UseTarget use(target_);
    GuardedArray packed(kernels::cpu::packed_conv2d_size(problem, algorithm_));
    kernels::cpu::pack_conv2d(problem, algorithm_, arguments.weight, packed.data());
    kernels::Conv2dArguments with_packed = arguments;
    with_packed.weight = packed.data();
    kernels::cpu::conv2d(problem, algorithm_, with_packed);
    CHECK(packed.intact());
  }

  void conv_lstm(const kernels::ConvLstmProblem& problem,
                 const kernels::ConvLstmArguments& arguments) const override {
    const UseTarget use(target_);
    GuardedArray packed(kernels::cpu::packed_conv_lstm_size(problem, algorithm_));
    kernels::cpu::pack_conv_lstm(problem, algorithm_, arguments.weight, packed.data());
    kernels::ConvLstmArguments with_packed = arguments;
    with_packed.weight = packed.data();
    kernels::cpu::conv_lstm(problem, algorithm_, with_packed);
    CHECK(packed.intact());
  }

  void attended_conv(const kernels::AttendedConvProblem& problem,
                     const kernels::AttendedConvArguments& arguments) const override {
    const UseTarget use(target_);
    GuardedArray packed(kernels::cpu::packed_conv2d_size(problem.conv(), algorithm_));
    kernels::cpu::pack_conv2d(problem.conv(), algorithm_, arguments.weight, packed.data());
    kernels::AttendedConvArguments with_packed = arguments;
    with_packed.packed = packed.data();
    kernels::cpu::attended_conv(problem, algorithm_, with_packed);
    CHECK(packed.intact());
  }

  void attention_scale(const kernels::AttendedConvProblem& problem,
                       const kernels::AttendedConvArguments& arguments, float* scale) const override {
    const UseTarget use(target_);
    kernels::cpu::attention_scale(problem, arguments, scale);
  }

  void shifted_sums(const kernels::ShiftedSumsProblem& problem, const float* in, float* out) const override {
    const UseTarget use(target_);
    kernels::cpu::shifted_sums(problem, in, out);
  }

  std::int64_t shifted_sums_partials(std::int64_t h) const override {
    return kernels::cpu::shifted_sums_partials(h);
  }

  void normalize(const kernels::NormalizeProblem& problem, const float* in, float* out) const override {
    kernels::cpu::normalize(problem, in, out);
  }

  void zero_insert(const kernels::ZeroInsertProblem& problem, const float* in, float* out) const override {
    kernels::cpu::zero_insert(problem, in, out);
  }

  double wgrad_tolerance(const kernels::Conv2dProblem& p, double magnitude, double sum_norm,
                         double in_limit) const override {
    const auto pixels = static_cast<double>(p.n * p.out_h() * p.out_w());
    if (algorithm_ != Conv2dAlgorithm::kWinograd)
      return sum_tolerance(pixels, magnitude) + rounding(magnitude);
    // The sum is over tiles, and a tile mixes its pixels; it gains at most 4 roundings in either pass of both
    // transforms. G is applied in double.
    return sum_tolerance(pixels / 16 + 16, winograd_wgrad_amplification() * sum_norm * in_limit);
  }

  void conv2d_wgrad(const kernels::Conv2dProblem& problem,
                    const kernels::Conv2dWgradArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::conv2d_wgrad(problem, algorithm_, arguments);
  }

  void conv2d_epilogue_backward(const kernels::Conv2dProblem& problem,
                                const kernels::Conv2dEpilogueBackwardArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::conv2d_epilogue_backward(problem, arguments);
  }

  void attended_conv_backward(const kernels::AttendedConvProblem& problem,
                              const kernels::AttendedConvBackwardArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::attended_conv_backward(problem, arguments);
  }

  void conv_lstm_backward(const kernels::ConvLstmProblem& problem,
                          const kernels::ConvLstmBackwardArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::conv_lstm_backward(problem, arguments);
  }

  double ssim(const kernels::SsimProblem& problem, const kernels::SsimArguments& arguments) const override {
    return kernels::cpu::ssim(problem, arguments);
  }

  void ssim_backward(const kernels::SsimProblem& problem,
                     const kernels::SsimBackwardArguments& arguments) const override {
    kernels::cpu::ssim_backward(problem, arguments);
  }

  void adam(const kernels::AdamArguments& arguments) const override { kernels::cpu::adam(arguments); }
  void norm(std::int64_t count, const kernels::NormArguments& arguments) const override {
    kernels::cpu::norm(count, arguments);
  }
  void charbonnier(std::int64_t count, const kernels::CharbonnierArguments& arguments) const override {
    kernels::cpu::charbonnier(count, arguments);
  }
  void charbonnier_backward(std::int64_t count,
                            const kernels::CharbonnierBackwardArguments& arguments) const override {
    kernels::cpu::charbonnier_backward(count, arguments);
  }

  void feature_contrast(const kernels::FeatureContrastProblem& problem,
                        const kernels::FeatureContrastArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::feature_contrast(problem, arguments);
  }

  void feature_contrast_backward(const kernels::FeatureContrastProblem& problem,
                                 const kernels::FeatureContrastBackwardArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::feature_contrast_backward(problem, arguments);
  }

  void feature_distance(const kernels::FeatureDistanceProblem& problem,
                        const kernels::FeatureDistanceArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::feature_distance(problem, arguments);
  }

  void feature_distance_backward(const kernels::FeatureDistanceProblem& problem,
                                 const kernels::FeatureDistanceBackwardArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::feature_distance_backward(problem, arguments);
  }

  void focal(const kernels::FocalProblem& problem, const kernels::FocalArguments& arguments) const override {
    kernels::cpu::focal(problem, arguments);
  }

  void focal_backward(const kernels::FocalProblem& problem,
                      const kernels::FocalBackwardArguments& arguments) const override {
    kernels::cpu::focal_backward(problem, arguments);
  }

  void resize_bilinear(const kernels::ResizeProblem& problem,
                       const kernels::ResizeArguments& arguments) const override {
    kernels::cpu::resize_bilinear(problem, arguments);
  }

  void resize_bilinear_backward(const kernels::ResizeProblem& problem,
                                const kernels::ResizeBackwardArguments& arguments) const override {
    kernels::cpu::resize_bilinear_backward(problem, arguments);
  }

  void batch_norm(const kernels::BatchNormProblem& problem,
                  const kernels::BatchNormArguments& arguments) const override {
    kernels::cpu::batch_norm(problem, arguments);
  }

  void batch_norm_backward(const kernels::BatchNormProblem& problem,
                           const kernels::BatchNormBackwardArguments& arguments) const override {
    kernels::cpu::batch_norm_backward(problem, arguments);
  }

  void max_pool(const kernels::MaxPoolProblem& problem,
                const kernels::MaxPoolArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::max_pool(problem, arguments);
  }

  void max_pool_backward(const kernels::MaxPoolProblem& problem,
                         const kernels::MaxPoolBackwardArguments& arguments) const override {
    const UseTarget use(target_);
    kernels::cpu::max_pool_backward(problem, arguments);
  }

 private:
  struct UseTarget {
    explicit UseTarget(std::int64_t target) { kernels::use_simd_target(target); }
    ~UseTarget() { kernels::use_simd_target(0); }
  };

  std::int64_t target_;
  Conv2dAlgorithm algorithm_;
};

const Implementations& cpu_implementations() {
  static const auto all = [] {
    Implementations list;
    for (const std::int64_t target : kernels::simd_targets())
      for (const Conv2dAlgorithm algorithm : kAlgorithms)
        list.push_back(std::make_unique<CpuImplementation>(target, algorithm));
    return list;
  }();
  return all;
}

engine::Device device_under_test = engine::Device::kCpu;

}  // namespace

void test_kernels(engine::Device device, void (*body)()) {
  device_under_test = device;
  if (device == engine::Device::kCpu || have_gpu()) body();
}

std::vector<const Implementation*> implementations(Variants variants) {
  std::vector<const Implementation*> distinct;
  if (device_under_test == engine::Device::kCuda) {
#ifdef SAPNET_CUDA
    for (const auto& implementation : cuda_implementations()) distinct.push_back(implementation.get());
#endif
    return distinct;
  }
  const Implementations& all = cpu_implementations();
  const std::size_t step = variants == Variants::kAlgorithms ? 1 : kAlgorithms.size();
  const std::size_t end = variants == Variants::kOne ? 1 : all.size();
  for (std::size_t k = 0; k < end; k += step) distinct.push_back(all[k].get());
  return distinct;
}

std::vector<engine::DType> stored_types() {
  std::set<engine::DType> types;
  for (const Implementation* implementation : implementations()) types.insert(implementation->maps());
  return {types.begin(), types.end()};
}

std::vector<float> stored(std::vector<float> values, engine::DType maps) {
  if (maps == engine::DType::kFloat16)
    for (float& value : values) value = kernels::to_float(kernels::to_half(value));
  return values;
}

double storage_rounding(engine::DType maps, double size) {
  if (maps == engine::DType::kFloat32) return rounding(size);
  // Half a unit in the last place of 11 bits; below 2^-14 that unit is 2^-24.
  return rounding(size) + size * 0x1p-11 + 0x1p-25;
}

std::vector<double> sum_tolerances(const Implementation& implementation,
                                   const kernels::Conv2dProblem& problem,
                                   const std::vector<double>& magnitude, const std::vector<float>& weight,
                                   const std::vector<float>& bias, double in_limit) {
  const auto channels = static_cast<std::size_t>(problem.out_channels);
  const std::size_t filter = weight.size() / channels;
  std::vector<double> filter_norm(channels);
  for (std::size_t k = 0; k < weight.size(); ++k)
    filter_norm[k / filter] += static_cast<double>(weight[k]) * static_cast<double>(weight[k]);
  std::vector<double> tolerances;
  for (std::size_t k = 0; k < magnitude.size(); ++k) {
    const std::size_t o = k % channels;
    tolerances.push_back(implementation.tolerance(problem, magnitude[k], std::sqrt(filter_norm[o]), in_limit,
                                                  bias.empty() ? 0 : std::abs(static_cast<double>(bias[o]))));
  }
  return tolerances;
}

}  // namespace sapnet::tests
