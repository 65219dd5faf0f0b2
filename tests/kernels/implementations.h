// Every implementation of the kernels, behind one interface: the tests of an operation have one body, and a
// new implementation comes into all of them by its line in implementations().
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
#include "kernels/spread/spread.h"
#include "kernels/ssim/ssim.h"
#include "tests/catch.h"

namespace sapnet::tests {

/// Takes the arguments of the kernels' contracts with two differences: weights come as the network has them,
/// (out_channels, in_channels, kernel, kernel), not packed; and all arrays lie in the host's memory, guarded
/// by bands (guarded_array.h). An implementation with a memory of its own copies the bands there and back.
class Implementation {
 public:
  virtual ~Implementation() = default;

  virtual std::string name() const = 0;

  /// What it stores maps and weights as. Those of the tests hold numbers that this can.
  virtual engine::DType maps() const { return engine::DType::kFloat32; }

  /// Whether it computes convolutions of this kind.
  virtual bool takes(const kernels::Conv2dProblem& problem) const = 0;
  virtual bool takes(const kernels::ConvLstmProblem& problem) const { return takes(problem.conv()); }
  virtual bool takes(const kernels::AttendedConvProblem& problem) const { return takes(problem.conv()); }

  /// How far a sum of the convolution may lie from the exact one.
  /// magnitude: the 2-norm of its products and bias; filter_norm: of its output channel's weights;
  /// in_limit: no input is larger; bias: its absolute value.
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
  /// out: (n, shifted_sums_parts(h), 9, c).
  virtual void shifted_sums(const kernels::ShiftedSumsProblem& problem, const float* in,
                            float* out) const = 0;
  /// How many parts of each image's shifted sums every operation writes for an output of h rows.
  virtual std::int64_t shifted_sums_parts(std::int64_t h) const = 0;

  virtual void normalize(const kernels::NormalizeProblem& problem, const float* in, float* out) const = 0;

  // What training takes.

  virtual void spread(const kernels::SpreadProblem& problem, const float* in, float* out) const = 0;

  /// How far wgrad may lie from the exact one, likewise. magnitude: the 2-norm of its products; sum_norm: of
  /// all of dsum's of its output; in_limit: no input is larger.
  virtual double wgrad_tolerance(const kernels::Conv2dProblem& problem, double magnitude, double sum_norm,
                                 double in_limit) const = 0;
  virtual void conv2d_wgrad(const kernels::Conv2dProblem& problem,
                            const kernels::Conv2dWgradArguments& arguments) const = 0;
  /// The same where the side of fewer channels is images, which are stored as fp32 whatever the maps.
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

/// A test of kernels with one body for all implementations: one test on the CPU and, of the same name and
/// "(gpu)", with the tag [gpu], one on the GPU, which is skipped where there is none.
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

/// Those that the running KERNEL_TEST_CASE is for. The CPU's: for each SIMD instruction set that this machine
/// has, direct and Winograd. The GPU's: fp32 and fp16.
const Implementations& implementations();

/// What these store maps as.
std::vector<engine::DType> stored_types();

/// Rounded to numbers that such maps can hold.
std::vector<float> stored(std::vector<float> values, engine::DType maps);

/// How far a number of that size may lie from the exact one when it is stored.
double storage_rounding(engine::DType maps, double size);

/// The tolerance of every sum of a convolution, (n, out_h, out_w, out_channels), by
/// Implementation::tolerance. magnitude: of the reference. weight: (out_channels, …). bias: (out_channels),
/// or empty.
std::vector<double> sum_tolerances(const Implementation& implementation,
                                   const kernels::Conv2dProblem& problem,
                                   const std::vector<double>& magnitude, const std::vector<float>& weight,
                                   const std::vector<float>& bias, double in_limit);

}  // namespace sapnet::tests
