#include "bench/kernels/work.h"

#include <algorithm>
#include <cmath>

#include "bench/kernels/make_work.h"

namespace sapnet::bench {

Work make_work(const Case& what, const engine::Execution& execution) {
  return what.out > 0 ? make_convolution_work(what, execution) : make_other_work(what, execution);
}

Case small_version(const Case& what) {
  Case small = what;
  if (what.operation == Operation::kAdam) return small;
  const bool numeric = what.pass == Pass::kBackward;  // numeric derivatives are slow
  const bool costly = (what.in[0] + what.in[1]) * what.out > 128 * 64 || what.uses > 1;
  small.n = what.uses;
  small.h = std::min<std::int64_t>(what.h, numeric || costly ? 7 : 9);
  small.w = std::min<std::int64_t>(what.w, numeric || costly ? 9 : 70);
  return small;
}

double largest_error(const Work& work) {
  const std::vector<engine::Tensor> results = work.run(0);
  const std::vector<float> got = engine::to_vector(results.front());
  const std::vector<double> expected = work.expected();
  double error = 0, largest = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    error = std::max(error, std::abs(static_cast<double>(got[k]) - expected[k]));
    largest = std::max(largest, std::abs(expected[k]));
  }
  return error / largest;
}

}  // namespace sapnet::bench
