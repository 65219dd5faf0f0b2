// Every implementation of the kernels behind one interface: each operation's test has one body, and a new
// implementation is tested by adding one line to implementations().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/dtype.h"
#include "kernels/adam/adam.h"
#include "kernels/attended_conv/attended_conv_backward.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/charbonnier/charbonnier.h"
#include "kernels/conv2d/conv2d_backward.h"
#include "kernels/conv_lstm/conv_lstm_backward.h"
#include "kernels/feature_contrast/feature_contrast.h"
#include "kernels/feature_distance/feature_distance.h"
#include "kernels/focal/focal.h"
#include "kernels/max_pool/max_pool.h"
#include "kernels/norm/norm.h"
#include "kernels/normalize/normalize.h"
#include "kernels/resize_bilinear/resize_bilinear.h"
#include "kernels/shifted_sums/shifted_sums.h"
#include "kernels/ssim/ssim.h"
#include "kernels/zero_insert/zero_insert.h"
#include "tests/catch.h"

namespace sapnet::tests {

/// Takes the arguments of the kernels' contracts with two differences: weights are unpacked, (out_channels,
/// in_channels, kernel, kernel), and all arrays are in host memory between guard bands (guarded_array.h).
/// Implementations on a device copy the arrays there and back, with guard bands of their own.
class Implementation {
 public:
  virtual ~Implementation() = default;

  virtual std::string name() const = 0;

  /// Storage type of maps and weights. The tests' values are representable in it.
  virtual engine::DType maps() const { return engine::DType::kFloat32; }

  /// Whether it supports convolutions of this kind.
  virtual bool supports(const kernels::Conv2dProblem& problem) const = 0;
  virtual bool supports(const kernels::ConvLstmProblem& problem) const { return supports(problem.conv()); }
  virtual bool supports(const kernels::AttendedConvProblem& problem) const {
    return supports(problem.conv());
  }

  /// The tolerance of a sum of the convolution. magnitude: 2-norm of its products and bias; filter_norm: of
  /// its output channel's weights; in_limit: bound of the inputs; bias: its absolute value.
  virtual double tolerance(const kernels::Conv2dProblem& problem, double magnitude, double filter_norm,
                           double in_limit, double bias) const = 0;

  virtual void conv2d(const kernels::Conv2dProblem& problem,
                      const kernels::Conv2dArguments& arguments) const = 0;
  virtual void conv_lstm(const kernels::ConvLstmProblem& problem,
                         const kernels::ConvLstmArguments& arguments) const = 0;
  /// arguments.packed is null.
  virtual void attended_conv(const kernels::AttendedConvProblem& problem,
                             const kernels::AttendedConvArguments& arguments) const = 0;
  /// scale: (n, c).
  virtual void attention_scale(const kernels::AttendedConvProblem& problem,
                               const kernels::AttendedConvArguments& arguments, float* scale) const = 0;
  /// out: (n, shifted_sums_partials(h), 9, c).
  virtual void shifted_sums(const kernels::ShiftedSumsProblem& problem, const float* in,
                            float* out) const = 0;
  /// Number of partials of shifted sums that every operation writes per image, for an output of h rows.
  virtual std::int64_t shifted_sums_partials(std::int64_t h) const = 0;

  virtual void normalize(const kernels::NormalizeProblem& problem, const float* in, float* out) const = 0;

  // The operations of training.

  virtual void zero_insert(const kernels::ZeroInsertProblem& problem, const float* in, float* out) const = 0;

  /// The tolerance of wgrad, likewise. magnitude: 2-norm of its products; sum_norm: of all of
  /// grad_preactivation for its output; in_limit: bound of the inputs.
  virtual double wgrad_tolerance(const kernels::Conv2dProblem& problem, double magnitude, double sum_norm,
                                 double in_limit) const = 0;
  virtual void conv2d_wgrad(const kernels::Conv2dProblem& problem,
                            const kernels::Conv2dWgradArguments& arguments) const = 0;
  /// The same where the side with fewer channels is images, which are fp32 whatever the maps.
  virtual void conv2d_wgrad_of_images(const kernels::Conv2dProblem& problem,
                                      const kernels::Conv2dWgradArguments& arguments) const {
    conv2d_wgrad(problem, arguments);
  }
  virtual void conv2d_epilogue_backward(const kernels::Conv2dProblem& problem,
                                        const kernels::Conv2dEpilogueBackwardArguments& arguments) const = 0;
  virtual void attended_conv_backward(const kernels::AttendedConvProblem& problem,
                                      const kernels::AttendedConvBackwardArguments& arguments) const = 0;
  virtual void conv_lstm_backward(const kernels::ConvLstmProblem& problem,
                                  const kernels::ConvLstmBackwardArguments& arguments) const = 0;
  virtual double ssim(const kernels::SsimProblem& problem, const kernels::SsimArguments& arguments) const = 0;
  virtual void ssim_backward(const kernels::SsimProblem& problem,
                             const kernels::SsimBackwardArguments& arguments) const = 0;
  virtual void adam(const kernels::AdamArguments& arguments) const = 0;
  virtual void norm(std::int64_t count, const kernels::NormArguments& arguments) const = 0;
  virtual void charbonnier(std::int64_t count, const kernels::CharbonnierArguments& arguments) const = 0;
  virtual void charbonnier_backward(std::int64_t count,
                                    const kernels::CharbonnierBackwardArguments& arguments) const = 0;

