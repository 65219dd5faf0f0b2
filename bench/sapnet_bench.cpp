// sapnet-bench: times networks and operations. bench/compare.py compares them with PyTorch.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "bench/commands.h"
#include "engine/error.h"
#include "train/image/size.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app("Times networks and operations; prints JSON on stdout and readable lines on stderr.",
               "sapnet-bench");
  app.require_subcommand(1);
  std::string network_size, device = "cpu", precision = "fp32";
  // The options that several commands have.
  const auto add_machine = [&](CLI::App* command, auto& options) {
    command->add_option("--device", device, "cpu (default) or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
    command->add_option("--threads", options.threads, "CPU threads")->check(CLI::PositiveNumber);
    command->add_option("--repeat", options.repeat, "Timed runs")->check(CLI::PositiveNumber);
  };
  const auto add_run = [&](CLI::App* command, sapnet::bench::RunOptions& options, const std::string& layout) {
    command->add_option("--weights", options.weights, "Weight file")->required();
    add_machine(command, options);
    command->add_option("--precision", precision, "Precision of feature maps on cuda: fp32 (default) or fp16")
        ->check(CLI::IsMember({"fp32", "fp16"}));
    command->add_option("--input", options.input, "Raw little-endian fp32 " + layout + "; else noise");
  };
  const auto add_patch_run = [&](CLI::App* command, sapnet::bench::PatchRunOptions& options,
                                 const std::string& layout) {
    add_run(command, options, layout);
    command->add_option("--batch", options.batch, "Patches; 12 by default")->check(CLI::PositiveNumber);
    command->add_option("--patch", options.patch, "Their side; 100 by default")->check(CLI::PositiveNumber);
  };

  sapnet::bench::NetworkOptions network;
  network.repeat = 5;
  CLI::App* const network_command = app.add_subcommand("network", "A whole forward pass");
  add_run(network_command, network, "(h, w, 3)");
  network_command->add_option("--size", network_size, "WIDTHxHEIGHT")->required();
  network_command->add_flag("--strict", network.strict, "Use direct convolutions only");
  network_command->add_option("--output", network.output, "Output file, in the same layout");

  sapnet::bench::KernelsOptions kernels;
  CLI::App* const kernels_command =
      app.add_subcommand("kernels", "Each operation, at the shapes of SAPNet, VGG-16 and the losses");
  add_machine(kernels_command, kernels);
  kernels_command->add_option("--filter", kernels.filter,
                              "Only cases whose name contains this, such as 'conv_lstm'");
  kernels_command
      ->add_option("--max-pixels", kernels.max_pixels,
                   "Skip maps with more pixels; default 200000 on the CPU, no limit on a GPU")
      ->check(CLI::PositiveNumber);
  kernels_command->add_option("--seconds", kernels.seconds,
                              "Time limit in seconds, after which no case starts");
  kernels_command->add_flag("--strict", kernels.strict, "Use only direct convolutions, on the CPU");
  kernels_command->add_flag("--small", kernels.small, "Use small maps, to test the program");

  sapnet::bench::StepOptions step;
  CLI::App* const step_command = app.add_subcommand("step", "A whole training step");
  add_patch_run(step_command, step, "(2, batch, patch, patch, 3), rainy and clean");
  sapnet::bench::PerceptionFiles perception;
  CLI::Option* const vgg_file = step_command->add_option(
      "--vgg", perception.vgg, "VGG-16 weights, to use all four losses; default: -SSIM only");
  CLI::Option* const lpips_file =
      step_command->add_option("--lpips", perception.lpips, "LPIPS linear weights, required with --vgg");
  vgg_file->needs(lpips_file);
  lpips_file->needs(vgg_file);

  sapnet::bench::VggOptions vgg;
  CLI::App* const vgg_command = app.add_subcommand("vgg", "VGG-16's convolutions, forward and backward");
  add_patch_run(vgg_command, vgg, "(batch, patch, patch, 3)");
  vgg_command->add_option("--output", vgg.output, "File for the input gradient, in the same layout");

  try {
    app.parse(argc, argv);
    network.device = kernels.device = step.device = vgg.device = sapnet::engine::choose_device(device).device;
    if (precision == "fp16") network.maps = step.maps = vgg.maps = sapnet::engine::DType::kFloat16;
    if (*network_command) {
      const auto size = sapnet::train::parse_image_size(network_size);
      if (!size) throw CLI::ValidationError("--size", "must be WIDTHxHEIGHT, not '" + network_size + "'");
      network.width = size->width;
      network.height = size->height;
      sapnet::bench::bench_network(network);
    } else if (*vgg_command) {
      sapnet::bench::bench_vgg(vgg);
    } else if (*step_command) {
      if (*vgg_file) step.perception = perception;
      sapnet::bench::bench_step(step);
    } else {
      sapnet::bench::bench_kernels(kernels);
    }
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "sapnet-bench: error: " << error.what() << '\n';
    return 1;
  }
}
