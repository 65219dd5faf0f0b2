#include "apps/training.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/program.h"
#include "apps/progress.h"
#include "apps/training_report.h"
#include "engine/device.h"
#include "engine/error.h"
#include "engine/output_file.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/history.h"
#include "train/loader.h"
#include "train/picture_sources.h"
#include "train/trainer.h"
#include "weights/weight_file.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;
using train::HistoryRow;
using train::TrainConfig;
using train::TrainingState;

void say(const std::string& sentence) { std::fprintf(stderr, "sapnet-train: %s\n", sentence.c_str()); }

/// printf's formats for one number.
std::string formatted(const char* format, double value) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::optional<TrainingState> checkpoint_to_resume(const TrainOptions& options) {
  auto saved =
      train::read_checkpoint(options.out, [](const std::string& fault) { say("warning: " + fault); });
  if (saved && !options.resume) {
    throw UsageError(options.out.string() +
                     ": holds a run already; go on with it with --resume, or name another folder");
  }
  if (!saved && options.resume) {
    if (options.config.empty())
      throw UsageError(options.out.string() +
                       ": holds no checkpoint to resume from; begin with --config FILE");
    say(options.out.string() + " holds no checkpoint yet, so the run begins");
  }
  return saved;
}

TrainConfig configure(const TrainOptions& options, const std::optional<TrainingState>& saved) {
  TrainConfig config;
  if (!options.config.empty()) {
    config = train::read_config(options.config);
  } else {
    train::apply_config(config, saved->config, saved->parameters.source(), {});
  }
  const auto name_folders = [](const std::vector<fs::path>& folders, auto& setting) {
    if (folders.empty()) return;
    setting.clear();
    for (const fs::path& folder : folders) setting.emplace_back(fs::absolute(folder).lexically_normal(), 1.0);
  };
  name_folders(options.data, config.data);
  name_folders(options.validation, config.validation_data);
  try {
    for (const std::string& setting : options.settings) train::apply_setting(config, setting);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  if (config.data.empty()) throw UsageError("the settings name no data; name a folder with --data DIR");
  return config;
}

TrainingState begin(const TrainOptions& options, const TrainConfig& config) {
  return {.parameters = options.weights.empty() ? model::draw_parameters(config.network, config.seed)
                                                : weights::read_weights(options.weights)};
}

/// A run, and what it has to tell.
class Training {
 public:
  Training(TrainOptions options, TrainConfig config, const TrainingState& start)
      : options_(std::move(options)),
        config_(std::move(config)),
        dataset_(train::make_dataset(config_)),
        validation_(config_),
        device_(engine::choose_device(options_.device)),
        trainer_(config_, start, {.device = device_}),
        total_((config_.epochs * dataset_->size() + config_.batch - 1) / config_.batch),
        history_(train::read_history(options_.out / "metrics.csv", start.step)) {
    if (!history_.empty()) seconds_before_ = history_.back().seconds;
  }

  int run() {
    introduce();
    if (trainer_.steps() >= total_) {
      say("all " + std::to_string(total_) + " steps are done; more come with --set epochs=N");
      return 0;
    }
    make_folder();
    start_ = Clock::now();
    Progress progress(
        "steps", static_cast<std::size_t>(total_),
        {.over = static_cast<std::size_t>(trainer_.steps()), .line_every = 10, .item_in_bar = true});
    StopRequest stop([&] { progress.print_error("sapnet-train: finishing the step, then saving"); });
    try {
      loop(progress, stop);
    } catch (const std::exception& error) {
      progress.stop();
      if (!stop.came()) throw;
      say(std::string("error: ") + error.what());
      stop.obey();
    }
    return 0;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void introduce() const {
    for (const std::string& line : train::describe_data(config_)) say(line);
    say("validating on " + counted(validation_.pictures().size(), "picture") +
        (config_.validation_data.empty() ? " of the data itself" : ""));
    say(std::string(trainer_.network().name()) + " on " + engine::describe(device_));
    say(std::to_string(total_) + " steps of " + std::to_string(config_.batch) + " patches of " +
        std::to_string(config_.patch) + "x" + std::to_string(config_.patch) + ", " +
        counted(static_cast<std::size_t>(config_.epochs), "epoch") + " of " +
        std::to_string(dataset_->size()) + " patches" +
        (trainer_.steps() > 0 ? "; going on after step " + std::to_string(trainer_.steps()) : ""));
  }

  void make_folder() const {
    std::error_code error;
    fs::create_directories(options_.out, error);
    if (error) throw Error(options_.out.string() + ": the folder cannot be made (" + error.message() + ")");
    engine::remove_abandoned_files(options_.out);
    write_text(options_.out / "config.json", train::to_json(config_));
  }

  void loop(Progress& progress, StopRequest& stop) {
    if (history_.empty()) {
      validate(progress);
      save();
    }
    // Drawing rain and cutting patches is little beside a step.
    const int data_threads = std::clamp(engine::threads() / 4, 1, 8);
    train::Loader loader(dataset_, config_.batch, config_.seed, data_threads, trainer_.steps());
    while (trainer_.steps() < total_) {
      const train::Batch batch = loader.next();
      step(batch, progress);
      const std::int64_t done = trainer_.steps();
      const bool last = done == total_;
      const bool validates = last || done % config_.validate_every == 0;
      const bool saves = last || stop.came() || done % config_.checkpoint_every == 0;
      if (validates || saves || done % config_.log_every == 0) close_row(batch.epoch);
      if (validates) validate(progress);
      if (saves) save();
      if (stop.came() && !last) leave(progress, stop);
    }
    progress.stop();
    say("done: " + formatted("%.2f", history_.back().validation_psnr.value_or(0)) + " dB on validation, " +
        formatted("%.2f", validation_.rainy_mean().psnr_rgb) + " dB without deraining; waited " +
        formatted("%.1f", loader.waited()) + " s of " + formatted("%.0f", history_.back().seconds) +
        " s for data");
    say("weights " + (options_.out / "weights.safetensors").string() + ", curves and pictures file://" +
        fs::absolute(options_.out / "report.html").lexically_normal().string());
  }

  void step(const train::Batch& batch, Progress& progress) {
    train::StepResult result;
    try {
      result = trainer_.step(batch);
    } catch (const train::NotFinite& error) {
      save();
      throw Error(std::string(error.what()) +
                  "; what came before is saved, so go on with a lower rate: " + resume_command() +
                  " --set learning_rate=" + formatted("%g", train::learning_rate(config_, batch.epoch) / 10));
    }
    ++since_row_.steps;
    since_row_.loss += result.loss;
    since_row_.psnr += result.psnr;
    since_row_.gradient_norm += result.gradient_norm;
    progress.done("loss " + formatted("%.4f", result.loss) + ", " + formatted("%.2f", result.psnr) + " dB" +
                  judged_);
  }

  /// One more row, of the steps since the last one.
  void close_row(std::int64_t epoch) {
    const auto steps = static_cast<double>(since_row_.steps);
    history_.push_back({.step = trainer_.steps(),
                        .epoch = epoch,
                        .learning_rate = train::learning_rate(config_, epoch),
                        .loss = since_row_.loss / steps,
                        .psnr = since_row_.psnr / steps,
                        .gradient_norm = since_row_.gradient_norm / steps,
                        .seconds = seconds()});
    since_row_ = {};
  }

  void validate(Progress& progress) {
    if (history_.empty()) history_.push_back({.learning_rate = train::learning_rate(config_, 0)});
    const auto result = validation_.run(trainer_.network(), device_, config_.stages);
    HistoryRow& row = history_.back();
    row.validation_psnr = result.mean.psnr_rgb;
    row.validation_ssim = result.mean.ssim_rgb;
    row.seconds = seconds();
    judged_ = ", validation " + formatted("%.2f", result.mean.psnr_rgb) + " dB";
    progress.print_error("step " + std::to_string(row.step) + judged_ + ", SSIM " +
                         formatted("%.4f", result.mean.ssim_rgb));
    write_training_report(options_.out / "report.html", {.network = std::string(trainer_.network().name()),
                                                         .device = engine::describe(device_),
                                                         .steps = total_,
                                                         .history = history_,
                                                         .validation = validation_,
                                                         .result = result});
  }

  /// The rows first: those beyond a checkpoint are left out when it is resumed, but none must be missing.
  void save() {
    train::write_history(options_.out / "metrics.csv", history_);
    const TrainingState state = trainer_.state();
    train::write_checkpoint(options_.out, state);
    weights::write_safetensors(
        options_.out / "weights.safetensors", state.parameters,
        {{"network", std::string(trainer_.network().name())}, {"steps", std::to_string(state.step)}});
  }

  [[noreturn]] void leave(Progress& progress, StopRequest& stop) const {
    progress.stop();
    say("stopped after step " + std::to_string(trainer_.steps()) + " of " + std::to_string(total_) +
        "; go on with: " + resume_command());
    stop.obey();
  }

  std::string resume_command() const { return "sapnet-train --resume --out " + options_.out.string(); }

  double seconds() const {
    return seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  }

  static void write_text(const fs::path& file, const std::string& text) {
    engine::OutputFile out(file);
    out.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    out.finish();
  }

  TrainOptions options_;
  TrainConfig config_;
  std::shared_ptr<const train::Dataset> dataset_;
  train::Validation validation_;
  engine::Device device_;
  train::Trainer trainer_;
  std::int64_t total_;  // steps
  std::vector<HistoryRow> history_;
  struct {
    std::int64_t steps = 0;
    double loss = 0, psnr = 0, gradient_norm = 0;  // sums
  } since_row_;
  std::string judged_;         // what validation said last
  double seconds_before_ = 0;  // of the run, when this program began
  Clock::time_point start_;
};

}  // namespace

int run_training(const TrainOptions& options) {
  if (options.threads > 0) engine::set_threads(options.threads);
  const auto saved = checkpoint_to_resume(options);
  const TrainConfig config = configure(options, saved);
  return Training(options, config, saved ? *saved : begin(options, config)).run();
}

}  // namespace sapnet::apps
