// How a run has gone so far: metrics.csv.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/loss_parts.h"

namespace sapnet::train {

/// What validation said of one folder: PSNR in dB and SSIM.
struct FolderScores {
  std::optional<double> psnr = {}, ssim = {};
};

/// Means over the steps since the row before, none in a row of validation alone, and what validation said
/// after the last of them.
struct HistoryRow {
  std::int64_t step = 0;   // steps done
  std::int64_t epoch = 0;  // begun, from 0
  double learning_rate = 0;
  std::optional<double> loss = {};
  LossParts parts = {};
  std::optional<double> psnr = {}, gradient_norm = {};
  std::optional<double> validation_psnr = {}, validation_ssim = {};
  std::map<std::string, FolderScores> validation_folders = {};  // by name, when there are several
  double seconds = 0;                                           // since the run began, pauses left out
};

/// One line a row, below a line of names; the folders' columns are validation_psnr:NAME and
/// validation_ssim:NAME. Whole or not at all; throws Error naming the file.
void write_history(const std::filesystem::path& file, const std::vector<HistoryRow>& rows);

/// The rows of steps up to `last`; none when the file is not there. Columns go by their names, so a
/// file of an older version may lack some. Lines that are not rows are left out.
std::vector<HistoryRow> read_history(const std::filesystem::path& file, std::int64_t last);

}  // namespace sapnet::train
