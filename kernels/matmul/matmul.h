// The product of two dense matrices, row after row:
//
//   c[i, j] = Σ_k a[i, k] · b[k, j]   (+ c[i, j])
//
// On a GPU only, by NVIDIA's cuBLAS: the CPU's convolutions, which it is for, need no product of their own.
#pragma once

#include <cstdint>

#include "kernels/stream.h"

namespace sapnet::kernels {

struct MatmulProblem {
  std::int64_t m = 0, n = 0, k = 0;  // of c: rows, columns; and the terms of a sum
  bool add = false;                  // to what c holds
};

namespace cuda {

/// Whether matmul can be called: cuBLAS was there when the build was made, and is on this machine.
bool has_matmul();

/// a: (m, k), b: (k, n), c: (m, n), which shares nothing with the others. T: float, multiplied as such, or
/// Half. Sums are fp32 in both cases, and the same bits each time. All products share some memory to work in,
/// so one stream should have them all. The first one may not be recorded into a graph. Throws Error when
/// cuBLAS does not do it.
template <class T>
void matmul(const MatmulProblem& problem, const T* a, const T* b, T* c, CudaStream stream);

}  // namespace cuda
}  // namespace sapnet::kernels
