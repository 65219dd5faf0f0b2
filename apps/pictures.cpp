#include "apps/pictures.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <new>
#include <optional>
#include <string>

#include "apps/progress.h"
#include "apps/report.h"
#include "apps/results.h"
#include "engine/error.h"
#include "engine/output_file.h"
#include "train/image.h"

namespace sapnet::apps {
namespace {

/// Three equal channels again, which the network does not promise for a grey picture.
void make_grey(std::vector<float>& rgb) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const float mean = (rgb[i] + rgb[i + 1] + rgb[i + 2]) / 3;
    std::fill_n(rgb.begin() + static_cast<std::ptrdiff_t>(i), 3, mean);
  }
}

/// Writes (height, width, 3) bytes in the channels that the input had.
void write_like(const train::Image& input, const std::vector<std::uint8_t>& rgb,
                const std::filesystem::path& output, int quality) {
  const auto alpha = train::to_bytes(input.alpha, train::Rounding::kNearest);
  const std::size_t colours = input.grey ? 1 : 3;
  std::vector<std::uint8_t> samples;
  samples.reserve(rgb.size() + alpha.size());
  for (std::size_t i = 0; i < rgb.size() / 3; ++i) {
    for (std::size_t c = 0; c < colours; ++c) samples.push_back(rgb[3 * i + c]);
    if (!alpha.empty()) samples.push_back(alpha[i]);
  }
  const int channels = static_cast<int>(colours) + (alpha.empty() ? 0 : 1);
  train::write_image(output, samples, input.width, input.height, channels, quality);
}

/// The bytes of a reference, which must be of the picture's size.
std::vector<std::uint8_t> read_reference(const std::filesystem::path& file, const PictureResult& picture) {
  const train::Image image = train::read_image(file);
  if (image.width != picture.width || image.height != picture.height) {
    const auto size = [](int width, int height) {
      return std::to_string(width) + "x" + std::to_string(height);
    };
    throw Error(picture.task.input.string() + ": is " + size(picture.width, picture.height) +
                ", but its reference " + file.string() + " is " + size(image.width, image.height));
  }
  return train::to_bytes(image.rgb, train::Rounding::kNearest);
}

class PicturesJob {
 public:
  PicturesJob(const InferOptions& options, const std::vector<PictureTask>& tasks, const Derainer& derainer)
      : options_(options), tasks_(tasks), derainer_(derainer), table_(tasks) {
    // First of all, so that a mistake shows now and not after hours of work.
    if (!options.reference.empty()) references_.emplace(options.reference, tasks.size());
    if (!options.json.empty()) json_.emplace(options.json);
    if (!options.report.empty()) {
      report_.emplace(options.report, ReportHeader{.network = derainer.network(),
                                                   .weights = derainer.weights().filename().string(),
                                                   .device = engine::describe(derainer.device()),
                                                   .stages = derainer.stages()});
    }
  }

  int run() {
    if (options_.verbose) std::printf("%s\n", derainer_.describe().c_str());
    if (references_) std::printf("%s\n", table_.header().c_str());
    std::fflush(stdout);
    const std::size_t failed = derain_all();
    if (const auto mean = mean_scores(results_, false)) {
      const auto scored =
          std::ranges::count_if(results_, [](const auto& result) { return result.scores.has_value(); });
      std::printf(
          "%s\n",
          table_.row("mean of " + std::to_string(scored), *mean, *mean_scores(results_, true)).c_str());
    }
    if (options_.verbose) std::printf("%s\n", derainer_.describe_memory().c_str());
    std::fflush(stdout);
    if (json_) {
      const std::string document = to_json(results_, options_, derainer_);
      json_->write({reinterpret_cast<const std::uint8_t*>(document.data()), document.size()});
      json_->finish();
    }
    if (report_) report_->finish();
    if (failed > 0 && tasks_.size() > 1) {
      std::fprintf(stderr, "sapnet-infer: error: %zu of %zu pictures failed\n", failed, tasks_.size());
    }
    return failed == 0 ? 0 : 1;
  }

 private:
  /// Returns how many failed.
  std::size_t derain_all() {
    Progress progress("pictures", tasks_.size());
    std::size_t failed = 0;
    for (const auto& task : tasks_) {
      PictureResult& result = results_.emplace_back();
      result.task = task;
      try {
        derain(result);
      } catch (const std::bad_alloc&) {
        result.error = task.input.string() + ": not enough memory";
      } catch (const Error& error) {
        result.error = error.what();
      }
      if (!result.error.empty()) {
        ++failed;
        progress.print_error("sapnet-infer: error: " + result.error);
      }
      const std::string name = task.input.filename().string();
      if (result.scores) progress.print(table_.row(name, *result.scores, *result.rainy_scores));
      progress.done(result.error.empty() ? name : "");
    }
    return failed;
  }

  void derain(PictureResult& result) {
    const std::string name = result.task.input.string();
    const train::Image image = train::read_image(result.task.input);
    result.width = image.width;
    result.height = image.height;
    const auto start = std::chrono::steady_clock::now();
    std::vector<float> derained;
    try {
      derained = derainer_.derain(image.rgb, image.width, image.height);
    } catch (const Error& error) {
      throw Error(name + ": " + error.what());
    }
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (image.grey) make_grey(derained);
    std::vector<std::uint8_t> bytes = train::to_bytes(derained, options_.rounding);
    write_like(image, bytes, result.task.output, options_.quality);

    if (!references_ && !report_) return;
    std::vector<std::uint8_t> rainy = train::to_bytes(image.rgb, train::Rounding::kNearest);
    if (references_) {
      try {
        const auto reference = read_reference(references_->find(result.task.input), result);
        result.scores = score(bytes, reference, image.width, image.height);
        result.rainy_scores = score(rainy, reference, image.width, image.height);
      } catch (const Error& error) {
        result.error = error.what();  // derained all the same, and shown
      }
    }
    if (report_) {
      report_->add({.name = result.task.input.filename().string(),
                    .width = image.width,
                    .height = image.height,
                    .rainy = std::move(rainy),
                    .derained = std::move(bytes),
                    .scores = result.scores,
                    .rainy_scores = result.rainy_scores,
                    .seconds = result.seconds});
    }
  }

  const InferOptions& options_;
  const std::vector<PictureTask>& tasks_;
  const Derainer& derainer_;
  ScoreTable table_;
  std::optional<References> references_;
  std::optional<engine::OutputFile> json_;
  std::optional<Report> report_;
  std::vector<PictureResult> results_;
};

}  // namespace

int run_pictures(const InferOptions& options, const std::vector<PictureTask>& tasks,
                 const Derainer& derainer) {
  return PicturesJob(options, tasks, derainer).run();
}

}  // namespace sapnet::apps
