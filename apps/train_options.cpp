#include "apps/train_options.h"

#include "apps/command_line.h"
#include "apps/program.h"

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

A data folder holds pairs, in rain/ and clean/ or as rain-N and norain-N, or clean photos, on which rain is drawn.
RUN comes to hold weights.safetensors, which sapnet-infer takes with --weights; report.html with curves and
pictures; metrics.csv; best.safetensors, the weights that validation liked best; and the last two checkpoints.
Ctrl-C finishes the step and saves; a second one ends the run at once. With --resume the settings are those of the
checkpoint, as far as neither --config nor --data, --val and --set give others.
Settings: docs/training.md lists them. Exit code: 0 when all steps are done, 1 when something failed, 2 for a wrong
command line, 128 + N when signal N ended the run.)";

}  // namespace

std::optional<TrainOptions> parse_train_options(int argc, char** argv) {
  TrainOptions options;
  CommandLine app("Trains a network to take rain out of pictures.", "sapnet-train");
  app.lay_out_help({"[options] --config FILE --out RUN", "[options] --resume --out RUN",
                    "--compare RUN... --out PAGE.html"},
                   kFooter);
  app.set_version_flag("--version", "sapnet-train " SAPNET_VERSION);
  app.add_option("--config", options.config, "Settings, such as those in train/configs")->type_name("FILE");
  app.add_option("--data", options.data,
                 "Folders to learn from, in equal parts; needed where the settings name none, as ssim.json")
      ->type_name("DIR");
  app.add_option(
         "--val", options.validation,
         "Folders to validate with (default: those of --data: its pairs, its photos under other rain)")
      ->type_name("DIR");
  app.add_option("--out", options.out, "Folder for all that the run writes")->type_name("RUN");
  app.add_flag("--resume", options.resume, "Go on from the newest checkpoint in RUN");
  app.add_option("--weights", options.weights,
                 "Weights to begin with (default: initial_weights of the settings)")
      ->type_name("FILE");
  app.add_option("--set", options.settings, "Change a setting")->type_name("NAME=VALUE");
  app.add_option("--device", options.device,
                 "Where to compute (default cpu; the GPU's kernels have run on an emulator only so far)")
      ->check(one_of({"auto", "cpu", "cuda"}))
      ->type_name("auto|cpu|cuda");
  app.add_option("--precision", options.precision,
                 "What a GPU stores maps and their gradients as (default fp32); weights stay fp32")
      ->check(one_of({"fp32", "fp16"}))
      ->type_name("fp32|fp16");
  app.add_option("--threads", options.threads, "CPU threads (default: all); results do not depend on it")
      ->check(whole_number(1, 1024))
      ->type_name("N");
  app.add_option("--compare", options.compare,
                 "Train nothing; draw the curves of up to six runs into one page")
      ->expected(1, 6)
      ->type_name("RUN");
  if (!app.parse(argc, argv)) return std::nullopt;
  if (options.out.empty())
    throw UsageError(options.compare.empty() ? "no folder for the run; name one with --out RUN"
                                             : "no page; name one with --out PAGE.html");
  if (!options.compare.empty()) {
    for (const char* other : {"--config", "--data", "--val", "--resume", "--weights", "--set", "--device",
                              "--precision", "--threads"})
      if (app.count(other) > 0) throw UsageError(std::string(other) + " does not go with --compare");
    if (options.out.extension() != ".html")
      throw UsageError("--out " + options.out.string() +
                       " must end in .html, for it is a page with the curves");
    for (const auto& run : options.compare)
      if (std::filesystem::weakly_canonical(std::filesystem::absolute(options.out).parent_path()) ==
          std::filesystem::weakly_canonical(run))
        throw UsageError("--out " + options.out.string() +
                         " lies in a run that is compared; name another place");
    return options;
  }
  if (options.config.empty() && !options.resume)
    throw UsageError("no settings; name a file with --config FILE, or go on with a run with --resume");
  if (options.resume && !options.weights.empty())
    throw UsageError("--weights does not go with --resume, which begins with the checkpoint's");
  if (options.precision == "fp16" && options.device == "cpu")
    throw UsageError("--precision fp16 needs --device cuda; the CPU computes in fp32");
  return options;
}

}  // namespace sapnet::apps
