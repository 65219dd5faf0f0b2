// What training is judged by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/device.h"
#include "model/network.h"
#include "train/config.h"
#include "train/metrics.h"

namespace sapnet::train {

/// Whole pictures that training is judged by, of the folders of `validation_data`, or of `data`: as many of
/// each, as far as it has them, evenly spread over its files. Photos get rain that training does not draw,
/// the same each time.
class Validation {
 public:
  struct Picture {
    std::string name;        // of the rainy or the photo's file
    std::size_t folder = 0;  // its number among folders()
    int width = 0, height = 0;
    std::vector<std::uint8_t> rainy, clean;  // (height, width, 3)
    Scores rainy_scores;
  };

  struct Result {
    std::vector<std::vector<std::uint8_t>> derained;  // of each picture, as a file would hold it
    std::vector<Scores> scores;
    std::vector<Scores> folder_means;  // the mean of each folder's pictures
    Scores mean;                       // of the folders' means
  };

  /// Throws Error when a folder has no pictures, or one cannot be read.
  explicit Validation(const TrainConfig& config);

  const std::vector<Picture>& pictures() const { return pictures_; }
  /// Of which these are some.
  std::size_t found() const { return found_; }
  /// The folders' names (train/folder_names.h).
  const std::vector<std::string>& folders() const { return folders_; }

  /// Of the rainy pictures: what a network that does nothing would reach.
  Scores rainy_mean() const;

  /// Derains every picture on the network's device.
  Result run(const model::Network& network, engine::Device device, int stages) const;

 private:
  std::vector<Scores> folder_means(const std::vector<Scores>& scores) const;

  std::vector<std::string> folders_;
  std::vector<Picture> pictures_;
  std::size_t found_ = 0;
};

}  // namespace sapnet::train
