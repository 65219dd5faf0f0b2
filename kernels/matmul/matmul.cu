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

/// NVIDIA's recommendation for an H100; an A100 needs less.
constexpr std::size_t kWorkspaceBytes = 32U << 20U;

/// cuBLAS, loaded with dlopen on first use, so that programs also start where it is missing.
class Cublas {
 public:
  /// Null if it is missing.
  static Cublas* find() {
    static Cublas* const only = open();
    return only;
  }

  /// The handle, set to queue on a stream.
  cublasHandle_t handle_for(cudaStream_t stream) {
    if (!handle_) create_handle(stream);
    // cublasSetStream resets the workspace; cuBLAS would then allocate its own, which breaks graph capture
    // and may change the order of sums.
    check(set_stream_(handle_, stream), "setting the stream of");
    check(set_workspace_(handle_, workspace_, kWorkspaceBytes), "setting the workspace of");
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
        return new Cublas(found);  // never destroyed: the driver shuts down first at program exit
    }
    return nullptr;
  }

  void create_handle(cudaStream_t stream) {
    cudaStreamCaptureStatus capture{};
    check_cuda(cudaStreamIsCapturing(stream, &capture), "querying the capture state");
    if (capture != cudaStreamCaptureStatusNone)
      throw Error("CUDA: the first cuBLAS call cannot be captured in a graph; run one before capturing");
    if (!workspace_) check_cuda(cudaMalloc(&workspace_, kWorkspaceBytes), "allocating memory for cuBLAS");
    cublasHandle_t made = nullptr;
    check(create_(&made), "starting");
    // By default split-K fp16 products may be reduced in fp16. In fp32 the default is full fp32, without
    // TF32.
    check(set_math_mode_(made, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION), "setting the math mode of");
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
void matmul(const Context& context, const MatmulProblem& p, const T* a, const T* b, T* c) {
  Cublas* const cublas = Cublas::find();
  if (!cublas) throw Error("CUDA: cuBLAS was not found");
  constexpr cudaDataType kType = std::is_same_v<T, Half> ? CUDA_R_16F : CUDA_R_32F;
  const float factor = 1, factor_before = p.add ? 1 : 0;
  // cuBLAS is column-major, so it sees each matrix as its transpose: cᵀ = bᵀ aᵀ.
  cublas->check(cublas->gemm(cublas->handle_for(context.stream), CUBLAS_OP_N, CUBLAS_OP_N, p.n, p.m, p.k,
                             &factor, b, kType, p.n, a, kType, p.k, &factor_before, c, kType, p.n,
                             CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                "multiplying matrices by");
}

}  // namespace sapnet::kernels::cuda

#else  // a toolkit without cuBLAS

namespace sapnet::kernels::cuda {

bool has_matmul() { return false; }

template <class T>
void matmul(const Context& /*context*/, const MatmulProblem& /*problem*/, const T* /*a*/, const T* /*b*/,
            T* /*c*/) {
  throw Error("CUDA: this build was made without cuBLAS");
}

}  // namespace sapnet::kernels::cuda

#endif

namespace sapnet::kernels::cuda {

template void matmul(const Context&, const MatmulProblem&, const float*, const float*, float*);
template void matmul(const Context&, const MatmulProblem&, const Half*, const Half*, Half*);

}  // namespace sapnet::kernels::cuda
