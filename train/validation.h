// Validation during training.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/device.h"
#include "model/network.h"
#include "train/config.h"
#include "train/metrics/metrics.h"

namespace sapnet::train {

/// Scores a network on whole images from the folders of `validation_data`, or else of `data`: the same number
/// from each folder if possible, evenly spread over its files. Photos get rain that training does not use,
/// the same every time.
class Validation {
 public:
  struct ImagePair {
    std::string name;        // name of the rainy file or the photo
    std::size_t folder = 0;  // index into folders()
    int width = 0, height = 0;
    std::vector<std::uint8_t> rainy, clean;  // (height, width, 3)
    Scores rainy_scores;
  };

  struct Result {
    std::vector<std::vector<std::uint8_t>> derained;  // per image, rounded to bytes
    std::vector<Scores> scores;
    std::vector<Scores> folder_means;  // per folder
    Scores mean;                       // mean of the folder means
  };

  /// Throws Error if a folder has no images, or one cannot be read.
  explicit Validation(const TrainConfig& config);

  const std::vector<ImagePair>& images() const { return images_; }
  /// Number of images in the folders, of which images() is a subset.
  std::size_t found() const { return found_; }
  /// Names of the folders (train/folder_names.h).
  const std::vector<std::string>& folders() const { return folders_; }

  /// The mean score of the rainy images: the baseline without deraining.
  Scores rainy_mean() const;

  /// Derains and scores all images.
  Result run(const model::Network& network, engine::Device device, int stages) const;

 private:
  std::vector<Scores> folder_means(const std::vector<Scores>& scores) const;

  std::vector<std::string> folders_;
  std::vector<ImagePair> images_;
  std::size_t found_ = 0;
};

}  // namespace sapnet::train
