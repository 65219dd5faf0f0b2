// The settings of a training run: train/configs/*.json, overridden by --set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace sapnet::train {

/// Each member is a setting of that name; config.cpp has the ranges, docs/training.md describes them. The
/// defaults are the paper's where it states them.
struct TrainConfig {
  std::string network = "SAPNet";  // one of model::kNetworks
  /// Weights that a new run starts from; empty: random, from the seed. Ignored when a run is resumed.
  std::filesystem::path initial_weights;
  int stages = 6;
  /// Parts of SAPNet that the ablation removes: channel residual attention (CRA), and dilation (1
  /// everywhere).
  bool attention = true, dilation = true;

  /// Folders of pairs, or of clean photos to which rain is added, and their relative shares of an epoch.
  std::vector<std::pair<std::filesystem::path, double>> data;
  /// The same for validation. Empty: the images of `data`; photos get different rain than in training.
  std::vector<std::pair<std::filesystem::path, double>> validation_data;
  int validation_images = 4;  // whole images

  int patch = 100;            // side in pixels
  int stride = 80;            // spacing of the grid of patches; 0: random positions
  int patches_per_image = 1;  // at random positions
  bool flips = false;
  /// Kinds of rain for clean photos, and their relative frequencies: the styles of train/rain, "pairs" for
  /// rain taken from the pairs in `data`, "none" for no rain.
  std::vector<std::pair<std::string, double>> rain = {{"soft", 1}};
  double weakest_rain = 0.2, strongest_rain = 1;  // strength of synthetic rain

  int batch = 12;
  int epochs = 100;
  double learning_rate = 1e-4;
  /// "multi_step": multiplied by the factor at the start of each of these epochs, counted from 0; "cosine":
  /// half a cosine from learning_rate to final_learning_rate over all steps (train/schedule.h).
  std::string schedule = "multi_step";
  double learning_rate_factor = 0.2;
  std::vector<int> learning_rate_epochs = {30, 50, 80};
  double final_learning_rate = 0;
  int warmup_steps = 0;  // linear warm-up from 0, with either schedule
  /// A stage is added at the start of each of these epochs, counted from 0; the run ends with `stages`.
  std::vector<int> stage_epochs;
  double ema_decay = 0;  // decay of the exponential moving average (EMA) of the weights; 0: no EMA

  /// Weights of the loss parts (train/losses.h); a part with weight 0 is not computed.
  double ssim_weight = 1, charbonnier_weight = 0, contrast_weight = 0, lpips_weight = 0,
         segmentation_weight = 0;
  /// contrast: weights of relu1_2, relu2_2, relu3_3 and relu4_3, and a common factor.
  std::vector<double> contrast_taps = {1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4};
  double contrast_scale = 1;
  /// Input normalisation for contrast and segmentation: "imagenet" or "none".
  std::string input_normalization = "imagenet";
  std::filesystem::path vgg_weights;    // VGG-16, for contrast and lpips
  std::filesystem::path lpips_weights;  // LPIPS's linear layers, for lpips
  /// segmentation: depth and weights of the backbone (empty: random, from the seed), "running" or "batch"
  /// statistics for batch normalisation, the first epoch with this loss, counted from 0, and γ and α of the
  /// focal loss.
  int segmentation_depth = 101;
  std::filesystem::path segmentation_weights;
  std::string segmentation_norm = "running";
  int segmentation_from_epoch = 0;
  double focal_gamma = 2, focal_alpha = 1;

  double gradient_clip = 0;  // maximum total norm of the gradients; 0: no clipping

  int log_every = 20;  // steps
  int validate_every = 500;
  int checkpoint_every = 500;
  std::uint64_t seed = 1;
};

/// Reads a settings file. Paths in it are relative to the file's folder. Old names of settings are accepted.
/// Throws Error, naming the file and the setting, if a setting is unknown, or its value has the wrong type or
/// is out of range.
TrainConfig read_config(const std::filesystem::path& file);

/// Overrides `config` with the text of the settings file `name`.
void apply_config(TrainConfig& config, const std::string& text, const std::string& name,
                  const std::filesystem::path& folder);

/// Applies "NAME=VALUE" settings; the value is as in a file, but strings need no quotes. Paths are relative
/// to the working directory. Throws Error as read_config() does.
void apply_settings(TrainConfig& config, const std::vector<std::string>& settings);

/// All settings in the format of read_config(), with absolute paths.
std::string to_json(const TrainConfig& config);

}  // namespace sapnet::train
