// The history of a training run: metrics.csv.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/loss_parts.h"

namespace sapnet::train {

/// Validation scores of one folder: PSNR in dB and SSIM.
struct FolderScores {
  std::optional<double> psnr = {}, ssim = {};
};

/// Means over the steps since the previous row (absent in the row of the initial validation), and the scores
/// of a validation after the last of these steps.
struct HistoryRow {
  std::int64_t step = 0;   // completed steps
  std::int64_t epoch = 0;  // epoch of the last step's batch, counted from 0
  double learning_rate = 0;
  std::optional<double> loss = {};
  LossParts parts = {};
  std::optional<double> psnr = {}, gradient_norm = {};
  std::optional<double> validation_psnr = {}, validation_ssim = {};
  std::map<std::string, FolderScores> validation_folders = {};  // by name; empty for a single folder
  double seconds = 0;                                           // training time, without interruptions
};

/// Writes a CSV file with a header, atomically. The columns of a folder are validation_psnr:NAME and
/// validation_ssim:NAME. Throws Error naming the file.
void write_history(const std::filesystem::path& file, const std::vector<HistoryRow>& rows);

/// The rows of steps up to `last`; none if the file does not exist. Columns are found by name, including old
/// names, so files of older versions may lack some. Malformed lines are skipped.
std::vector<HistoryRow> read_history(const std::filesystem::path& file, std::int64_t last);

}  // namespace sapnet::train
