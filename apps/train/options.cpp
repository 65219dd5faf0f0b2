#include "apps/train/options.h"

#include "apps/common/command_line.h"
#include "apps/common/program.h"

namespace sapnet::apps {
namespace {

constexpr const char* kFooter = R"(
Examples:
  sapnet-train --config train/configs/quick.json --out run/
  sapnet-train --config train/configs/paper.json --data pairs/ --val test/ --out run/
  sapnet-train --config train/configs/paper.json --data photos/ --weights weights/sapnet.safetensors \
    --set learning_rate=1e-5 --set epochs=20 --out fine/
  sapnet-train --resume --out run/
  sapnet-train --compare run/ fine/ --out runs.html

A data folder contains pairs, in rain/ and clean/ or as rain-N and norain-N, or clean photos, to which rain is added.
Files in RUN: weights.safetensors, for sapnet-infer --weights; best.safetensors, the weights with the best validation
score; report.html with curves and images; metrics.csv; the last two checkpoints.
Ctrl-C finishes the step and saves; a second Ctrl-C stops immediately. --resume takes the settings from the
checkpoint, except those given by --config, --data, --val or --set.
Settings: see docs/training.md. Exit code: 0 if all steps are done, 1 on failure, 2 if the command line is wrong,
128 + N if signal N ended the run.)";

}  // namespace

std::optional<TrainOptions> parse_train_options(int argc, char** argv) {
  TrainOptions options;
  CommandLine app("Trains a deraining network.", "sapnet-train");
  app.set_help({"[options] --config FILE --out RUN", "[options] --resume --out RUN",
                "--compare RUN... --out PAGE.html"},
               kFooter);
  app.set_version_flag("--version", "sapnet-train " SAPNET_VERSION);
  app.add_option("--config", options.config, "Settings file, such as those in train/configs")
      ->type_name("FILE");
  app.add_option("--data", options.data,
                 "Training data folders, in equal shares; needed if the settings have none, as ssim.json")
      ->type_name("DIR");
  app.add_option("--val", options.validation,
                 "Validation folders (default: those of --data; photos get different rain)")
      ->type_name("DIR");
  app.add_option("--out", options.out, "Output folder of the run")->type_name("RUN");
  app.add_flag("--resume", options.resume, "Resume from the newest checkpoint in RUN");
  app.add_option("--weights", options.weights, "Initial weights (default: initial_weights in the settings)")
      ->type_name("FILE");
  app.add_option("--set", options.settings, "Override settings")->type_name("NAME=VALUE");
  app.add_option("--device", options.device,
                 "Device (default cpu; the GPU kernels have so far run only on an emulator);\n"
                 "N is the number of a GPU, from 0, and cuda the same as cuda:0")
      ->check(device_name());
  app.add_option("--precision", options.precision,
                 "Precision of feature maps and gradients on a GPU (default fp32); weights stay fp32")
      ->check(one_of({"fp32", "fp16"}));
  app.add_option("--threads", options.threads, "CPU threads (default: all); results do not depend on it")
      ->check(whole_number(1, 1024));
  app.add_option("--compare", options.compare, "Do not train; plot the curves of up to six runs on one page")
      ->expected(1, 6)
      ->type_name("RUN");
  if (!app.parse(argc, argv)) return std::nullopt;
  if (options.out.empty())
    throw UsageError(options.compare.empty() ? "no output folder; specify one with --out RUN"
                                             : "no output page; specify one with --out PAGE.html");
  if (!options.compare.empty()) {
    for (const char* other : {"--config", "--data", "--val", "--resume", "--weights", "--set", "--device",
                              "--precision", "--threads"})
      if (app.count(other) > 0) throw UsageError(std::string(other) + " cannot be used with --compare");
    if (options.out.extension() != ".html")
      throw UsageError("--out " + options.out.string() + " must end in .html; --compare writes a page");
    for (const auto& run : options.compare)
      if (std::filesystem::weakly_canonical(std::filesystem::absolute(options.out).parent_path()) ==
          std::filesystem::weakly_canonical(run))
        throw UsageError("--out " + options.out.string() +
                         " is inside a compared run; specify another folder");
    return options;
  }
  if (options.config.empty() && !options.resume)
    throw UsageError("no settings; specify a file with --config FILE, or continue a run with --resume");
  if (options.resume && !options.weights.empty())
    throw UsageError("--weights cannot be used with --resume, which takes the weights from the checkpoint");
  if (options.precision == "fp16" && options.device == "cpu")
    throw UsageError("--precision fp16 needs --device cuda; the CPU computes in fp32");
  return options;
}

}  // namespace sapnet::apps
