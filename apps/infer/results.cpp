#include "apps/infer/results.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace sapnet::apps {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const train::Scores& scores) {
  Json json = {{"psnr_rgb", scores.psnr_rgb},
               {"ssim_rgb", scores.ssim_rgb},
               {"psnr_y", scores.psnr_y},
               {"ssim_y", scores.ssim_y}};
  if (scores.lpips) json["lpips"] = *scores.lpips;
  return json;
}

std::string format(const train::Scores& scores, bool with_lpips) {
  std::array<char, 96> text;
  std::snprintf(text.data(), text.size(), "  %8.3f  %8.4f  %8.3f  %8.4f", scores.psnr_rgb, scores.ssim_rgb,
                scores.psnr_y, scores.ssim_y);
  std::string row = text.data();
  if (!with_lpips) return row;
  if (!scores.lpips) return row + "         –";
  std::snprintf(text.data(), text.size(), "  %8.4f", *scores.lpips);
  return row + text.data();
}

/// Length of UTF-8 text in characters: all bytes except continuation bytes.
int width_of(const std::string& text) {
  return static_cast<int>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string pad(const std::string& text, int width) {
  return text + std::string(static_cast<std::size_t>(std::max(0, width - width_of(text))), ' ');
}

}  // namespace

ScoreTable::ScoreTable(const std::vector<ImageTask>& tasks, bool with_lpips)
    : name_width_(width_of("mean of 100")), with_lpips_(with_lpips) {
  for (const auto& task : tasks)
    name_width_ = std::max(name_width_, width_of(task.input.filename().string()));
}

std::string ScoreTable::header() const {
  const std::string columns =
      std::string("  PSNR RGB  SSIM RGB    PSNR Y    SSIM Y") + (with_lpips_ ? "     LPIPS" : "");
  return pad("", name_width_) + pad("  derained", width_of(columns)) + "    rainy\n" +
         pad("image", name_width_) + columns + "  " + columns;
}

std::string ScoreTable::row(const std::string& name, const train::Scores& derained,
                            const train::Scores& rainy) const {
  return pad(name, name_width_) + format(derained, with_lpips_) + "  " + format(rainy, with_lpips_);
}

std::optional<train::Scores> mean_scores(const std::vector<ImageResult>& results, bool rainy) {
  std::vector<train::Scores> scores;
  for (const auto& result : results)
    if (const auto& of_result = rainy ? result.rainy_scores : result.scores) scores.push_back(*of_result);
  if (scores.empty()) return std::nullopt;
  return train::mean(scores);
}

std::string to_json(const std::vector<ImageResult>& results, const InferOptions& options,
                    const Derainer& derainer, std::size_t lpips_taps, bool stopped) {
  Json document = {{"program", "sapnet-infer " SAPNET_VERSION},
                   {"network", derainer.network()},
                   {"weights", derainer.weights().string()},
                   {"device", engine::to_string(derainer.device())},
                   {"precision", engine::to_string(derainer.precision())},
                   {"stages", derainer.stages()},
                   {"strict", options.strict},
                   {"rounding", options.rounding == train::Rounding::kNearest ? "nearest" : "truncate"},
                   {"images", Json::array()}};
  if (lpips_taps > 0) {
    document["lpips"] = options.lpips.string();
    document["vgg"] = options.vgg.string();
    document["vgg_taps"] = lpips_taps;
  }
  if (stopped) document["stopped"] = true;
  for (const auto& result : results) {
    Json image = {{"input", result.task.input.string()}, {"output", result.task.output.string()}};
    if (result.width > 0) {
      image["width"] = result.width;
      image["height"] = result.height;
      image["seconds"] = result.seconds;
    }
    if (result.scores) image["derained"] = to_json(*result.scores);
    if (result.rainy_scores) image["rainy"] = to_json(*result.rainy_scores);
    if (!result.error.empty()) image["error"] = result.error;
    if (!result.not_scored.empty()) image["not_scored"] = result.not_scored;
    document["images"].push_back(image);
  }
  if (const auto mean = mean_scores(results, false)) document["mean"]["derained"] = to_json(*mean);
  if (const auto mean = mean_scores(results, true)) document["mean"]["rainy"] = to_json(*mean);
  // File names may not be valid UTF-8, but JSON must be.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sapnet::apps
