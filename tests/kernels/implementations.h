// Every implementation of the operations in kernels/, so that each operation's test has one body.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/device.h"
#include "engine/dtype.h"
#include "kernels/attended_conv/attended_conv.h"
#include "kernels/context.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv_lstm/conv_lstm.h"
#include "kernels/simd.h"
#include "tests/catch.h"
#include "tests/kernels/guarded_array.h"

#ifdef SAPNET_CUDA
#include "tests/kernels/device_memory.h"
#endif

namespace sapnet::tests {

/// An operation as a function object, for Implementation::run: OPERATION(max_pool).
#define OPERATION(name) [](const auto&... operands) { return name(operands...); }

/// Calls visit(p, q) for each pointer p that an arguments struct lists in arrays(), and the same one, q, of
/// another struct.
template <class A, class B, class Visit>
void for_each_pointer(A& a, B& b, const Visit& visit) {
  using Type = std::remove_cvref_t<A>;
  if constexpr (std::is_pointer_v<Type>) {
    visit(a, b);
  } else if constexpr (requires { Type::arrays(a); }) {
    const auto all_a = Type::arrays(a);
    const auto all_b = std::remove_cvref_t<B>::arrays(b);
    [&]<std::size_t... k>(std::index_sequence<k...>) {
      (for_each_pointer(std::get<k>(all_a), std::get<k>(all_b), visit), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<decltype(all_a)>>>());
  } else {
    for (std::size_t k = 0; k < a.size(); ++k) for_each_pointer(a[k], b[k], visit);
  }
}

/// Fails the test if the arguments contain a pointer to a GuardedArray that arrays() does not list, or if
/// arrays() lists a pointer to anything else.
template <class Arguments>
void check_lists_all_arrays(const Arguments& arguments) {
  std::set<const void*> used, listed;
  for (const void* word : std::bit_cast<std::array<const void*, sizeof arguments / sizeof(void*)>>(arguments))
    if (GuardedArray::size_at(word) > 0) used.insert(word);
  for_each_pointer(arguments, arguments, [&](const void* pointer, const void* /*the same*/) {
    if (pointer) listed.insert(pointer);
  });
  REQUIRE(used == listed);
}

/// One way to run operations: on the CPU with an instruction set and an algorithm for convolutions, or on the
/// GPU with a storage type.
class Implementation {
 public:
  Implementation(std::int64_t simd_target, kernels::Conv2dAlgorithm algorithm)
      : device_(engine::Device::kCpu), simd_target_(simd_target), algorithm_(algorithm) {}
  explicit Implementation(engine::DType maps) : device_(engine::Device::kCuda), maps_(maps) {}

  std::string name() const;

  /// Storage type of maps and packed weights. The tests' values are representable in it.
  engine::DType maps() const { return maps_; }

  /// Whether it supports convolutions of this kind.
  bool supports(const kernels::Conv2dProblem& problem) const;
  bool supports(const kernels::ConvLstmProblem& problem) const;
  bool supports(const kernels::AttendedConvProblem& problem) const;

  /// The tolerance of a sum of the convolution. magnitude: 2-norm of its products and bias; filter_norm: of
  /// its output channel's weights; in_limit: bound of the inputs; bias: its absolute value.
  double tolerance(const kernels::Conv2dProblem& problem, double magnitude, double filter_norm,
                   double in_limit, double bias) const;

  /// The tolerance of wgrad, likewise. magnitude: 2-norm of its products; sum_norm: of all of
  /// grad_preactivation for its output; in_limit: bound of the inputs.
  double wgrad_tolerance(const kernels::Conv2dProblem& problem, double magnitude, double sum_norm,
                         double in_limit) const;

  /// f(context), for functions that depend on the device, such as conv2d_partials.
  template <class Function>
  auto with_context(const Function& f) const {
#ifdef SAPNET_CUDA
    if (device_ == engine::Device::kCuda) return f(kernels::cuda::Context());
#endif
    return f(kernels::cpu::Context());
  }

  /// Weights (out_channels, in_channels, kernel, kernel) in the layout that the operation wants.
  std::vector<float> packed(const kernels::Conv2dProblem& problem, const std::vector<float>& weight) const {
    return packed(problem, weight, OPERATION(packed_conv2d_size), OPERATION(pack_conv2d));
  }
  std::vector<float> packed(const kernels::ConvLstmProblem& problem, const std::vector<float>& weight) const {
    const auto size = [](const auto& context, const kernels::ConvLstmProblem& p) {
      return packed_conv2d_size(context, p.conv());
    };
    return packed(problem, weight, size, OPERATION(pack_conv_lstm));
  }

  /// Runs operation(context, problem, arguments) with the arguments' arrays, GuardedArrays, in host memory. A
  /// GPU gets copies between guard bands; the test fails if one has changed.
  template <class Operation, class Problem, class Arguments>
  void run(const Operation& operation, const Problem& problem, const Arguments& arguments) const {
    run_as(operation, problem, arguments, [](auto) { return Arguments(); });
  }
  /// Arguments<float> or Arguments<float, float>: float stands for the storage type of the maps.
  template <class Operation, class Problem, template <class...> class Arguments, class... Floats>
  void run(const Operation& operation, const Problem& problem, const Arguments<Floats...>& arguments) const {
    run_as(operation, problem, arguments,
           []<class T>(T) { return Arguments<std::conditional_t<true, T, Floats>...>(); });
  }

  /// The same where device_arguments(T()), with T the storage type of the maps, has the type of the arguments
  /// on a GPU.
  template <class Operation, class Problem, class Arguments, class DeviceArguments>
  void run_as(const Operation& operation, const Problem& problem, const Arguments& arguments,
              [[maybe_unused]] const DeviceArguments& device_arguments) const {
    check_lists_all_arrays(arguments);
    if (device_ == engine::Device::kCpu) {
      const UseTarget use(simd_target_);
      operation(kernels::cpu::Context(), on_cpu(problem), arguments);
      return;
    }
#ifdef SAPNET_CUDA
    DeviceArrays arrays;
    const kernels::cuda::Context context{engine::cuda::stream(),
                                         [&](std::int64_t floats) { return arrays.workspace(floats); }};
    engine::visit_dtype(maps_, [&](auto t) {
      using OnDevice = decltype(device_arguments(t));
      auto on_device = std::bit_cast<OnDevice>(arguments);  // all but the pointers, which follow
      for_each_pointer(arguments, on_device, [&](auto& host, auto& device) { arrays.copy(host, device); });
      operation(context, problem, on_device);
    });
    arrays.finish();
#endif
  }

 private:
  struct UseTarget {
    explicit UseTarget(std::int64_t target) { kernels::use_simd_target(target); }
    ~UseTarget() { kernels::use_simd_target(0); }
  };

  /// The problem with this implementation's algorithm, if it has any.
  template <class Problem>
  Problem on_cpu(Problem problem) const {
    if constexpr (requires { problem.algorithm; }) problem.algorithm = algorithm_;
    return problem;
  }

  template <class Problem, class Size, class Pack>
  std::vector<float> packed(const Problem& problem, const std::vector<float>& weight, const Size& size,
                            const Pack& pack) const {
    std::vector<float> floats;
    if (device_ == engine::Device::kCpu) {
      const kernels::cpu::Context context;
      GuardedArray to(static_cast<std::size_t>(size(context, on_cpu(problem))));
      pack(context, on_cpu(problem), weight.data(), to.data());
      return {to.values().begin(), to.values().end()};
    }
#ifdef SAPNET_CUDA
    engine::visit_dtype(maps_, [&]<class T>(T) {
      const kernels::cuda::Context context;
      std::vector<T> stored(static_cast<std::size_t>(size(context, problem)));
      pack(context, problem, weight.data(), stored.data());
      for (const T value : stored) floats.push_back(converted<float>(value));
    });
#endif
    return floats;
  }

  engine::Device device_;
  std::int64_t simd_target_ = 0;
  kernels::Conv2dAlgorithm algorithm_ = kernels::Conv2dAlgorithm::kDirect;
  engine::DType maps_ = engine::DType::kFloat32;
};

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

/// How an operation's CPU implementations differ, so that no code is tested twice.
enum class Variants {
  kAlgorithms,  // convolutions: direct, Winograd and RGB output, each with every instruction set
  kSimd,        // one for every instruction set of this CPU
  kOne,         // plain C++
};

/// The implementations that the running KERNEL_TEST_CASE tests (fp32 and fp16 on a GPU), or only those with
/// this storage type.
std::vector<const Implementation*> implementations(Variants variants = Variants::kAlgorithms,
                                                   std::optional<engine::DType> maps = std::nullopt);

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
