// The epilogue of the CUDA convolutions: the function f of conv2d.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gpu.cuh"
#include "kernels/storage.cuh"

namespace sapnet::kernels::cuda {

/// Pointers to the optional operands are null for steps that are not applied.
template <class T>
struct Epilogue {
  const float* bias;   // (out_channels)
  const float* scale;  // (n, out_channels)
  const T* residual;
  T* out;
  T* pre_residual;
  bool relu, relu_before_residual;  // relu_before_residual: the first ReLU
  const T* second_residual;
  T* second_out;
  int map_channels;

  /// The epilogue for the output map that contains `channel`.
  __host__ __device__ Epilogue for_channel(int channel) const {
    Epilogue epilogue = *this;
    if (channel < map_channels) return epilogue;
    epilogue.residual = second_residual;
    epilogue.out = second_out;
    return epilogue;
  }
  /// The offset of a pixel's `channel` in its map.
  __device__ __forceinline__ std::size_t at(std::size_t pixel, int channel) const {
    return pixel * map_channels + (channel < map_channels ? channel : channel - map_channels);
  }
};

/// What pre_residual receives for a scaled sum.
template <class T>
__device__ __forceinline__ float before_residual(const Epilogue<T>& to, float value) {
  return to.relu_before_residual ? fmaxf(value, 0) : value;
}

/// The output for a result of before_residual().
template <class T>
__device__ __forceinline__ float after_residual(const Epilogue<T>& to, float value, float residual) {
  value += residual;
  return to.relu ? fmaxf(value, 0) : value;
}

/// The output for a scaled sum; at: its offset in the map.
template <class T>
__device__ __forceinline__ float finish_output(const Epilogue<T>& to, std::size_t at, float value,
                                               float residual) {
  value = before_residual(to, value);
  if (!to.residual) return value;
  if (to.pre_residual) to.pre_residual[at] = gpu::from_float<T>(value);
  return after_residual(to, value, residual);
}

/// The output for a convolution's sum of output `channel`; at: its offset in the map.
template <class T>
__device__ __forceinline__ T apply_epilogue(const Epilogue<T>& to, std::int64_t at, std::int64_t channel,
                                            std::int64_t image, std::int64_t channels, float value) {
  if (to.bias) value += to.bias[channel];
  if (to.scale) value *= to.scale[image * channels + channel];
  const float residual = to.residual ? gpu::to_float(to.residual[at]) : 0;
  return gpu::from_float<T>(finish_output(to, static_cast<std::size_t>(at), value, residual));
}

}  // namespace sapnet::kernels::cuda
