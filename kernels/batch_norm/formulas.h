// Shared by both implementations of batch normalisation, per channel. constexpr, so callable from device
// code.
#pragma once

namespace sapnet::kernels {

/// σ² + ε from Σ x and Σ x² over `count` values.
constexpr double variance_plus_epsilon(double sum, double squares, double count) {
  const double mean = sum / count, variance = squares / count - mean * mean;
  return (variance > 0 ? variance : 0) + 1e-5;
}

/// x̂.
constexpr float normalized(float x, float mean, float inv_std) { return (x - mean) * inv_std; }

/// mean_g: ⟨g⟩, mean_gx: ⟨g x̂⟩.
constexpr float batch_norm_gradient(float g, float normal, float mean_g, float mean_gx, float gamma,
                                    float inv_std) {
  return gamma * inv_std * (g - mean_g - normal * mean_gx);
}

}  // namespace sapnet::kernels
