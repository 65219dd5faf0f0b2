#include "apps/options.h"

#include <charconv>
#include <cstdint>

#include "apps/command_line.h"
#include "apps/program.h"

namespace sapnet::apps {
namespace {

constexpr const char* kExamples = R"(
Examples:
  sapnet-infer photo.jpg -o derained.jpg
  sapnet-infer holiday/ -o derained/ --report derained.html
  sapnet-infer rain/ -o derained/ --reference clean/ --json scores.json
  ffmpeg -i in.mp4 -f rawvideo -pix_fmt rgb24 - | sapnet-infer --video 1280x720 |
    ffmpeg -f rawvideo -pix_fmt rgb24 -s 1280x720 -r 25 -i - out.mp4

An output keeps its input's name; JPEG stays JPEG and all else becomes PNG, unless --format says otherwise.
Exit code: 0 when all went well; 1 when a picture failed, or could not be scored; the rest are done all the same;
2 for a wrong command line, of which nothing is done.)";

/// "1280x720". Throws UsageError.
FrameSize parse_frame_size(const std::string& text) {
  constexpr int kMaxSide = 16384;
  FrameSize size;
  const char* end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  bool valid = width.ec == std::errc() && width.ptr != end && *width.ptr == 'x';
  if (valid) {
    const auto height = std::from_chars(width.ptr + 1, end, size.height);
    valid = height.ec == std::errc() && height.ptr == end;
  }
  valid = valid && size.width >= 1 && size.height >= 1 && size.width <= kMaxSide && size.height <= kMaxSide;
  if (!valid) {
    throw UsageError("--video: '" + text + "' is not a size such as 1280x720, each side 1 to " +
                     std::to_string(kMaxSide));
  }
  return size;
}

}  // namespace

std::optional<InferOptions> parse_infer_options(int argc, char** argv) {
  InferOptions options;
  std::string video, rounding;
  CommandLine app("Takes rain out of pictures and video frames.", "sapnet-infer");
  app.lay_out_help({"[options] INPUT... -o OUT", "[options] --video WxH"}, kExamples);
  app.set_version_flag("--version", "sapnet-infer " SAPNET_VERSION);
  app.add_option("INPUT", options.files.inputs, "Pictures (PNG, JPEG, BMP) and folders of them")
      ->type_name("");
  app.add_option("-o,--output", options.files.output,
                 "Folder for the results, or a .png or .jpg file for one INPUT")
      ->type_name("OUT");
  app.add_option("--format", options.files.format, "Write all pictures as png or jpg")
      ->check(one_of({"png", "jpg"}))
      ->type_name("png|jpg");
  app.add_option("--quality", options.quality, "Quality of JPEG files, 1 to 100 (default 95)")
      ->check(whole_number(1, 100))
      ->type_name("N");
  app.add_option("--weights", options.weights, "Weights, .safetensors or PyTorch's .pth (default: our own)")
      ->type_name("FILE");
  app.add_option("--device", options.device,
                 "Where to compute (default auto: a GPU that passes a short trial, else the CPU)")
      ->check(one_of({"auto", "cpu", "cuda"}))
      ->type_name("auto|cpu|cuda");
  app.add_option("--precision", options.precision,
                 "What a GPU stores maps as (default fp16, which moves PSNR by less than 0.01 dB);\n"
                 "the CPU computes in fp32")
      ->check(one_of({"fp32", "fp16"}))
      ->type_name("fp32|fp16");
  app.add_option("--threads", options.threads, "CPU threads (default: all)")
      ->check(whole_number(1, 1024))
      ->type_name("N");
  app.add_option("--stages", options.stages,
                 "Recurrent stages of the network, 1 to 32 (default: those that the weights were "
                 "trained\nwith, or 6 where their file does not say)")
      ->check(whole_number(1, kMostStages))
      ->type_name("N");
  app.add_option("--rounding", rounding,
                 "How values become bytes (default nearest; the published code truncates)")
      ->check(one_of({"nearest", "truncate"}))
      ->type_name("nearest|truncate");
  app.add_flag("--strict", options.strict,
               "Compute convolutions by their definition: slower, for comparison");
  app.add_option(
         "--reference", options.reference,
         "Print PSNR and SSIM against the rain-free pictures in a folder, of the same names or norain-N\n"
         "for rain-N, or against one file for one INPUT")
      ->type_name("DIR");
  app.add_option("--lpips", options.lpips,
                 "With --reference, LPIPS too, by these linear weights, lpips_vgg_linear_v0.1.pth")
      ->type_name("FILE");
  app.add_option("--vgg", options.vgg, "VGG-16's weights for --lpips, torchvision's vgg16-397923af.pth")
      ->type_name("FILE");
  app.add_option("--json", options.json, "Write the figures to a file, or with - to standard output")
      ->type_name("FILE");
  app.add_option("--report", options.report, "Write a page with a before/after slider per picture")
      ->type_name("FILE.html");
  app.add_option("--video", video, "Read raw RGB24 frames of this size on stdin, write them on stdout")
      ->type_name("WxH");
  app.add_flag("--verbose", options.verbose, "Print device, network, weight file and peak memory");
  if (!app.parse(argc, argv)) return std::nullopt;

  if (rounding == "truncate") options.rounding = train::Rounding::kTruncate;

  if (video.empty()) {
    require_names(options.files);
  } else {
    options.video = parse_frame_size(video);
    for (const char* other : {"INPUT", "--output", "--format", "--quality", "--reference", "--lpips", "--vgg",
                              "--json", "--report"}) {
      if (app.count(other) > 0) throw UsageError(std::string(other) + " does not go with --video");
    }
  }
  if (options.report == "-") throw UsageError("--report -: the page goes to a file, not to standard output");
  if (options.lpips.empty() != options.vgg.empty())
    throw UsageError(options.vgg.empty() ? "--lpips needs VGG-16's weights too; name them with --vgg"
                                         : "--vgg is for LPIPS; name its linear weights with --lpips");
  if (!options.lpips.empty() && options.reference.empty())
    throw UsageError("--lpips compares with a reference; name it with --reference");
  if (options.weights.empty()) options.weights = default_weights();
  auto& files = options.files;
  files.read.push_back({"the weight file", options.weights});
  if (!options.lpips.empty()) {
    files.read.push_back({"the file of --lpips", options.lpips});
    files.read.push_back({"the file of --vgg", options.vgg});
  }
  if (!options.reference.empty()) files.read.push_back({"the reference", options.reference});
  if (!options.json.empty() && !options.json_to_stdout()) files.written.push_back({"--json", options.json});
  if (!options.report.empty()) files.written.push_back({"--report", options.report});
  return options;
}

}  // namespace sapnet::apps
