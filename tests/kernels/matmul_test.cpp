#include "kernels/matmul/matmul.h"

#include "tests/catch.h"

#ifdef SAPNET_CUDA

#include <array>
#include <cmath>
#include <vector>

#include "engine/cuda.h"
#include "tests/gpu/have_gpu.h"
#include "tests/kernels/close.h"
#include "tests/kernels/device_memory.h"
#include "tests/kernels/guarded_array.h"
#include "tests/kernels/implementations.h"

namespace sapnet::tests {
namespace {

using kernels::MatmulProblem;

bool can_multiply() {
  if (!have_gpu()) return false;
  if (kernels::cuda::has_matmul()) return true;
  WARN("skipped: there is no cuBLAS");
  return false;
}

/// A problem with its factors and the previous content of c, representable in T.
template <class T>
struct Factors {
  explicit Factors(const MatmulProblem& problem) : p(problem) {}

  MatmulProblem p;
  std::vector<float> a = stored(random_values(p.m * p.k, 1), engine::kDTypeOf<T>);
  std::vector<float> b = stored(random_values(p.k * p.n, 2), engine::kDTypeOf<T>);
  std::vector<float> before = stored(random_values(p.m * p.n, 3), engine::kDTypeOf<T>);
};

template <class T>
void check_product(const Factors<T>& factors, const std::vector<float>& actual) {
  const MatmulProblem& p = factors.p;
  std::vector<double> expected, tolerance;
  const auto at = [](const std::vector<float>& matrix, std::int64_t k) {
    return static_cast<double>(matrix[static_cast<std::size_t>(k)]);
  };
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      double sum = p.add ? at(factors.before, i * p.n + j) : 0, squares = sum * sum;
      for (std::int64_t k = 0; k < p.k; ++k) {
        const double product = at(factors.a, i * p.k + k) * at(factors.b, k * p.n + j);
        sum += product;
        squares += product * product;
      }
      expected.push_back(sum);
      tolerance.push_back(sum_tolerance(static_cast<double>(p.k) + 1, std::sqrt(squares)) +
                          storage_rounding(engine::kDTypeOf<T>, std::abs(sum)));
    }
  }
  check_close("c", {p.m, p.n}, actual, expected, tolerance);
}

template <class T>
std::vector<float> floats(GuardedDeviceArray<T>& array, std::size_t size) {
  std::vector<float> values(size);
  array.read_to(values.data());
  return values;
}

template <class T>
void multiply_on_gpu(const MatmulProblem& problem, GuardedDeviceArray<T>& a, GuardedDeviceArray<T>& b,
                     GuardedDeviceArray<T>& c) {
  kernels::cuda::matmul(kernels::cuda::Context{engine::cuda::stream()}, problem, a.data(), b.data(),
                        c.data());
}

template <class T>
void check(const MatmulProblem& problem) {
  INFO(problem.m << "×" << problem.k << " by " << problem.k << "×" << problem.n << ", " << problem.add);
  const Factors<T> factors(problem);
  GuardedDeviceArray<T> a(factors.a.data(), problem.m * problem.k),
      b(factors.b.data(), problem.k * problem.n),
      c(problem.add ? factors.before.data() : static_cast<const float*>(nullptr), problem.m * problem.n);
  const auto multiply = [&] {
    multiply_on_gpu(problem, a, b, c);
    return floats(c, factors.before.size());
  };
  const std::vector<float> product = multiply();
  check_product(factors, product);
  if (!problem.add) check_same_bits("c", product, multiply());
}

TEMPLATE_TEST_CASE("matmul", "[kernels][matmul][gpu]", float, engine::Half) {
  if (!can_multiply()) return;
  for (const bool add : {false, true}) {
    check<TestType>({1, 1, 1, add});
    check<TestType>({3, 5, 7, add});
    check<TestType>({17, 1, 40, add});
    check<TestType>({1, 24, 9, add});
    check<TestType>({33, 64, 128, add});
  }
}

TEMPLATE_TEST_CASE("a matrix product can be captured in a graph and relaunched", "[kernels][matmul][gpu]",
                   float, engine::Half) {
  if (!can_multiply()) return;
  const Factors<TestType> factors({5, 12, 20, false});
  check<TestType>(factors.p);  // the first cuBLAS call cannot be captured
  GuardedDeviceArray<TestType> a(factors.a.data(), 5 * 20), b(factors.b.data(), 20 * 12), c(5 * 12);
  engine::cuda::Graph graph([&] { multiply_on_gpu(factors.p, a, b, c); });
  CHECK(std::isnan(floats(c, 5 * 12)[0]));
  graph.launch();
  check_product(factors, floats(c, 5 * 12));

  const std::vector<float> zeros(5 * 20);
  GuardedDeviceArray<TestType> nothing(zeros.data(), 5 * 20);
  engine::cuda::copy(a.data(), nothing.data(), zeros.size() * sizeof(TestType));
  graph.launch();
  CHECK(floats(c, 5 * 12) == std::vector<float>(5 * 12));
}

}  // namespace
}  // namespace sapnet::tests

#endif
