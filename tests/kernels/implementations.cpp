#include "tests/kernels/implementations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>

#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"

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

std::vector<Implementation> make_cpu_implementations() {
  std::vector<Implementation> all;
  for (const std::int64_t target : kernels::simd_targets())
    for (const Conv2dAlgorithm algorithm : kAlgorithms) all.emplace_back(target, algorithm);
  return all;
}

const std::vector<Implementation>& cpu_implementations() {
  static const auto all = make_cpu_implementations();
  return all;
}

const std::vector<Implementation>& gpu_implementations() {
  static const std::vector<Implementation> all = {Implementation(engine::DType::kFloat32),
                                                  Implementation(engine::DType::kFloat16)};
  return all;
}

engine::Device device_under_test = engine::Device::kCpu;

}  // namespace

std::string Implementation::name() const {
  if (device_ == engine::Device::kCuda) return "cuda " + std::string(to_string(maps_));
  return "cpu " + kernels::simd_name(simd_target_) +
         (algorithm_ == Conv2dAlgorithm::kDirect     ? " direct"
          : algorithm_ == Conv2dAlgorithm::kWinograd ? " winograd"
                                                     : " to RGB");
}

bool Implementation::supports(const kernels::Conv2dProblem& problem) const {
  return device_ == engine::Device::kCuda || algorithm_ == Conv2dAlgorithm::kDirect ||
         kernels::fastest_algorithm(problem) == algorithm_;
}

bool Implementation::supports(const kernels::ConvLstmProblem& problem) const {
  return supports(problem.conv()) &&
         with_context([&](const auto& context) { return supports_conv_lstm(context, problem); });
}

bool Implementation::supports(const kernels::AttendedConvProblem& problem) const {
  return supports(problem.conv()) &&
         with_context([&](const auto& context) { return supports_attended_conv(context, problem); });
}

double Implementation::tolerance(const kernels::Conv2dProblem& problem, double magnitude, double filter_norm,
                                 double in_limit, double bias) const {
  const auto channels = static_cast<double>(problem.total_in_channels());
  // On a GPU too, sums are fp32: products of fp16 numbers are exact in fp32.
  if (algorithm_ != Conv2dAlgorithm::kWinograd)
    return sum_tolerance(channels * static_cast<double>(problem.kernel * problem.kernel) + 1, magnitude);
  // A tile mixes its pixels and all taps of the filter. The sum over channels gains at most 4 roundings in
  // either pass of the input transform, 5 in those of the output transform, and one each for filter and
  // product.
  return sum_tolerance(channels + 20, winograd_amplification() * filter_norm * in_limit) + rounding(bias);
}

double Implementation::wgrad_tolerance(const kernels::Conv2dProblem& p, double magnitude, double sum_norm,
                                       double in_limit) const {
  const auto pixels = static_cast<double>(p.n * p.out_h() * p.out_w());
  if (algorithm_ != Conv2dAlgorithm::kWinograd) return sum_tolerance(pixels, magnitude) + rounding(magnitude);
  // The sum is over tiles, and a tile mixes its pixels; it gains at most 4 roundings in either pass of both
  // transforms. G is applied in double.
  return sum_tolerance(pixels / 16 + 16, winograd_wgrad_amplification() * sum_norm * in_limit);
}

void test_kernels(engine::Device device, void (*body)()) {
  device_under_test = device;
  if (device == engine::Device::kCpu || have_gpu()) body();
}

std::vector<const Implementation*> implementations(Variants variants, std::optional<engine::DType> maps) {
  const bool gpu = device_under_test == engine::Device::kCuda;
  const std::vector<Implementation>& all = gpu ? gpu_implementations() : cpu_implementations();
  const std::size_t step = gpu || variants == Variants::kAlgorithms ? 1 : kAlgorithms.size();
  const std::size_t end = !gpu && variants == Variants::kOne ? 1 : all.size();
  std::vector<const Implementation*> distinct;
  for (std::size_t k = 0; k < end; k += step)
    if (!maps || all[k].maps() == *maps) distinct.push_back(&all[k]);
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
