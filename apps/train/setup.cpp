#include "apps/train/setup.h"

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/program.h"
#include "engine/error.h"
#include "model/network.h"
#include "weights/weight_file.h"

namespace sapnet::apps {

namespace fs = std::filesystem;
using train::TrainConfig;
using train::TrainingState;

void print_status(const std::string& sentence) {
  std::fprintf(stderr, "sapnet-train: %s\n", sentence.c_str());
}

std::optional<TrainingState> checkpoint_to_resume(const TrainOptions& options) {
  auto saved = train::read_checkpoint(
      options.out, [](const std::string& message) { print_status("warning: " + message); });
  if (saved && !options.resume) {
    throw UsageError(options.out.string() +
                     ": already contains a run; use --resume to continue it, or specify another folder");
  }
  if (!saved && options.resume) {
    if (options.config.empty())
      throw UsageError(options.out.string() +
                       ": has no checkpoint to resume from; start a run with --config FILE");
    print_status(options.out.string() + " has no checkpoint yet, so the run starts from the beginning");
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
    train::apply_settings(config, options.settings);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  if (config.data.empty()) throw UsageError("the settings have no data; specify a folder with --data DIR");
  return config;
}

namespace {

/// Checks that weights were trained with or without a part of SAPNet, as in the settings.
void check_part(const std::string& source, const std::string& part, bool trained, bool asked) {
  if (trained == asked) return;
  const auto with = [](bool has) { return std::string(has ? "with" : "without"); };
  throw Error(source + " was trained " + with(trained) + " " + part +
              ", but the settings ask for a network " + with(asked) + " it; use --set " + part + "=" +
              (trained ? "true" : "false"));
}

void check_fits(const TrainingState& start, const TrainConfig& config, bool dilation) {
  const std::string& source = start.parameters.source();
  const model::NetworkKind known = model::identify_network(start.parameters);
  if (known.name != config.network) {
    throw Error(source + " is a " + std::string(known.name) + ", but the settings ask for a " +
                config.network + "; use --set network=" + std::string(known.name));
  }
  if (known.name != model::kSapnet) return;
  check_part(source, "attention", known.attention, config.attention);
  check_part(source, "dilation", dilation, config.dilation);
}

}  // namespace

TrainingState start_of_run(const TrainOptions& options, const TrainConfig& config,
                           const std::optional<TrainingState>& saved) {
  if (saved) {
    TrainConfig before;
    train::apply_config(before, saved->config, saved->parameters.source(), {});
    check_fits(*saved, config, before.dilation);
    return *saved;
  }
  const fs::path& given = options.weights.empty() ? config.initial_weights : options.weights;
  if (given.empty()) {
    return {.parameters = model::init_parameters(
                config.network, config.seed, {.attention = config.attention, .dilation = config.dilation})};
  }
  const std::string note = options.weights.empty()
                               ? " (setting initial_weights; weights/README.md lists the published files)"
                               : "";
  TrainingState start{.parameters = with_note(note, [&] { return weights::read_weights(given); })};
  check_fits(start, config, weights::read_metadata_entry(given, "dilation") != "off");
  return start;
}

}  // namespace sapnet::apps
