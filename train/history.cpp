#include "train/history.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/output_file.h"

namespace sapnet::train {
namespace {

constexpr std::string_view kNames =
    "step,epoch,learning_rate,loss,psnr,gradient_norm,validation_psnr,validation_ssim,seconds";
constexpr std::size_t kColumns = 9;

std::string text(std::optional<double> value) {
  if (!value) return {};
  std::array<char, 32> digits;
  std::snprintf(digits.data(), digits.size(), "%.6g", *value);
  return digits.data();
}

std::string line(const HistoryRow& row) {
  std::string line = std::to_string(row.step) + "," + std::to_string(row.epoch);
  for (const auto& value : {std::optional(row.learning_rate), row.loss, row.psnr, row.gradient_norm,
                            row.validation_psnr, row.validation_ssim})
    line += "," + text(value);
  std::array<char, 32> seconds;
  std::snprintf(seconds.data(), seconds.size(), ",%.1f\n", row.seconds);
  return line + seconds.data();
}

/// Nothing for text that is not a number.
template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<HistoryRow> parse_row(std::string_view line) {
  std::array<std::string_view, kColumns> cells;
  for (std::size_t k = 0; k < kColumns; ++k) {
    const auto comma = line.find(',');
    if ((comma == std::string_view::npos) != (k + 1 == kColumns)) return std::nullopt;
    cells[k] = line.substr(0, comma);
    line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
  }
  const auto step = parse<std::int64_t>(cells[0]), epoch = parse<std::int64_t>(cells[1]);
  const auto learning_rate = parse<double>(cells[2]), seconds = parse<double>(cells[8]);
  if (!step || !epoch || !learning_rate || !seconds) return std::nullopt;
  return HistoryRow{.step = *step,
                    .epoch = *epoch,
                    .learning_rate = *learning_rate,
                    .loss = parse<double>(cells[3]),
                    .psnr = parse<double>(cells[4]),
                    .gradient_norm = parse<double>(cells[5]),
                    .validation_psnr = parse<double>(cells[6]),
                    .validation_ssim = parse<double>(cells[7]),
                    .seconds = *seconds};
}

}  // namespace

void write_history(const std::filesystem::path& file, const std::vector<HistoryRow>& rows) {
  std::string csv = std::string(kNames) + "\n";
  for (const HistoryRow& row : rows) csv += line(row);
  engine::write_file(file, csv);
}

std::vector<HistoryRow> read_history(const std::filesystem::path& file, std::int64_t last) {
  std::vector<HistoryRow> rows;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const auto row = parse_row(line);
    if (row && row->step <= last) rows.push_back(*row);
  }
  return rows;
}

}  // namespace sapnet::train
