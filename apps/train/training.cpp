#include "apps/train/training.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/common/format.h"
#include "apps/common/program.h"
#include "apps/common/progress.h"
#include "apps/train/report.h"
#include "apps/train/run_folder.h"
#include "apps/train/setup.h"
#include "engine/device.h"
#include "engine/error.h"
#include "engine/files/output_file.h"
#include "train/checkpoint.h"
#include "train/config.h"
#include "train/data/loader.h"
#include "train/data_sources.h"
#include "train/history.h"
#include "train/schedule.h"
#include "train/trainer.h"
#include "train/validation.h"
#include "weights/weight_file.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;
using train::HistoryRow;
using train::TrainConfig;
using train::TrainingState;

/// A training run with its output.
class Training {
 public:
  Training(TrainOptions options, TrainConfig config, const TrainingState& start)
      : options_(std::move(options)),
        config_(std::move(config)),
        dataset_(train::make_dataset(config_)),
        validation_(config_),
        device_(engine::choose_device(options_.device)),
        execution_{.device = device_.device,
                   .maps = options_.precision == "fp16" ? engine::DType::kFloat16 : engine::DType::kFloat32},
        total_(train::total_steps(config_, dataset_->size())),
        trainer_(config_, start, execution_, total_),
        saved_(start.step) {
    if (!options_.resume) return;
    history_ = train::read_history(options_.out / "metrics.csv", start.step);
    if (!history_.empty()) seconds_before_ = history_.back().seconds;
  }

