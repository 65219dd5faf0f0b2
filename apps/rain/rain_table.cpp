#include "apps/rain/rain_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

#include "apps/common/format.h"
#include "train/image/image.h"
#include "train/image/pairs.h"
#include "train/rain/statistics.h"

namespace sapnet::apps {
namespace {

struct Column {
  std::string title;
  std::vector<std::vector<double>> values = {};  // per statistic, per image
  std::vector<std::string> names = {};

  void add(const train::RainStatistics& statistics) {
    const auto named = named_values(statistics);
    values.resize(named.size());
    names.clear();
    for (std::size_t i = 0; i < named.size(); ++i) {
      names.push_back(named[i].first);
      values[i].push_back(named[i].second);
    }
  }

  /// "0.21 (0.03 to 0.35)".
  std::string cell(std::size_t row) const {
    std::vector<double> sorted = values[row];
    std::ranges::sort(sorted);
    const double median = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
    return formatted("%.3f", median) + " (" + formatted("%.3f", sorted.front()) + " to " +
           formatted("%.3f", sorted.back()) + ")";
  }
};

/// Its name, also if it ends in a slash.
std::string name_of(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

/// Cells in columns, without spaces at the end.
void print_row(const std::string& name, const std::vector<std::string>& cells) {
  const auto padded = [](std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text;
  };
  std::string line = padded(name, 36);
  for (const std::string& cell : cells) line += padded(cell, 28);
  line.erase(line.find_last_not_of(' ') + 1);
  std::printf("%s\n", line.c_str());
}

}  // namespace

void print_rain_table(const std::vector<std::filesystem::path>& folders, train::RainOptions rain,
                      std::optional<float> strength) {
  std::vector<Column> columns;
  for (const std::filesystem::path& folder : folders) {
    const std::vector<train::Pair> pairs = train::find_pairs(folder);
    Column measured{name_of(folder)};
    Column synthetic{std::string(train::kRainStyles[static_cast<std::size_t>(rain.style)]) + " rain"};
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const train::Image clean = train::read_image(pairs[i].clean);
      measured.add(train::rain_statistics(train::read_image(pairs[i].rainy), clean));
      const float place = pairs.size() < 2 ? 1 : static_cast<float>(i) / static_cast<float>(pairs.size() - 1);
      rain.strength = strength.value_or(0.2F + 0.8F * place);
      const train::RainPair pair = train::draw_rain(clean, rain);
      synthetic.add(train::rain_statistics(pair.rainy, pair.clean));
      ++rain.seed;
    }
    columns.push_back(std::move(measured));
    columns.push_back(std::move(synthetic));
  }
  std::printf("Median (minimum to maximum) over the images of a folder\n\n");
  std::vector<std::string> cells;
  for (const Column& column : columns) cells.push_back(column.title);
  print_row("", cells);
  for (std::size_t row = 0; row < columns.front().names.size(); ++row) {
    cells.clear();
    for (const Column& column : columns) cells.push_back(column.cell(row));
    print_row(columns.front().names[row], cells);
  }
}

}  // namespace sapnet::apps
