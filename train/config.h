// What a training run is told: train/configs/*.json, and --set on top of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace sapnet::train {

/// Every member is a setting of its name; config.cpp lists them with their ranges. The defaults are those of
/// the paper, as far as it states them.
struct TrainConfig {
  std::string network = "SAPNet";  // one of model::kNetworks
  /// The weights that a new run starts from; empty: drawn from the seed. A run that is resumed ignores it.
  std::filesystem::path initial_weights;
  int stages = 6;
  /// What the ablation takes away from a SAPNet: its channel residual attention (CRA), and the dilation of
  /// its units, which all become 1.
  bool attention = true, dilation = true;

  /// Folders of pairs or of clean photos, on which rain is drawn, and how much of an epoch each gives beside
  /// the others.
  std::vector<std::pair<std::filesystem::path, double>> data;
  /// The same for validation. Empty: the pictures of `data`, photos under rain that training does not see.
  std::vector<std::pair<std::filesystem::path, double>> validation_data;
  int validation_pictures = 4;  // whole ones

  int patch = 100;              // side in pixels
  int stride = 80;              // of the grid of patches; 0: random places
  int patches_per_picture = 1;  // when at random places
  bool flips = false;
  /// The kinds of rain put on clean photos, and how often each: the styles of train/rain, "pairs" for rain
  /// taken from the pairs of `data`, "none" for photos as they are.
  std::vector<std::pair<std::string, double>> rain = {{"soft", 1}};
  double weakest_rain = 0.2, strongest_rain = 1;  // strength of drawn rain

  int batch = 12;
  int epochs = 100;
  double learning_rate = 1e-4;
  /// "multi_step": multiplied by the factor at the beginning of each of these epochs, counted from 0;
  /// "cosine": along half a cosine from learning_rate to final_learning_rate over all steps
  /// (train/schedule.h).
  std::string schedule = "multi_step";
  double learning_rate_factor = 0.2;
  std::vector<int> learning_rate_epochs = {30, 50, 80};
  double final_learning_rate = 0;
  int warmup_steps = 0;  // over which the rate rises linearly from 0, with either schedule
  /// The run starts with so many stages fewer than `stages` as this has epochs, counted from 0, and gains one
  /// at the beginning of each.
  std::vector<int> stage_epochs;
  double ema_decay = 0;  // of the exponential moving average of the weights; 0: none

  /// The loss is the sum of its parts (train/losses.h), each times its weight; a part of weight 0 is not
  /// computed.
  double ssim_weight = 1, charbonnier_weight = 0, contrast_weight = 0, distance_weight = 0,
         segmentation_weight = 0;
  /// Of contrast: how much relu1_2, relu2_2, relu3_3 and relu4_3 count, and a factor on all of it.
  std::vector<double> contrast_taps = {1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4};
  double contrast_scale = 1;
  /// What contrast and segmentation do to pictures before they look at them: "imagenet", or "none".
  std::string input_normalization = "imagenet";
  std::filesystem::path vgg_weights;    // of VGG-16, for contrast and distance
  std::filesystem::path lpips_weights;  // of LPIPS's linear layers, for distance
  /// Of segmentation: its backbone's depth and weights (empty: drawn from the seed), what its batch
  /// normalisation goes by, "running" or "batch" statistics, the first epoch, counted from 0, in which it
  /// counts, and the focal loss's γ and α.
  int segmentation_depth = 101;
  std::filesystem::path segmentation_weights;
  std::string segmentation_norm = "running";
  int segmentation_from_epoch = 0;
  double focal_gamma = 2, focal_alpha = 1;

  double gradient_clip = 0;  // the largest norm of all gradients together; 0: whatever it is

  int log_every = 20;  // steps
  int validate_every = 500;
  int checkpoint_every = 500;
  std::uint64_t seed = 1;
};

/// Reads a file. Folders in it are relative to the file's own. Throws Error, naming the file and the setting,
/// when there is none of that name, or its value is of another kind or out of range.
TrainConfig read_config(const std::filesystem::path& file);

/// The same for text of the file `name`, whose settings go on top of those of `config`.
void apply_config(TrainConfig& config, const std::string& text, const std::string& name,
                  const std::filesystem::path& folder);

/// Each "NAME=VALUE", the value as in a file, quotes around a word left out at will; folders are relative to
/// where the program runs. Throws Error as read_config() does.
void apply_settings(TrainConfig& config, const std::vector<std::string>& settings);

/// What read_config() reads again, all settings, folders absolute.
std::string to_json(const TrainConfig& config);

}  // namespace sapnet::train
