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
  const auto add_device = [&](CLI::App* command) {
    command->add_option("--device", device, "cpu (default) or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  };
  sapnet::bench::NetworkOptions network;
  sapnet::bench::KernelsOptions kernels;

  CLI::App* const network_command = app.add_subcommand("network", "A whole forward pass");
  network_command->add_option("--weights", network.weights, "Weight file")->required();
  network_command->add_option("--size", network_size, "WIDTHxHEIGHT")->required();
  add_device(network_command);
  network_command
      ->add_option("--precision", precision, "Precision of feature maps on cuda: fp32 (default) or fp16")
      ->check(CLI::IsMember({"fp32", "fp16"}));
  network_command->add_option("--threads", network.threads, "CPU threads")->check(CLI::PositiveNumber);
  network_command->add_option("--repeat", network.repeat, "Timed runs")->check(CLI::PositiveNumber);
  network_command->add_flag("--strict", network.strict, "Use direct convolutions only");
  network_command->add_option("--input", network.input, "Raw little-endian fp32 (h, w, 3); else noise");
  network_command->add_option("--output", network.output, "Output file, in the same layout");

  CLI::App* const kernels_command =
      app.add_subcommand("kernels", "Each operation, at the shapes of SAPNet, VGG-16 and the losses");
  add_device(kernels_command);
  kernels_command->add_option("--threads", kernels.threads, "CPU threads")->check(CLI::PositiveNumber);
  kernels_command->add_option("--repeat", kernels.repeat, "Timed rounds")->check(CLI::PositiveNumber);
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
  step_command->add_option("--weights", step.weights, "Weight file")->required();
  step_command->add_option("--batch", step.batch, "Patches; 12 by default")->check(CLI::PositiveNumber);
  step_command->add_option("--patch", step.patch, "Patch side; 100 by default")->check(CLI::PositiveNumber);
  add_device(step_command);
  step_command
      ->add_option("--precision", precision, "Precision of feature maps on cuda: fp32 (default) or fp16")
      ->check(CLI::IsMember({"fp32", "fp16"}));
  step_command->add_option("--threads", step.threads, "CPU threads")->check(CLI::PositiveNumber);
  step_command->add_option("--repeat", step.repeat, "Timed steps")->check(CLI::PositiveNumber);
  step_command->add_option("--input", step.input,
                           "Raw little-endian fp32 (2, batch, patch, patch, 3), rainy and clean; else noise");
  sapnet::bench::PerceptionFiles perception;
  CLI::Option* const vgg_file = step_command->add_option(
      "--vgg", perception.vgg, "VGG-16 weights, to use all four losses; default: -SSIM only");
  CLI::Option* const lpips_file =
      step_command->add_option("--lpips", perception.lpips, "LPIPS linear weights, required with --vgg");
  vgg_file->needs(lpips_file);
  lpips_file->needs(vgg_file);

  sapnet::bench::VggOptions vgg;
  CLI::App* const vgg_command = app.add_subcommand("vgg", "VGG-16's convolutions, forward and backward");
  vgg_command->add_option("--weights", vgg.weights, "Weight file")->required();
  vgg_command->add_option("--batch", vgg.batch, "Images; 12 by default")->check(CLI::PositiveNumber);
  vgg_command->add_option("--patch", vgg.patch, "Image side; 100 by default")->check(CLI::PositiveNumber);
  add_device(vgg_command);
  vgg_command
      ->add_option("--precision", precision, "Precision of feature maps on cuda: fp32 (default) or fp16")
      ->check(CLI::IsMember({"fp32", "fp16"}));
  vgg_command->add_option("--threads", vgg.threads, "CPU threads")->check(CLI::PositiveNumber);
  vgg_command->add_option("--repeat", vgg.repeat, "Timed runs")->check(CLI::PositiveNumber);
  vgg_command->add_option("--input", vgg.input,
                          "Raw little-endian fp32 (batch, patch, patch, 3); else noise");
  vgg_command->add_option("--output", vgg.output, "File for the input gradient, in the same layout");

  try {
    app.parse(argc, argv);
    network.device = kernels.device = step.device = vgg.device = sapnet::engine::choose_device(device);
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