  virtual void feature_contrast(const kernels::FeatureContrastProblem& problem,
                                const kernels::FeatureContrastArguments& arguments) const = 0;
  virtual void feature_contrast_backward(
      const kernels::FeatureContrastProblem& problem,
      const kernels::FeatureContrastBackwardArguments& arguments) const = 0;
  virtual void feature_distance(const kernels::FeatureDistanceProblem& problem,
                                const kernels::FeatureDistanceArguments& arguments) const = 0;
  virtual void feature_distance_backward(
      const kernels::FeatureDistanceProblem& problem,
      const kernels::FeatureDistanceBackwardArguments& arguments) const = 0;
  virtual void focal(const kernels::FocalProblem& problem,
                     const kernels::FocalArguments& arguments) const = 0;
  virtual void focal_backward(const kernels::FocalProblem& problem,
                              const kernels::FocalBackwardArguments& arguments) const = 0;

  virtual void batch_norm(const kernels::BatchNormProblem& problem,
                          const kernels::BatchNormArguments& arguments) const = 0;
  virtual void batch_norm_backward(const kernels::BatchNormProblem& problem,
                                   const kernels::BatchNormBackwardArguments& arguments) const = 0;

  virtual void max_pool(const kernels::MaxPoolProblem& problem,
                        const kernels::MaxPoolArguments& arguments) const = 0;
  virtual void max_pool_backward(const kernels::MaxPoolProblem& problem,
                                 const kernels::MaxPoolBackwardArguments& arguments) const = 0;
  virtual void resize_bilinear(const kernels::ResizeProblem& problem,
                               const kernels::ResizeArguments& arguments) const = 0;
  virtual void resize_bilinear_backward(const kernels::ResizeProblem& problem,
                                        const kernels::ResizeBackwardArguments& arguments) const = 0;
};

using Implementations = std::vector<std::unique_ptr<Implementation>>;

/// A kernel test with one body for all implementations: one test case on the CPU, and another with "(gpu)"
/// added to its name and the tag [gpu] on the GPU, which is skipped if there is none.
#define KERNEL_TEST_CASE(name, tags) \
  SAPNET_KERNEL_TEST_CASE(INTERNAL_CATCH_UNIQUE_NAME(kernel_test_body), name, tags)
#define SAPNET_KERNEL_TEST_CASE(body, name, tags)                                                \
  static void body();                                                                            \
  TEST_CASE(name, tags) { ::sapnet::tests::test_kernels(::sapnet::engine::Device::kCpu, body); } \
  TEST_CASE(name " (gpu)", tags "[gpu]") {                                                       \
    ::sapnet::tests::test_kernels(::sapnet::engine::Device::kCuda, body);                        \
  }                                                                                              \
  static void body()
void test_kernels(engine::Device device, void (*body)());

/// What an operation's CPU implementations differ in, so that no code is tested twice.
enum class Variants {
  kAlgorithms,  // convolutions: direct, Winograd and RGB output, each with every instruction set
  kSimd,        // one for every instruction set of this CPU
  kOne,         // plain C++
};

/// The implementations that the running KERNEL_TEST_CASE tests. GPU: fp32 and fp16.
std::vector<const Implementation*> implementations(Variants variants = Variants::kAlgorithms);

/// Their storage types.
std::vector<engine::DType> stored_types();

/// Rounded to values representable in that storage type.
std::vector<float> stored(std::vector<float> values, engine::DType maps);

/// The rounding error of storing a value of that size.
double storage_rounding(engine::DType maps, double size);

/// The tolerance of every sum of a convolution, (n, out_h, out_w, out_channels), by
/// Implementation::tolerance. magnitude: from the reference. weight: (out_channels, …). bias: (out_channels),
/// or empty.
std::vector<double> sum_tolerances(const Implementation& implementation,
                                   const kernels::Conv2dProblem& problem,
                                   const std::vector<double>& magnitude, const std::vector<float>& weight,
                                   const std::vector<float>& bias, double in_limit);

}  // namespace sapnet::tests
