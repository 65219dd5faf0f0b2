#include <type_traits>

#include "kernels/cuda_check.h"
#include "kernels/half.h"
#include "kernels/matmul/matmul.h"

#if __has_include(<cublas_v2.h>)

#include <cublas_v2.h>
#ifdef __CUDACC__
#include <dlfcn.h>
#else
#include <emulated_dlfcn.h>
#endif

namespace sapnet::kernels::cuda {
namespace {

/// What NVIDIA recommends for an H100; for an A100 it would be less.
constexpr std::size_t kWorkspaceBytes = 32U << 20U;

/// cuBLAS, opened when it is first asked for and not linked, so that programs start where it is missing.
class Cublas {
 public:
  /// Null where it is missing.
  static Cublas* find() {
    static Cublas* const only = open();
    return only;
  }

  /// The handle, ready to queue on a stream.
  cublasHandle_t on(cudaStream_t stream) {
    if (!handle_) start(stream);
    // With every stream cuBLAS forgets the workspace; then it would allocate one, which spoils a capture, and
    // which may make another order of sums.
    check(set_stream_(handle_, stream), "choosing the stream of");
    check(set_workspace_(handle_, workspace_, kWorkspaceBytes), "handing memory to");
    return handle_;
  }

  void check(cublasStatus_t status, const char* what) const {
    if (status != CUBLAS_STATUS_SUCCESS)
      throw Error(std::string("CUDA: ") + what + " cuBLAS: " + status_string_(status));
  }

  decltype(&cublasGemmEx_64) gemm = nullptr;

 private:
  static Cublas* open() {
    for (const char* name : {"libcublas.so.13", "libcublas.so.12", "libcublas.so"}) {
      void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (!library) continue;
      Cublas found;
      const auto look_up = [&](auto& function, const char* symbol) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol));
        return function != nullptr;
      };
      if (look_up(found.create_, "cublasCreate_v2") && look_up(found.set_stream_, "cublasSetStream_v2") &&
          look_up(found.set_workspace_, "cublasSetWorkspace_v2") &&
          look_up(found.set_math_mode_, "cublasSetMathMode") &&
          look_up(found.status_string_, "cublasGetStatusString") && look_up(found.gemm, "cublasGemmEx_64"))
        return new Cublas(found);  // never destroyed: at the program's end the driver goes first
    }
    return nullptr;
  }

  void start(cudaStream_t stream) {
    cudaStreamCaptureStatus capture{};
    check_cuda(cudaStreamIsCapturing(stream, &capture), "asking for a stream's state");
    if (capture != cudaStreamCaptureStatusNone)
      throw Error(
          "CUDA: the first product by cuBLAS cannot be recorded into a graph; one must have been computed "
          "before");
    if (!workspace_) check_cuda(cudaMalloc(&workspace_, kWorkspaceBytes), "allocating memory for cuBLAS");
    cublasHandle_t made = nullptr;
    check(create_(&made), "starting");
    // By default a product in fp16 that is summed in several partials may add these in fp16. In fp32 the
    // default is fp32 throughout, without TF32.
    check(set_math_mode_(made, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION),
          "choosing the arithmetic of");
    handle_ = made;
  }

  decltype(&cublasCreate_v2) create_ = nullptr;
  decltype(&cublasSetStream_v2) set_stream_ = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace_ = nullptr;
  decltype(&cublasSetMathMode) set_math_mode_ = nullptr;
  decltype(&cublasGetStatusString) status_string_ = nullptr;
  cublasHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace

bool has_matmul() { return Cublas::find() != nullptr; }

template <class T>
void matmul(const MatmulProblem& p, const T* a, const T* b, T* c, CudaStream stream) {
  Cublas* const cublas = Cublas::find();
  if (!cublas) throw Error("CUDA: cuBLAS is not on this machine");
  constexpr cudaDataType kType = std::is_same_v<T, Half> ? CUDA_R_16F : CUDA_R_32F;
  const float factor = 1, factor_before = p.add ? 1 : 0;
  // cuBLAS counts column after column. So it takes each matrix for its transpose, and cᵀ = bᵀ aᵀ.
  cublas->check(
      cublas->gemm(cublas->on(stream), CUBLAS_OP_N, CUBLAS_OP_N, p.n, p.m, p.k, &factor, b, kType, p.n, a,
                   kType, p.k, &factor_before, c, kType, p.n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
      "multiplying matrices by");
}

}  // namespace sapnet::kernels::cuda

#else  // a toolkit without cuBLAS

namespace sapnet::kernels::cuda {

bool has_matmul() { return false; }

template <class T>
void matmul(const MatmulProblem& /*problem*/, const T* /*a*/, const T* /*b*/, T* /*c*/,
            CudaStream /*stream*/) {
  throw Error("CUDA: this build was made without cuBLAS");
}

}  // namespace sapnet::kernels::cuda

#endif

namespace sapnet::kernels::cuda {

template void matmul(const MatmulProblem&, const float*, const float*, float*, CudaStream);
template void matmul(const MatmulProblem&, const Half*, const Half*, Half*, CudaStream);

}  // namespace sapnet::kernels::cuda