  int run() {
    print_intro();
    if (trainer_.steps() >= total_) {
      // If the program was killed before it wrote them.
      write_weights("weights.safetensors");
      print_status("all " + std::to_string(total_) + " steps are done; use --set epochs=N for more");
      return 0;
    }
    files::remove_abandoned_files(options_.out);
    files::write_file(options_.out / "config.json", train::to_json(config_));
    start_ = Clock::now();
    Progress progress(
        "steps", static_cast<std::size_t>(total_),
        {.finished = static_cast<std::size_t>(trainer_.steps()), .line_every = 10, .item_in_bar = true});
    StopRequest stop([&] {
      progress.print_error("sapnet-train: finishing the step, then saving; repeat to stop immediately");
    });
    try {
      loop(progress, stop);
    } catch (const std::exception& error) {
      progress.stop();
      save_if_valid();
      if (!stop.requested()) throw;
      print_status(std::string("error: ") + error.what());
      stop.exit_by_signal();
    }
    return 0;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kLongestUnsaved{10};

  void print_intro() const {
    if (!device_.obstacle.empty()) print_status("warning: " + engine::not_used("the GPU", device_.obstacle));
    for (const std::string& line : train::describe_data(config_)) print_status(line);
    print_status("validating on " + validated_on());
    print_status(std::string(trainer_.network().name()) + removed_parts() + " on " +
                 engine::describe(execution_.device));
    for (const std::string& line : trainer_.losses().describe()) print_status(line);
    const auto number_of = [](std::int64_t count, const std::string& unit, const std::string& units) {
      return std::to_string(count) + " " + (count == 1 ? unit : units);
    };
    print_status(number_of(total_, "step", "steps") + " of " + number_of(config_.batch, "patch", "patches") +
                 " of " + std::to_string(config_.patch) + "x" + std::to_string(config_.patch) + ", " +
                 number_of(config_.epochs, "epoch", "epochs") + " of " +
                 number_of(dataset_->size(), "patch", "patches") +
                 (trainer_.steps() > 0 ? "; resuming after step " + std::to_string(trainer_.steps()) : ""));
  }

  /// " without dilation", or whatever the settings remove from the network.
  std::string removed_parts() const {
    if (config_.attention && config_.dilation) return {};
    return " without " + std::string(config_.attention  ? "dilation"
                                     : config_.dilation ? "attention"
                                                        : "attention and dilation");
  }

  std::string validated_on() const {
    const std::size_t taken = validation_.images().size(), found = validation_.found();
    return (taken < found ? std::to_string(taken) + " of " : "") + counted(found, "image") +
           (config_.validation_data.empty() ? ", taken from the training data" : "");
  }

  void loop(Progress& progress, StopRequest& stop) {
    if (history_.empty()) {
      validate(progress);
      save();
      if (stop.requested()) exit_early(progress, stop);
    }
    // Drawing rain and cropping patches is cheap compared to a step.
    const int data_threads = std::clamp(engine::threads() / 4, 1, 8);
    train::Loader loader(dataset_, config_.batch, config_.seed, data_threads, trainer_.steps());
    while (trainer_.steps() < total_) {
      const train::Batch batch = loader.next();
      step(batch, progress);
      const std::int64_t done = trainer_.steps();
      const bool last = done == total_;
      const bool validates = last || (!stop.requested() && done % config_.validate_every == 0);
      const bool saves = last || stop.requested() || done % config_.checkpoint_every == 0 ||
                         Clock::now() - last_save_ > kLongestUnsaved;
      if (validates || saves || done % config_.log_every == 0) close_row(batch.epoch);
      if (validates) validate(progress);
      if (saves) save();
      if (stop.requested() && !last) exit_early(progress, stop);
    }
    progress.stop();
    print_status("done: " + formatted("%.2f", history_.back().validation_psnr.value_or(0)) +
                 " dB in validation, " + formatted("%.2f", validation_.rainy_mean().psnr_rgb) +
                 " dB without deraining; waited " + formatted("%.1f", loader.waited()) + " s of " +
                 formatted("%.0f", history_.back().seconds) + " s for data");
    const auto best = std::ranges::max_element(history_, {}, [](const HistoryRow& row) {
      return row.validation_psnr.value_or(-1);  // rows without a score sort first
    });
    if (best->validation_psnr > history_.back().validation_psnr)
      print_status("best.safetensors is from step " + std::to_string(best->step) + ", " +
                   formatted("%.2f", *best->validation_psnr) + " dB");
    if (const std::string reason = trainer_.graph_unavailable_reason(); !reason.empty())
      print_status("steps ran without a CUDA graph, which is slower: " + reason);
    print_status("weights " + quoted(options_.out / "weights.safetensors") + ", curves and images " +
                 url_of(options_.out / "report.html"));
  }

  void step(const train::Batch& batch, Progress& progress) {
    train::StepResult result;
    try {
      result = trainer_.step(batch);
    } catch (const train::NotFinite& error) {
      // Resuming from this state would fail the same way, so save it apart from the checkpoints.
      valid_ = false;
      const fs::path apart = options_.out / "not-finite";
      fs::create_directories(apart);
      train::write_checkpoint(apart, trainer_.state());
      throw Error(std::string(error.what()) + ". The state before it is in " + apart.string() +
                  "; resume after step " + std::to_string(saved_) + " with a lower learning rate: " +
                  resume_command() + " --set learning_rate=" + formatted("%g", config_.learning_rate / 10));
    }
    last_rate_ = result.learning_rate;
    ++since_row_.steps;
    since_row_.loss += result.loss;
    for (std::size_t part = 0; part < result.parts.size(); ++part) {
      if (!result.parts[part]) continue;
      since_row_.parts[part] += *result.parts[part];
      ++since_row_.part_steps[part];
    }
    since_row_.psnr += result.psnr;
    since_row_.gradient_norm += result.gradient_norm;
    const auto steps = static_cast<double>(since_row_.steps);
    progress.done("loss " + formatted("%.4f", since_row_.loss / steps) + parts_text(part_means()) + ", " +
                  formatted("%.2f", since_row_.psnr / steps) + " dB" + validation_text_);
  }

  /// Mean of each part over the steps since the last row in which it was computed.
  train::LossParts part_means() const {
    train::LossParts means;
    for (std::size_t part = 0; part < means.size(); ++part)
      if (since_row_.part_steps[part] > 0)
        means[part] = since_row_.parts[part] / static_cast<double>(since_row_.part_steps[part]);
    return means;
  }

  /// " (ssim -0.91, contrast 1.2)"; empty if the loss has one part.
  static std::string parts_text(const train::LossParts& parts) {
    if (train::number_of_parts(parts) < 2) return {};
    std::string text;
    for (std::size_t part = 0; part < parts.size(); ++part)
      if (parts[part])
        text += (text.empty() ? " (" : ", ") + std::string(train::kLossPartNames[part]) + " " +
                formatted("%.3g", *parts[part]);
    return text + ")";
  }

  /// Adds a row for the steps since the last one.
  void close_row(std::int64_t epoch) {
    const auto steps = static_cast<double>(since_row_.steps);
    history_.push_back({.step = trainer_.steps(),
                        .epoch = epoch,
                        .learning_rate = last_rate_,
                        .loss = since_row_.loss / steps,
                        .parts = part_means(),
                        .psnr = since_row_.psnr / steps,
                        .gradient_norm = since_row_.gradient_norm / steps,
                        .seconds = seconds()});
    since_row_ = {};
  }

  void validate(Progress& progress) {
    if (history_.empty()) {
      const std::int64_t epoch = epoch_of(trainer_.steps());
      history_.push_back(
          {.step = trainer_.steps(), .epoch = epoch, .learning_rate = trainer_.learning_rate(epoch)});
    }
    // The EMA gets a network of its own, so that training keeps its packed weights and its graph.
    const auto averaged = config_.ema_decay > 0
                              ? model::make_network(trainer_.weights(), execution_, config_.dilation)
                              : nullptr;
    result_ = validation_.run(averaged ? *averaged : trainer_.network(), execution_.device, stages());
    HistoryRow& row = history_.back();
    row.validation_psnr = result_->mean.psnr_rgb;
    row.validation_ssim = result_->mean.ssim_rgb;
    if (validation_.folders().size() > 1) {
      for (std::size_t k = 0; k < validation_.folders().size(); ++k) {
        const train::Scores& mean = result_->folder_means[k];
        row.validation_folders[validation_.folders()[k]] = {.psnr = mean.psnr_rgb, .ssim = mean.ssim_rgb};
      }
    }
    row.seconds = seconds();
    validation_text_ = ", validation " + formatted("%.2f", result_->mean.psnr_rgb) + " dB";
    progress.print_error("step " + std::to_string(row.step) + validation_text_ + by_folder() + ", SSIM " +
                         formatted("%.4f", result_->mean.ssim_rgb));
    write_report();
    const bool best = std::ranges::none_of(history_, [&](const HistoryRow& other) {
      return other.step < row.step && other.validation_psnr > row.validation_psnr;
    });
    if (best) write_weights("best.safetensors");
  }

  /// " (rain100L 36.10, heavy 29.01)": the PSNR of each folder; empty if there is one folder.
  std::string by_folder() const {
    const std::vector<std::string>& folders = validation_.folders();
    if (folders.size() < 2) return {};
    std::string text;
    for (std::size_t k = 0; k < folders.size(); ++k)
      text +=
          (k == 0 ? " (" : ", ") + folders[k] + " " + formatted("%.2f", result_->folder_means[k].psnr_rgb);
    return text + ")";
  }

  /// Does nothing before the first validation in this process.
  void write_report() const {
    if (!result_) return;
    write_training_report(options_.out / "report.html", {.network = std::string(trainer_.network().name()),
                                                         .device = engine::describe(execution_.device),
                                                         .validated_on = validated_on(),
                                                         .steps = total_,
                                                         .history = history_,
                                                         .validation = validation_,
                                                         .result = *result_});
  }

  /// Writes the checkpoint last. If the program is killed in between, the other files are newer than the
  /// checkpoint, which a resumed run corrects; they must never be older.
  void save() {
    const TrainingState state = trainer_.state();
    train::write_history(options_.out / "metrics.csv", history_);
    write_weights("weights.safetensors");
    train::write_checkpoint(options_.out, state);
    saved_ = state.step;
    last_save_ = Clock::now();
  }

  /// After an error that does not affect the state.
  void save_if_valid() {
    if (!valid_ || trainer_.steps() == saved_) return;
    try {
      save();
    } catch (const std::exception&) {
      // The original error is reported instead.
    }
  }

  void write_weights(const char* name) const {
    std::map<std::string, std::string> metadata = {{"network", std::string(trainer_.network().name())},
                                                   {"stages", std::to_string(stages())},
                                                   {"dilation", config_.dilation ? "on" : "off"},
                                                   {"steps", std::to_string(trainer_.steps())}};
    if (config_.ema_decay > 0) metadata["ema"] = formatted("%.10g", config_.ema_decay);
    weights::write_safetensors(options_.out / name, trainer_.weights(), metadata);
  }

  /// The epoch in which the batch of step number `steps`, counted from 0, starts.
  std::int64_t epoch_of(std::int64_t steps) const { return steps * config_.batch / dataset_->size(); }

  /// The number of stages of the last step, or of the first if there was none.
  int stages() const {
    return train::stages_in(config_, epoch_of(std::max<std::int64_t>(trainer_.steps() - 1, 0)));
  }

  [[noreturn]] void exit_early(Progress& progress, StopRequest& stop) const {
    progress.stop();
    write_report();
    print_status("stopped after step " + std::to_string(trainer_.steps()) + " of " + std::to_string(total_) +
                 "; resume with: " + resume_command());
    stop.exit_by_signal();
  }

  std::string resume_command() const {
    std::string command = "sapnet-train --resume --out " + quoted(options_.out);
    if (options_.device != "cpu") command += " --device " + options_.device;
    if (options_.precision != "fp32") command += " --precision " + options_.precision;
    if (options_.threads > 0) command += " --threads " + std::to_string(options_.threads);
    return command;
  }

  double seconds() const {
    return seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count();
  }

  TrainOptions options_;
  TrainConfig config_;
  std::shared_ptr<const train::Dataset> dataset_;
  train::Validation validation_;
  engine::ChosenDevice device_;
  engine::Execution execution_;
  std::int64_t total_;  // steps
  train::Trainer trainer_;
  std::optional<train::Validation::Result> result_;  // the last
  Clock::time_point last_save_ = Clock::now();
  std::int64_t saved_;  // the step of the newest checkpoint
  bool valid_ = true;   // the state is finite, so it can be resumed from
  std::vector<HistoryRow> history_;
  struct {
    std::int64_t steps = 0;
    double loss = 0, psnr = 0, gradient_norm = 0;  // sums
    std::array<double, train::kLossPartNames.size()> parts = {};
    std::array<std::int64_t, train::kLossPartNames.size()> part_steps = {};
  } since_row_;
  double last_rate_ = 0;         // of the last step
  std::string validation_text_;  // the last validation score, for the progress line
  double seconds_before_ = 0;    // of the run before this process
  Clock::time_point start_;
};

}  // namespace

int run_training(const TrainOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // keep training if stderr is closed
  if (options.threads > 0) engine::set_threads(options.threads);
  const RunFolder folder(options.out);
  const auto saved = checkpoint_to_resume(options);
  if (!options.resume) folder.refuse_to_overwrite();
  const TrainConfig config = configure(options, saved);
  const TrainingState start = start_of_run(options, config, saved);
  TrainOptions rest = options;
  rest.resume = saved.has_value();  // without a checkpoint the run starts from the beginning
  return Training(rest, config, start).run();
}

}  // namespace sapnet::apps
