// Replaces the toolkit's header: the runtime API, the kernel language, and the functions that take a kernel.
#pragma once

#include <cuda_runtime_api.h>
#include <emulated_device.h>

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace sapnet::cuda_emulator {

/// A kernel with its arguments, to be run by every thread of a grid.
struct Launch {
  const void* kernel;
  std::function<void()> run_thread;
  std::vector<const void*> pointers;  // the arguments that are pointers to objects
  dim3 grid, block;
  std::size_t shared_bytes;
  bool cooperative;
};

cudaError_t enqueue(Launch launch, cudaStream_t stream);
cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value);
cudaError_t get_attributes(cudaFuncAttributes* attributes, const void* kernel);
cudaError_t occupancy(int* blocks, const void* kernel, int threads, std::size_t shared_bytes);

template <class... Parameters>
const void* address(void (*kernel)(Parameters...)) {
  return reinterpret_cast<const void*>(kernel);
}

template <class T>
void note_pointer(const T& argument, std::vector<const void*>& pointers) {
  if constexpr (std::is_pointer_v<T>) {
    if constexpr (!std::is_function_v<std::remove_pointer_t<T>>) pointers.push_back(argument);
  }
}

/// Copies the arguments now, and once more for each thread.
template <class... Parameters, std::size_t... kIndices>
Launch packed(void (*kernel)(Parameters...), void** arguments, std::index_sequence<kIndices...> /*indices*/) {
  const std::tuple<Parameters...> values(
      *static_cast<std::remove_reference_t<Parameters>*>(arguments[kIndices])...);
  Launch launch{};
  launch.kernel = address(kernel);
  (note_pointer(std::get<kIndices>(values), launch.pointers), ...);
  launch.run_thread = [kernel, values] { std::apply(kernel, values); };
  return launch;
}

template <class... Parameters>
cudaError_t enqueue_kernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments,
                           std::size_t shared_bytes, cudaStream_t stream, bool cooperative) {
  Launch launch = packed(kernel, arguments, std::index_sequence_for<Parameters...>());
  launch.grid = grid;
  launch.block = block;
  launch.shared_bytes = shared_bytes;
  launch.cooperative = cooperative;
  return enqueue(std::move(launch), stream);
}

}  // namespace sapnet::cuda_emulator

template <class... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes = 0, cudaStream_t stream = nullptr) {
  return sapnet::cuda_emulator::enqueue_kernel(kernel, grid, block, arguments, shared_bytes, stream, false);
}

template <class... Parameters>
cudaError_t cudaLaunchCooperativeKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block,
                                        void** arguments, std::size_t shared_bytes = 0,
                                        cudaStream_t stream = nullptr) {
  return sapnet::cuda_emulator::enqueue_kernel(kernel, grid, block, arguments, shared_bytes, stream, true);
}

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return sapnet::cuda_emulator::set_attribute(sapnet::cuda_emulator::address(kernel), attribute, value);
}

template <class... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(Parameters...)) {
  return sapnet::cuda_emulator::get_attributes(attributes, sapnet::cuda_emulator::address(kernel));
}

template <class... Parameters>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void (*kernel)(Parameters...),
                                                          int threads, std::size_t shared_bytes) {
  return sapnet::cuda_emulator::occupancy(blocks, sapnet::cuda_emulator::address(kernel), threads,
                                          shared_bytes);
}

template <class T>
cudaError_t cudaMalloc(T** pointer, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), bytes);
}
template <class T>
cudaError_t cudaMallocAsync(T** pointer, std::size_t bytes, cudaStream_t stream) {
  return cudaMallocAsync(reinterpret_cast<void**>(pointer), bytes, stream);
}
template <class T>
cudaError_t cudaMallocHost(T** pointer, std::size_t bytes) {
  return cudaMallocHost(reinterpret_cast<void**>(pointer), bytes);
}
template <class T>
cudaError_t cudaHostAlloc(T** pointer, std::size_t bytes, unsigned flags) {
  return cudaHostAlloc(reinterpret_cast<void**>(pointer), bytes, flags);
}
