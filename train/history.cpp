#include "train/history.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "engine/files/output_file.h"

namespace sapnet::train {
namespace {

constexpr std::string_view kFolderPsnr = "validation_psnr:", kFolderSsim = "validation_ssim:";

/// Former names of columns, still read, and their names now.
constexpr std::array<std::pair<std::string_view, std::string_view>, 1> kFormerNames = {
    {{"distance_loss", "lpips_loss"}}};

/// Calls visit(column name, member) for every column, in the order of the file, with those of these folders.
template <class Visit>
void visit_columns(HistoryRow& row, const std::set<std::string>& folders, const Visit& visit) {
  visit("step", row.step);
  visit("epoch", row.epoch);
  visit("learning_rate", row.learning_rate);
  visit("loss", row.loss);
  for (std::size_t part = 0; part < kLossPartNames.size(); ++part)
    visit(std::string(kLossPartNames[part]) + "_loss", row.parts[part]);
  visit("psnr", row.psnr);
  visit("gradient_norm", row.gradient_norm);
  visit("validation_psnr", row.validation_psnr);
  visit("validation_ssim", row.validation_ssim);
  for (const std::string& folder : folders) {
    visit(std::string(kFolderPsnr) + folder, row.validation_folders[folder].psnr);
    visit(std::string(kFolderSsim) + folder, row.validation_folders[folder].ssim);
  }
  visit("seconds", row.seconds);
}

std::string text(std::int64_t value) { return std::to_string(value); }

std::string text(double value) {
  std::array<char, 32> digits;
  std::snprintf(digits.data(), digits.size(), "%.6g", value);
  return digits.data();
}

std::string text(const std::optional<double>& value) { return value ? text(*value) : std::string(); }

/// Returns false for text that is not a number; an optional number may be empty.
template <class Number>
bool parse(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(std::string_view text, std::optional<double>& value) {
  double number = 0;
  if (parse(text, number)) value = number;
  return value || text.empty();
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const auto comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

/// names: the columns of the file; other members keep their defaults.
std::optional<HistoryRow> parse_row(const std::vector<std::string_view>& names, std::string_view line) {
  const std::vector<std::string_view> cells = cells_of(line);
  if (cells.size() != names.size() || std::ranges::find(names, "step") == names.end()) return std::nullopt;
  std::set<std::string> folders;
  for (const std::string_view name : names)
    if (name.starts_with(kFolderPsnr)) folders.emplace(name.substr(kFolderPsnr.size()));
  HistoryRow row;
  bool good = true;
  visit_columns(row, folders, [&](std::string_view name, auto& value) {
    const auto found = std::ranges::find(names, name);
    if (found != names.end())
      good = parse(cells[static_cast<std::size_t>(found - names.begin())], value) && good;
  });
  std::erase_if(row.validation_folders, [](const auto& folder) { return !folder.second.psnr; });
  return good ? std::optional(row) : std::nullopt;
}

}  // namespace

void write_history(const std::filesystem::path& file, const std::vector<HistoryRow>& rows) {
  std::set<std::string> folders;
  for (const HistoryRow& row : rows)
    for (const auto& [folder, scores] : row.validation_folders) folders.insert(folder);
  std::string csv;
  HistoryRow names;
  visit_columns(names, folders, [&](std::string_view name, const auto& /*value*/) {
    csv += (csv.empty() ? "" : ",") + std::string(name);
  });
  for (HistoryRow row : rows) {
    char before = '\n';
    visit_columns(row, folders, [&](std::string_view /*name*/, const auto& value) {
      csv += before + text(value);
      before = ',';
    });
  }
  csv += '\n';
  files::write_file(file, csv);
}

std::vector<HistoryRow> read_history(const std::filesystem::path& file, std::int64_t last) {
  std::vector<HistoryRow> rows;
  std::ifstream stream(file);
  std::string head;
  std::getline(stream, head);
  std::vector<std::string_view> names = cells_of(head);
  for (const auto& [former, current] : kFormerNames) std::ranges::replace(names, former, current);
  for (std::string line; std::getline(stream, line);) {
    const auto row = parse_row(names, line);
    if (row && row->step <= last) rows.push_back(*row);
  }
  return rows;
}

}  // namespace sapnet::train
