// cuBLAS: a product is a task on its stream, like a kernel.
#include <cublas_v2.h>
#include <cuda_fp16.h>
#include <emulated_dlfcn.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "tests/cuda_emulator/runtime/runtime.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  bool has_workspace = false;
};

namespace sapnet::cuda_emulator {
namespace {

thread_local std::pair<cublasStatus_t, std::string> last_failure;

cublasStatus_t refuse(cublasStatus_t status, const std::string& sentence) {
  last_failure = {status, sentence};
  return status;
}

/// Runs the body of a cuBLAS function under the runtime's lock.
template <class Body>
cublasStatus_t call_cublas(const Body& body) {
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  const cudaError_t error = call([&] {
    status = body();
    return cudaSuccess;
  });
  return error ? refuse(CUBLAS_STATUS_NOT_INITIALIZED, cudaGetErrorString(error)) : status;
}

/// Converts the runtime's error for a call that cuBLAS made.
cublasStatus_t passed_on(cudaError_t error) {
  return error ? refuse(CUBLAS_STATUS_EXECUTION_FAILED, cudaGetErrorString(error)) : CUBLAS_STATUS_SUCCESS;
}

/// Whether all these bytes are in one block of device memory.
bool on_device(const void* memory, std::size_t bytes) {
  std::uintptr_t first = 0;
  const MemoryBlock* const block = find_block(memory, &first);
  return block && block->on_device &&
         bytes <= block->bytes - (reinterpret_cast<std::uintptr_t>(memory) - first);
}

/// A column-major matrix.
struct Matrix {
  const char* name;
  void* memory;
  cudaDataType type;
  std::int64_t rows, columns, leading;

  std::size_t element_bytes() const { return type == CUDA_R_16F ? sizeof(__half) : sizeof(float); }
  std::size_t bytes() const {
    return static_cast<std::size_t>((columns - 1) * leading + rows) * element_bytes();
  }
  float get(std::int64_t row, std::int64_t column) const {
    const std::int64_t at = column * leading + row;
    return type == CUDA_R_16F ? __half2float(static_cast<const __half*>(memory)[at])
                              : static_cast<const float*>(memory)[at];
  }
  void set(std::int64_t row, std::int64_t column, float value) const {
    const std::int64_t at = column * leading + row;
    if (type == CUDA_R_16F)
      static_cast<__half*>(memory)[at] = __half(value);
    else
      static_cast<float*>(memory)[at] = value;
  }
};

cublasStatus_t check(const Matrix& matrix) {
  const std::string who = std::string("matrix ") + matrix.name;
  if (matrix.rows < 1 || matrix.columns < 1 || matrix.leading < matrix.rows)
    return refuse(CUBLAS_STATUS_INVALID_VALUE, who + " of " + std::to_string(matrix.rows) + " rows and " +
                                                   std::to_string(matrix.columns) + " columns, which are " +
                                                   std::to_string(matrix.leading) + " elements apart");
  if (on_device(matrix.memory, matrix.bytes())) return CUBLAS_STATUS_SUCCESS;
  return refuse(CUBLAS_STATUS_INVALID_VALUE, who + " of " + std::to_string(matrix.bytes()) +
                                                 " bytes is not within a block of the device's memory");
}

void multiply(const Matrix& a, const Matrix& b, const Matrix& c, float alpha, float beta) {
  for (std::int64_t column = 0; column < c.columns; ++column) {
    for (std::int64_t row = 0; row < c.rows; ++row) {
      float sum = 0;
      for (std::int64_t k = 0; k < a.columns; ++k) sum += a.get(row, k) * b.get(k, column);
      c.set(row, column, alpha * sum + (beta == 0 ? 0 : beta * c.get(row, column)));
    }
  }
}

char library;  // its address is the library handle

}  // namespace

void* open_library(const char* name, int /*flags*/) {
  return device().cublas && std::string_view(name) == "libcublas.so.13" ? &library : nullptr;
}

void* find_function(void* from, const char* name) {
  const std::pair<std::string_view, void*> functions[] = {
      {"cublasCreate_v2", reinterpret_cast<void*>(&cublasCreate_v2)},
      {"cublasSetStream_v2", reinterpret_cast<void*>(&cublasSetStream_v2)},
      {"cublasSetWorkspace_v2", reinterpret_cast<void*>(&cublasSetWorkspace_v2)},
      {"cublasSetMathMode", reinterpret_cast<void*>(&cublasSetMathMode)},
      {"cublasGetStatusString", reinterpret_cast<void*>(&cublasGetStatusString)},
      {"cublasGemmEx_64", reinterpret_cast<void*>(&cublasGemmEx_64)},
  };
  for (const auto& [known, function] : functions)
    if (from == &library && name == known) return function;
  return nullptr;
}

}  // namespace sapnet::cuda_emulator

using namespace sapnet::cuda_emulator;

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  return call_cublas([&] {
    *handle = nullptr;
    if (const cudaError_t error = forbid_in_capture("cublasCreate")) return passed_on(error);
    *handle = new cublasContext;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  return call_cublas([&] {
    *handle = {stream, false};
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  return call_cublas([&] {
    if (!on_device(workspace, bytes))
      return refuse(CUBLAS_STATUS_INVALID_VALUE,
                    "a workspace that is not within a block of the device's memory");
    handle->has_workspace = bytes > 0;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t /*handle*/, cublasMath_t /*mode*/) {
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t status) {
  if (status == last_failure.first && status != CUBLAS_STATUS_SUCCESS) return last_failure.second.c_str();
  return status == CUBLAS_STATUS_SUCCESS ? "success" : "failure";
}

cublasStatus_t cublasGemmEx_64(cublasHandle_t handle, cublasOperation_t operation_a,
                               cublasOperation_t operation_b, std::int64_t m, std::int64_t n, std::int64_t k,
                               const void* alpha, const void* a, cudaDataType type_a, std::int64_t lda,
                               const void* b, cudaDataType type_b, std::int64_t ldb, const void* beta,
                               void* c, cudaDataType type_c, std::int64_t ldc,
                               cublasComputeType_t compute_type, cublasGemmAlgo_t /*algorithm*/) {
  return call_cublas([&] {
    if (operation_a != CUBLAS_OP_N || operation_b != CUBLAS_OP_N || type_a != type_b || type_a != type_c ||
        compute_type != CUBLAS_COMPUTE_32F)
      return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "the emulator has no product of such matrices");
    if (!handle->has_workspace)
      return refuse(CUBLAS_STATUS_NOT_SUPPORTED, "a product without a workspace would allocate one");
    const Matrix first{"A", const_cast<void*>(a), type_a, m, k, lda},
        second{"B", const_cast<void*>(b), type_b, k, n, ldb}, product{"C", c, type_c, m, n, ldc};
    for (const Matrix& matrix : {first, second, product})
      if (const cublasStatus_t status = check(matrix)) return status;
    return passed_on(queue(handle->stream, [=, factor = *static_cast<const float*>(alpha),
                                            before = *static_cast<const float*>(beta)] {
      multiply(first, second, product, factor, before);
      return cudaSuccess;
    }));
  });
}
