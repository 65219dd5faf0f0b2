// A network with its weights on a device.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/infer/device_choice.h"
#include "apps/infer/options.h"
#include "engine/device.h"
#include "model/network.h"

namespace sapnet::apps {

class Derainer {
 public:
  /// Reads the weights, chooses the device and builds the network according to `options`. Throws Error.
  explicit Derainer(const InferOptions& options);

  /// rgb: (height, width, 3) in [0, 1]. Returns the same shape, not clamped. Throws Error, naming the size,
  /// if memory runs out.
  std::vector<float> derain(std::span<const float> rgb, int width, int height) const;

  std::string network() const { return std::string(chosen_.network->name()); }
  const std::filesystem::path& weights() const { return weights_; }
  engine::Device device() const { return chosen_.execution.device; }
  engine::DType precision() const { return chosen_.execution.maps; }
  int stages() const { return stages_; }
  /// Why an available GPU is not used; else empty.
  const std::string& warning() const { return chosen_.warning; }

  /// For --verbose: aligned lines with device, network and weight file.
  std::string describe() const;
  /// For --verbose, at the end: aligned lines with the device's peak memory and the memory of each CUDA
  /// graph.
  std::string describe_memory() const;

 private:
  std::filesystem::path weights_;
  int stages_;
  ChosenNetwork chosen_;
};

}  // namespace sapnet::apps
