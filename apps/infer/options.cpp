#include "apps/infer/options.h"

#include <cstdint>

#include "apps/common/command_line.h"
#include "apps/common/program.h"
#include "model/network.h"

namespace sapnet::apps {
namespace {

constexpr const char* kExamples = R"(
Examples:
  sapnet-infer photo.jpg -o derained.jpg
  sapnet-infer holiday/ -o derained/ --report derained.html
  sapnet-infer rain/ -o derained/ --reference clean/ --json scores.json
  ffmpeg -i in.mp4 -f rawvideo -pix_fmt rgb24 - | sapnet-infer --video 1280x720 |
    ffmpeg -f rawvideo -pix_fmt rgb24 -s 1280x720 -r 25 -i - out.mp4

Outputs keep the names of their inputs; JPEG stays JPEG and everything else becomes PNG, unless --format is given.
Exit code: 0 on success; 1 if an image failed or could not be scored (the others are still processed); 2 if the
command line is wrong (nothing is done).)";

/// "1280x720". Throws UsageError.
train::ImageSize parse_frame_size(const std::string& text) {
  constexpr int kMaxSide = 16384;
  const auto size = train::parse_image_size(text);
  if (!size || size->width > kMaxSide || size->height > kMaxSide) {
    throw UsageError("--video: '" + text + "' is not a size such as 1280x720, each side 1 to " +
                     std::to_string(kMaxSide));
  }
  return *size;
}

}  // namespace

std::optional<InferOptions> parse_infer_options(int argc, char** argv) {
  InferOptions options;
  std::string video, rounding;
  CommandLine app("Removes rain from images and video frames.", "sapnet-infer");
  app.set_help({"[options] INPUT... -o OUT", "[options] --video WxH"}, kExamples);
  app.set_version_flag("--version", "sapnet-infer " SAPNET_VERSION);
  app.add_option("INPUT", options.files.inputs, "Images (PNG, JPEG, BMP) or folders of images")
      ->type_name("");
  app.add_option("-o,--output", options.files.output,
                 "Output folder, or a .png or .jpg file if there is one INPUT")
      ->type_name("OUT");
  app.add_option("--format", options.files.format, "Write all images as png or jpg")
      ->check(one_of({"png", "jpg"}));
  app.add_option("--quality", options.quality, "JPEG quality, 1 to 100 (default 95)")
      ->check(whole_number(1, 100));
  app.add_option("--weights", options.weights,
                 "Weight file, .safetensors or PyTorch .pth (default: the bundled weights)")
      ->type_name("FILE");
  app.add_option("--device", options.device,
                 "Device (default auto: GPU 0 if it passes a short self-test, else the CPU);\n"
                 "N is the number of a GPU, from 0, and cuda the same as cuda:0")
      ->check(device_name());
  app.add_option(
         "--precision", options.precision,
         "Precision of feature maps on a GPU (default fp16, which changes PSNR by less than\n0.01 dB); "
         "the CPU computes in fp32")
      ->check(one_of({"fp32", "fp16"}));
  app.add_option("--threads", options.threads, "CPU threads (default: all)")->check(whole_number(1, 1024));
  app.add_option("--stages", options.stages,
                 "Recurrent stages of the network, 1 to 32 (default: as stated in the weight file, else 6)")
      ->check(whole_number(1, model::kMaxStages));
  app.add_option("--rounding", rounding,
                 "How values are rounded to bytes (default nearest; the published code truncates)")
      ->check(one_of({"nearest", "truncate"}));
  app.add_flag("--strict", options.strict, "Use direct convolutions: slower, for comparison");
  app.add_option("--reference", options.reference,
                 "Print PSNR and SSIM against the rain-free images in a folder, with the same names or\n"
                 "norain-N for rain-N, or against one file for one INPUT")
      ->type_name("DIR");
  app.add_option("--lpips", options.lpips,
                 "With --reference, also print LPIPS; FILE: its linear weights, lpips_vgg_linear_v0.1.pth")
      ->type_name("FILE");
  app.add_option("--vgg", options.vgg, "VGG-16 weights for --lpips, torchvision's vgg16-397923af.pth")
      ->type_name("FILE");
  app.add_option("--json", options.json,
                 "Write the results as JSON to a file, or to standard output if FILE is -")
      ->type_name("FILE");
  app.add_option("--report", options.report, "Write an HTML page with a before/after slider per image")
      ->type_name("FILE.html");
  app.add_option("--video", video, "Read raw RGB24 frames of this size from stdin, write them to stdout")
      ->type_name("WxH");
  app.add_flag("--verbose", options.verbose, "Print device, network, weight file and peak memory");
  if (!app.parse(argc, argv)) return std::nullopt;

  if (rounding == "truncate") options.rounding = train::Rounding::kTruncate;

  if (video.empty()) {
    require_input_and_output(options.files);
  } else {
    options.video = parse_frame_size(video);
    for (const char* other : {"INPUT", "--output", "--format", "--quality", "--reference", "--lpips", "--vgg",
                              "--json", "--report"}) {
      if (app.count(other) > 0) throw UsageError(std::string(other) + " cannot be used with --video");
    }
  }
  if (options.report == "-")
    throw UsageError("--report -: the page cannot be written to standard output; specify a file");
  if (options.lpips.empty() != options.vgg.empty())
    throw UsageError(options.vgg.empty()
                         ? "--lpips also needs VGG-16's weights; specify them with --vgg"
                         : "--vgg also needs LPIPS's linear weights; specify them with --lpips");
  if (!options.lpips.empty() && options.reference.empty())
    throw UsageError("--lpips needs a reference; specify it with --reference");
  if (options.weights.empty()) options.weights = default_weights();
  auto& files = options.files;
  files.read.push_back({"the weight file", options.weights});
  if (!options.lpips.empty()) {
    files.read.push_back({"the --lpips file", options.lpips});
    files.read.push_back({"the --vgg file", options.vgg});
  }
  if (!options.reference.empty()) files.read.push_back({"the reference", options.reference});
  if (!options.json.empty() && !options.json_to_stdout()) files.written.push_back({"--json", options.json});
  if (!options.report.empty()) files.written.push_back({"--report", options.report});
  return options;
}

}  // namespace sapnet::apps
