#include "apps/infer/images.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "apps/common/batch.h"
#include "apps/common/output_folder.h"
#include "apps/common/program.h"
#include "apps/infer/references.h"
#include "apps/infer/report.h"
#include "apps/infer/results.h"
#include "engine/error.h"
#include "engine/files/output_file.h"
#include "train/image/image.h"
#include "train/metrics/metrics.h"
#include "train/metrics/perception.h"

namespace sapnet::apps {
namespace {

/// Makes the channels equal again; the network's output for a grey image is not exactly grey.
void make_grey(std::vector<float>& rgb) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    const float mean = (rgb[i] + rgb[i + 1] + rgb[i + 2]) / 3;
    std::fill_n(rgb.begin() + static_cast<std::ptrdiff_t>(i), 3, mean);
  }
}

/// Writes (height, width, 3) bytes with the channels of the input.
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

/// The bytes of a reference, which must have the same size as the image.
std::vector<std::uint8_t> read_reference(const std::filesystem::path& file, const ImageResult& result) {
  const train::Image image = train::read_image(file);
  if (image.width != result.width || image.height != result.height) {
    const auto size = [](int width, int height) {
      return std::to_string(width) + "x" + std::to_string(height);
    };
    throw Error(result.task.input.string() + ": is " + size(result.width, result.height) +
                ", but its reference " + file.string() + " is " + size(image.width, image.height));
  }
  return train::to_bytes(image.rgb, train::Rounding::kNearest);
}

class ImagesJob {
 public:
  ImagesJob(const InferOptions& options, const Plan& plan, const Derainer& derainer)
      : options_(options),
        plan_(plan),
        derainer_(derainer),
        table_(plan.tasks, !options.lpips.empty()),
        references_(options.reference.empty()
                        ? std::nullopt
                        : std::optional<References>(std::in_place, options.reference, plan.tasks.size())),
        lpips_(options.lpips.empty()
                   ? nullptr
                   : std::make_unique<train::LpipsMetric>(options.vgg, options.lpips, derainer.device())),
        folder_(plan),
        json_(options.json.empty() || options.json_to_stdout() ? nullptr
                                                               : new files::OutputFile(options.json)),
        report_(options.report.empty() ? nullptr : new Report(options.report, report_header(derainer))),
        batch_("sapnet-infer", plan, folder_, [this] {
          if (!results_.empty() && !results_written_) write_results(true);
        }) {}

  int run() {
    if (options_.verbose) batch_.progress().print_error(derainer_.describe());
    if (lpips_ && lpips_->vgg().taps() < model::Vgg16::kTaps)
      batch_.progress().print_error("sapnet-infer: warning: LPIPS uses " +
                                    train::covered_taps(lpips_->vgg()) + ", since " + options_.vgg.string() +
                                    " has no more; compare such values only with each other");
    derain_all();
    if (const auto mean = mean_scores(results_, false))
      print_scores("mean of " + std::to_string(scored_), *mean, *mean_scores(results_, true));
    if (options_.verbose) batch_.progress().print_error(derainer_.describe_memory());
    int code = batch_.finish();
    {
      const auto lock = batch_.lock();
      write_results(false);
      results_written_ = true;
    }
    const auto unscored =
        std::ranges::count_if(results_, [](const auto& result) { return !result.not_scored.empty(); });
    if (unscored > 0) {
      code = 1;
      if (batch_.total() > 1) {
        batch_.print_error(std::to_string(unscored) + " of " + counted(batch_.total(), "image") +
                           (unscored == 1 ? " is" : " are") + " not scored");
      }
    }
    return code;
  }

 private:
  static ReportHeader report_header(const Derainer& derainer) {
    return {.network = derainer.network(),
            .weights = derainer.weights().filename().string(),
            .device = engine::describe(derainer.device()),
            .stages = derainer.stages()};
  }

  void print_scores(const std::string& name, const train::Scores& derained, const train::Scores& rainy) {
    if (options_.json_to_stdout()) return;
    if (scored_++ == 0) batch_.progress().print(table_.header());
    batch_.progress().print(table_.row(name, derained, rainy));
  }

  void write_results(bool stopped) {
    if (!options_.json.empty()) {
      const std::string document =
          to_json(results_, options_, derainer_, lpips_ ? lpips_->vgg().taps() : 0, stopped);
      if (json_) {
        json_->write({reinterpret_cast<const std::uint8_t*>(document.data()), document.size()});
        json_->finish();
      } else {
        std::fwrite(document.data(), 1, document.size(), stdout);
        std::fflush(stdout);
      }
    }
    if (report_) {
      report_->finish(stopped ? "Stopped after " + std::to_string(results_.size()) + " of " +
                                    counted(plan_.tasks.size(), "image") + "."
                              : "");
    }
  }

  using Input = std::shared_ptr<const train::Image>;

