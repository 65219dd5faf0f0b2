// The emulated cuBLAS, and programs without it.
#include <cublas_v2.h>
#include <emulated_dlfcn.h>

#include <string>

#include "engine/cuda.h"
#include "kernels/error.h"
#include "kernels/matmul/matmul.h"
#include "tests/catch.h"
#include "tests/cuda_emulator/helpers.h"

namespace sapnet::tests {
namespace {

using Catch::Contains;

TEST_CASE("cublas if available", "[.cublas]") {
  WARN("cuBLAS is " << (kernels::cuda::has_matmul() ? "there" : "missing"));
}

TEST_CASE("1×1 convolutions work without cuBLAS", "[cuda_emulator][matmul]") {
  CHECK_THAT(run_again("[.cublas]").output, Contains("cuBLAS is there"));
  CHECK_THAT(run_again("[.cublas]", "SAPNET_EMULATOR_DEVICE=without_cublas").output,
             Contains("cuBLAS is missing"));
  const Ended ended = run_again("conv2d with 1x1 kernels (gpu)", "SAPNET_EMULATOR_DEVICE=without_cublas");
  CHECK(ended.status == 0);
  CHECK_THAT(ended.output, Contains("All tests passed"));
}

TEST_CASE("the first cuBLAS call is not captured", "[.cublas_capture]") {
  const DeviceArray<float> a(6), b(6), c(4);
  const auto multiply = [&] {
    kernels::cuda::matmul<float>(kernels::cuda::Context{engine::cuda::stream()}, {2, 2, 3}, a.get(), b.get(),
                                 c.get());
  };
  CHECK_THROWS_WITH(engine::cuda::Graph(multiply), Contains("the first cuBLAS call cannot be captured"));
  CHECK_NOTHROW(multiply());
  CHECK_NOTHROW(engine::cuda::Graph(multiply));
}

TEST_CASE("a first cuBLAS call during capture is refused", "[cuda_emulator][matmul]") {
  CHECK(run_again("[.cublas_capture]").status == 0);  // in a process without an earlier product
}

TEST_CASE("cuBLAS reports unsupported arguments", "[cuda_emulator][matmul]") {
  cublasHandle_t handle = nullptr;
  REQUIRE(cublasCreate_v2(&handle) == CUBLAS_STATUS_SUCCESS);
  const DeviceArray<float> a(6), b(12), c(8), workspace(8);
  const float one = 1;
  const auto multiply = [&](const void* first, std::int64_t lda, std::int64_t m = 2) -> std::string {
    return cublasGetStatusString(cublasGemmEx_64(handle, CUBLAS_OP_N, CUBLAS_OP_N, m, 4, 3, &one, first,
                                                 CUDA_R_32F, lda, b.get(), CUDA_R_32F, 3, &one, c.get(),
                                                 CUDA_R_32F, 2, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  };
  ok(cudaMemset(a.get(), 0, 6 * sizeof(float)));
  CHECK_THAT(multiply(a.get(), 2), Contains("without a workspace"));
  CHECK(cublasSetWorkspace_v2(handle, workspace.get(), 8 * sizeof(float)) == CUBLAS_STATUS_SUCCESS);
  CHECK(multiply(a.get(), 2) == "success");
  CHECK(cublasSetStream_v2(handle, nullptr) == CUBLAS_STATUS_SUCCESS);
  CHECK_THAT(multiply(a.get(), 2), Contains("without a workspace"));
  CHECK(cublasSetWorkspace_v2(handle, workspace.get(), 9 * sizeof(float)) != CUBLAS_STATUS_SUCCESS);
  CHECK(cublasSetWorkspace_v2(handle, workspace.get(), 8 * sizeof(float)) == CUBLAS_STATUS_SUCCESS);
  CHECK_THAT(multiply(a.get(), 3), Contains("matrix A of 32 bytes is not within"));
  CHECK_THAT(multiply(a.get(), 1), Contains("matrix A of 2 rows and 3 columns, which are 1 elements apart"));
  CHECK_THAT(multiply(a.get(), 2, 0), Contains("matrix A of 0 rows"));
  const std::vector<float> host(6);
  CHECK_THAT(multiply(host.data(), 2), Contains("matrix A of 24 bytes is not within"));
  ok(cudaDeviceSynchronize());
  cublasDestroy_v2(handle);
}

}  // namespace
}  // namespace sapnet::tests
