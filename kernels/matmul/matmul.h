// The product of two dense row-major matrices:
//
//   c[i, j] = Σ_k a[i, k] · b[k, j]   (+ c[i, j])
//
// GPU only, by cuBLAS; the CPU's convolutions do not need it.
#pragma once

#include <cstdint>

#include "kernels/context.h"

namespace sapnet::kernels {

struct MatmulProblem {
  std::int64_t m = 0, n = 0, k = 0;  // rows and columns of c, and the reduction length
  bool add = false;                  // accumulate into c
};

namespace cuda {

/// Whether matmul is available: cuBLAS was present at build time and is on this machine.
bool has_matmul();

/// a: (m, k), b: (k, n), c: (m, n), which must not overlap a or b. T: float or Half. Accumulates in fp32 in
/// both cases; deterministic. All calls share one workspace, so they must use one stream. The first call must
/// not be captured in a graph. Throws Error if cuBLAS fails.
template <class T>
void matmul(const Context& context, const MatmulProblem& problem, const T* a, const T* b, T* c);

}  // namespace cuda
}  // namespace sapnet::kernels