  /// Reading, writing and scoring run on other threads while this one derains, since they can take longer
  /// than the network.
  void derain_all() {
    std::deque<std::future<Input>> read;
    std::deque<std::shared_future<void>> settled;  // each completes after all before it
    std::size_t in_flight = 1;
    for (std::size_t next = 0, k = 0; k < plan_.tasks.size(); ++k) {
      for (; next < plan_.tasks.size() && read.size() < in_flight; ++next)
        read.push_back(read_ahead(plan_.tasks[next]));
      ImageResult result;
      result.task = plan_.tasks[k];
      Input input;
      std::vector<float> rgb;
      result.error = failure(result.task, [&] {
        input = read.front().get();
        in_flight = most_in_flight(*input);
        rgb = derain(*input, result);
      });
      read.pop_front();
      const auto before = settled.empty() ? std::shared_future<void>() : settled.back();
      settled.push_back(std::async(std::launch::async, [this, before, input, rgb = std::move(rgb),
                                                        result = std::move(result)]() mutable {
        std::vector<std::uint8_t> bytes;
        if (result.error.empty())
          result.error = failure(result.task, [&] { bytes = write(*input, rgb, result.task); });
        if (before.valid()) before.get();
        settle(std::move(result), input, std::move(bytes));
      }));
      for (; settled.size() > in_flight; settled.pop_front()) settled.front().get();
    }
    if (!settled.empty()) settled.back().get();
  }

  /// How many images of this size may be read ahead, or wait to be written: enough to keep all processors
  /// busy, within the memory limit.
  static std::size_t most_in_flight(const train::Image& image) {
    constexpr std::size_t kPixels = 32'000'000;  // in total, at about 30 bytes each
    const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    return std::clamp<std::size_t>(kPixels / pixels, 1, std::max(1U, std::thread::hardware_concurrency()));
  }

  static std::future<Input> read_ahead(const ImageTask& task) {
    return std::async(std::launch::async, [&task] {
      return std::make_shared<const train::Image>(train::read_image(task.input));
    });
  }

  std::vector<float> derain(const train::Image& image, ImageResult& result) const {
    result.width = image.width;
    result.height = image.height;
    const auto start = std::chrono::steady_clock::now();
    try {
      std::vector<float> rgb = derainer_.derain(image.rgb, image.width, image.height);
      result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      return rgb;
    } catch (const Error& error) {
      throw Error(result.task.input.string() + ": " + error.what());
    }
  }

  /// Returns the written bytes, with three channels.
  std::vector<std::uint8_t> write(const train::Image& input, std::vector<float>& rgb,
                                  const ImageTask& task) const {
    if (input.grey) make_grey(rgb);
    std::vector<std::uint8_t> bytes = train::to_bytes(rgb, options_.rounding);
    write_like(input, bytes, task.output, options_.quality);
    return bytes;
  }

  /// Scores a written image and reports its result.
  void settle(ImageResult result, const Input& input, std::vector<std::uint8_t> bytes) {
    if (result.error.empty())
      result.error = failure(result.task, [&] { score_and_report(result, *input, std::move(bytes)); });
    const auto lock = batch_.lock();
    if (!result.not_scored.empty()) batch_.print_error("not scored: " + result.not_scored);
    if (report_ && !result.error.empty()) report_->add_failure(result.error);
    if (result.scores)
      print_scores(result.task.input.filename().string(), *result.scores, *result.rainy_scores);
    batch_.done(result.task, result.error);
    results_.push_back(std::move(result));
  }

  void score_and_report(ImageResult& result, const train::Image& image, std::vector<std::uint8_t> bytes) {
    if (!references_ && !report_) return;
    std::vector<std::uint8_t> rainy = train::to_bytes(image.rgb, train::Rounding::kNearest);
    if (references_) {
      try {
        const auto reference = read_reference(references_->find(result.task.input), result);
        result.scores = score(bytes, reference, image);
        result.rainy_scores = score(rainy, reference, image);
      } catch (const Error& error) {
        result.not_scored = error.what();
      }
    }
    if (report_) {
      const auto lock = batch_.lock();
      report_->add({.name = result.task.input.filename().string(),
                    .width = image.width,
                    .height = image.height,
                    .rainy = std::move(rainy),
                    .derained = std::move(bytes),
                    .scores = result.scores,
                    .rainy_scores = result.rainy_scores,
                    .not_scored = result.not_scored,
                    .seconds = result.seconds});
    }
  }

  train::Scores score(const std::vector<std::uint8_t>& rgb, const std::vector<std::uint8_t>& reference,
                      const train::Image& image) const {
    train::Scores scores = train::score(rgb, reference, image.width, image.height);
    if (lpips_ && std::min(image.width, image.height) >= lpips_->smallest())
      scores.lpips = (*lpips_)(train::to_floats(rgb), train::to_floats(reference), image.width, image.height);
    return scores;
  }

  const InferOptions& options_;
  const Plan& plan_;
  const Derainer& derainer_;
  ScoreTable table_;
  // Created first, so that errors are reported before hours of work.
  std::optional<References> references_;
  std::unique_ptr<train::LpipsMetric> lpips_;
  OutputFolder folder_;
  std::unique_ptr<files::OutputFile> json_;
  std::unique_ptr<Report> report_;
  std::vector<ImageResult> results_;
  std::size_t scored_ = 0;
  bool results_written_ = false;
  Batch batch_;  // last, since a signal handler reads the other members
};

}  // namespace

int derain_images(const InferOptions& options, const Plan& plan, const Derainer& derainer) {
  return ImagesJob(options, plan, derainer).run();
}

}  // namespace sapnet::apps
