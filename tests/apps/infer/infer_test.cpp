// Tests of every option of sapnet-infer, run as a program on small images.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/program_folder.h"
#include "tests/catch.h"
#include "tests/model/seeded.h"
#include "train/metrics/metrics.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

TEST_CASE("sapnet-infer has --help and --version", "[infer]") {
  const ProgramFolder temp;
  const auto help = temp.shell("$INFER --help");
  CHECK(help.exit_code == 0);
  CHECK(help.err.empty());
  for (const char* option : {"--output", "--format", "--quality", "--weights", "--device", "--precision",
                             "--threads", "--stages", "--rounding", "--strict", "--reference", "--json",
                             "--report", "--video", "--verbose", "--version", "Examples:", "ffmpeg"}) {
    CHECK_THAT(help.out, Contains(option));
  }
  CHECK_THAT(temp.shell("$INFER --version").out, StartsWith("sapnet-infer "));
}

TEST_CASE("sapnet-infer writes the network's output", "[infer]") {
  const ProgramFolder temp;
  write_streaks(temp / "in/a.png", 33, 21);
  const auto image = train::read_image(temp / "in/a.png");
  const auto nearest = derained(image, 6, train::Rounding::kNearest);
  const auto result = [&](const std::string& options) {
    const auto outcome = temp.infer("in/a.png -o out.png " + options);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.empty());
    return bytes_of(train::read_image(temp / "out.png"));
  };
  CHECK(nearest != bytes_of(image));
  CHECK(result("") == nearest);
  CHECK(result("--device cpu --precision fp32 --threads 1") == nearest);
  CHECK(result("--threads 3") == nearest);
  const auto truncated = derained(image, 6, train::Rounding::kTruncate);
  CHECK(truncated != nearest);
  CHECK(result("--rounding truncate") == truncated);
  const auto two_stages = derained(image, 2, train::Rounding::kNearest);
  CHECK(two_stages != nearest);
  CHECK(result("--stages 2") == two_stages);
  CHECK(result("--strict") == derained(image, 6, train::Rounding::kNearest, true));
  CHECK(temp.list(".") == Names{"in", "out.png"});
}

/// The mean of each pixel's three channels; checks that it differs from each single channel.
Bytes grey_of(std::vector<float> rgb) {
  const Bytes coloured = train::to_bytes(rgb, train::Rounding::kNearest);
  std::array<bool, 3> equal = {true, true, true};
  for (std::size_t i = 0; i < rgb.size(); i += 3) {
    const float mean = (rgb[i] + rgb[i + 1] + rgb[i + 2]) / 3;
    for (std::size_t c = 0; c < 3; ++c) rgb[i + c] = mean;
  }
  Bytes grey = train::to_bytes(rgb, train::Rounding::kNearest);
  for (std::size_t i = 0; i < grey.size(); ++i) equal[i % 3] = equal[i % 3] && grey[i] == coloured[i];
  CHECK(equal == std::array<bool, 3>{});
  return grey;
}

TEST_CASE("sapnet-infer keeps channels and format of images", "[infer]") {
  const ProgramFolder temp;
  temp.take({"grey8.png", "grey_alpha8.png", "rgba8.png", "rgb16.png", "rgba16_interlaced.png",
             "one_pixel.png", "ramp_orientation6.jpg", "ramp_grey.jpg", "rgb8.bmp"});
  REQUIRE(temp.infer("in -o out").exit_code == 0);
  CHECK(temp.list("out") == Names{"grey8.png", "grey_alpha8.png", "one_pixel.png", "ramp_grey.jpg",
                                  "ramp_orientation6.jpg", "rgb16.png", "rgb8.png", "rgba16_interlaced.png",
                                  "rgba8.png"});
  const auto output = [&](const std::string& name) { return train::read_image(temp / ("out/" + name)); };
  const auto input = [&](const std::string& name) { return train::read_image(temp / ("in/" + name)); };
  CHECK(output("grey8.png").grey);
  CHECK(bytes_of(output("grey8.png")) == grey_of(derained_values(input("grey8.png"), 6)));
  CHECK(output("grey_alpha8.png").grey);
  CHECK(output("grey_alpha8.png").alpha == input("grey_alpha8.png").alpha);
  CHECK_FALSE(output("rgba8.png").grey);
  CHECK(output("rgba8.png").alpha == input("rgba8.png").alpha);
  const auto alpha16 = train::to_bytes(input("rgba16_interlaced.png").alpha, train::Rounding::kNearest);
  CHECK(output("rgba16_interlaced.png").alpha == train::to_floats(alpha16));
  CHECK(output("one_pixel.png").width == 1);
  CHECK(bytes_of(output("rgb16.png")) == derained(input("rgb16.png"), 6, train::Rounding::kNearest));
  const auto turned = output("ramp_orientation6.jpg");
  CHECK(turned.width == 24);
  CHECK(turned.height == 16);
  CHECK(turned.rgb.front() < 0.3F);  // the ramp's dark corner
}

TEST_CASE("sapnet-infer names its outputs as requested", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png", "ramp.jpg"});
  write_text(temp / "in/.hidden.png", "not an image");
  write_text(temp / "in/notes.txt", "not an image");
  fs::create_directory(temp / "in/folder.png");

  CHECK(temp.infer("in -o out/deep").exit_code == 0);
  CHECK(temp.list("out/deep") == Names{"ramp.jpg", "rgb8.png"});
  CHECK(temp.infer("in -o png --format png").exit_code == 0);
  CHECK(temp.list("png") == Names{"ramp.png", "rgb8.png"});
  CHECK(temp.infer("in -o jpg --format jpg --quality 10").exit_code == 0);
  CHECK(temp.list("jpg") == Names{"ramp.jpg", "rgb8.jpg"});
  CHECK(fs::file_size(temp / "jpg/ramp.jpg") < fs::file_size(temp / "out/deep/ramp.jpg"));
  CHECK(temp.infer("in/rgb8.png -o one.JPEG").exit_code == 0);
  CHECK_THAT(text_of(temp / "one.JPEG"), StartsWith("\xFF\xD8"));
  CHECK(temp.infer("in/rgb8.png in in/rgb8.png -o twice").exit_code == 0);
  CHECK(temp.list("twice") == Names{"ramp.jpg", "rgb8.png"});
  CHECK(temp.infer("in/rgb8.png -o folder").exit_code == 0);
  CHECK(temp.list("folder") == Names{"rgb8.png"});
}

TEST_CASE("sapnet-infer measures LPIPS if given its weights", "[infer]") {
  const ProgramFolder temp;
  write_streaks(temp / "in/a.png", 24, 20);
  fs::create_directory(temp / "clean");
  write_streaks(temp / "clean/a.png", 24, 20);
  weights::write_safetensors(temp / "vgg.safetensors", tests::seeded_vgg16(2), {});
  weights::write_safetensors(temp / "lpips.safetensors", tests::seeded_lpips(), {});
  const auto outcome = temp.infer(
      "in -o out --reference clean --lpips lpips.safetensors --vgg vgg.safetensors --json a.json --report "
      "page.html");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Contains("     LPIPS"));
  CHECK_THAT(outcome.err, Contains("sapnet-infer: warning: LPIPS uses 2 of 5 taps, to relu2_2, since "));
  CHECK_THAT(text_of(temp / "page.html"), Contains("LPIPS"));
  const auto image = nlohmann::json::parse(text_of(temp / "a.json"))["images"][0];
  CHECK(image["rainy"]["lpips"].get<double>() < 1e-20);  // the reference is the image itself
  CHECK(image["derained"]["lpips"].get<double>() > 0);
  CHECK(nlohmann::json::parse(text_of(temp / "a.json"))["vgg_taps"] == 2);

  // Another is too small for five taps, but has its other scores.
  write_streaks(temp / "in/b.png", 24, 12);
  write_streaks(temp / "clean/b.png", 24, 12);
  weights::write_safetensors(temp / "vgg5.safetensors", tests::seeded_vgg16(5), {});
  const auto small = temp.infer(
      "in -o out3 --reference clean --lpips lpips.safetensors --vgg vgg5.safetensors --json b.json");
  CHECK(small.exit_code == 0);
  const auto images = nlohmann::json::parse(text_of(temp / "b.json"))["images"];
  CHECK(images[0]["derained"].contains("lpips"));
  CHECK_FALSE(images[1]["derained"].contains("lpips"));
  CHECK(images[1]["derained"].contains("psnr_y"));

  CHECK_THAT(temp.infer("in -o out --lpips lpips.safetensors --vgg vgg.safetensors").err,
             Contains("--lpips needs a reference"));
  CHECK_THAT(temp.infer("in -o out --reference clean --lpips lpips.safetensors").err,
             Contains("--lpips also needs VGG-16's weights; specify them with --vgg"));
  CHECK_THAT(temp.infer("in -o out2 --reference clean --lpips vgg.safetensors --vgg lpips.safetensors").err,
             Contains("sapnet-infer: error: lpips.safetensors: tensor 'features.0.weight' is missing; "
                      "expected the weights of "
                      "VGG-16"));
}

TEST_CASE("sapnet-infer scores against references", "[infer]") {
  const ProgramFolder temp;
  for (const char* folder : {"clean", "other"}) fs::create_directory(temp / folder);
  write_streaks(temp / "in/a.png", 24, 20);
  write_streaks(temp / "in/rain-7.png", 31, 16);
  fs::copy_file(temp / "in/a.png", temp / "clean/a.png");
  write_streaks(temp / "clean/norain-7.png", 31, 16);

  const auto outcome = temp.infer("in -o out --reference clean --json a.json");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Contains("PSNR RGB") && Contains("\na.png") && Contains("\nrain-7.png") &&
                              Contains("\nmean of 2") && Contains("inf"));
  const auto json = nlohmann::json::parse(text_of(temp / "a.json"));
  CHECK(json["network"] == "SAPNet");
  CHECK(json["weights"] == kWeights.string());
  CHECK(json["device"] == "cpu");
  CHECK(json["precision"] == "fp32");
  CHECK(json["stages"] == 6);
  CHECK(json["rounding"] == "nearest");
  REQUIRE(json["images"].size() == 2);

  const auto result = train::read_image(temp / "out/a.png"),
             reference = train::read_image(temp / "clean/a.png");
  const auto y = train::luma(result.rgb), reference_y = train::luma(reference.rgb);
  const auto& scores = json["images"][0]["derained"];
  CHECK(scores["psnr_rgb"].get<double>() == Approx(train::psnr(result.rgb, reference.rgb)));
  CHECK(scores["ssim_rgb"].get<double>() == Approx(train::ssim(result.rgb, reference.rgb, 20, 24, 3)));
  CHECK(scores["psnr_y"].get<double>() == Approx(train::psnr(y, reference_y)));
  CHECK(scores["ssim_y"].get<double>() == Approx(train::ssim(y, reference_y, 20, 24, 1)));
  CHECK(json["images"][0]["rainy"]["psnr_rgb"].is_null());  // equal images: infinite
  CHECK(json["images"][0]["rainy"]["ssim_rgb"].get<double>() == Approx(1));
  std::istringstream row(outcome.out.substr(outcome.out.find("\nrain-7.png") + 1));
  std::string name;
  row >> name;
  for (const char* image : {"derained", "rainy"}) {
    for (const char* measure : {"psnr_rgb", "ssim_rgb", "psnr_y", "ssim_y"}) {
      std::string printed;
      row >> printed;
      CAPTURE(image, measure, printed);
      const auto& value = json["images"][1][image][measure];
      CHECK((value.is_null() ? printed == "inf"
                             : value.get<double>() == Approx(std::stod(printed)).margin(5e-4)));
    }
  }
  const double other = json["images"][1]["derained"]["psnr_rgb"];
  CHECK(json["mean"]["derained"]["psnr_rgb"].get<double>() ==
        Approx((scores["psnr_rgb"].get<double>() + other) / 2));
  CHECK(temp.list(".") == Names{"a.json", "clean", "in", "other", "out"});

  SECTION("one file is the reference of one image") {
    const auto one = temp.infer("in/a.png -o b.png --reference clean/norain-7.png");
    CHECK(one.exit_code == 1);
    CHECK_THAT(one.err, Contains("in/a.png: is 24x20, but its reference clean/norain-7.png is 31x16"));
    CHECK(temp.infer("in/a.png -o b.png --reference clean/a.png").exit_code == 0);
    CHECK_THAT(temp.infer("in -o out --reference clean/a.png").err, Contains("specify a folder"));
  }
  SECTION("another extension will do, a missing one is reported and the image still derained") {
    train::write_image(temp / "other/a.jpg", bytes_of(reference), 24, 20, 3, 95);
    fs::remove_all(temp / "out");
    const auto missing = temp.infer("in -o out --reference other");
    CHECK(missing.exit_code == 1);
    CHECK_THAT(
        missing.err,
        Contains(
            "sapnet-infer: error: not scored: in/rain-7.png: has no reference of the same name in other\n") &&
            Contains("\n2 images written to out\n") &&
            Contains("\nsapnet-infer: error: 1 of 2 images is not scored\n") && !Contains("failed"));
    CHECK_THAT(missing.out, Contains("\na.png") && Contains("\nmean of 1"));
    CHECK(temp.list("out") == Names{"a.png", "rain-7.png"});
  }
  SECTION("without a single reference there is no table") {
    const auto missing = temp.infer("in -o out --reference other --json a.json --report page.html");
    CHECK(missing.exit_code == 1);
    CHECK(missing.out.empty());
    CHECK_THAT(missing.err, Contains("2 of 2 images are not scored"));
    const auto unscored = nlohmann::json::parse(text_of(temp / "a.json"))["images"][0];
    CHECK(unscored["not_scored"] == "in/a.png: has no reference of the same name in other");
    CHECK_FALSE(unscored.contains("error"));
    CHECK(unscored["width"] == 24);
    CHECK_THAT(text_of(temp / "page.html"), Contains("not scored: in/a.png: has no reference"));
  }
  SECTION("no such folder") {
    const auto none = temp.infer("in -o out --reference nowhere");
    CHECK(none.exit_code == 1);
    CHECK_THAT(none.err, Contains("nowhere: this reference does not exist"));
  }
  SECTION("in one file the table stays whole") {
    write_streaks(temp / "in/b.png", 24, 20);  // without a reference, in the middle
    const auto both =
        temp.shell("$INFER in -o out --reference clean --weights '" + kWeights.string() + "' >both.txt 2>&1");
    CHECK(both.exit_code == 1);
    const std::string text = text_of(temp / "both.txt");
    CHECK_THAT(text, StartsWith("        ") && !Contains("/3 ") && Contains("not scored: in/b.png"));
    // Two header lines, two images, the mean; b.png; what was written, and how many were not scored.
    CHECK(std::ranges::count(text, '\n') == 8);
  }
}

TEST_CASE("sapnet-infer counts and times the images that it wrote", "[infer]") {
  const ProgramFolder temp;
  write_text(temp / "in/a.png", "broken");
  write_text(temp / "in/b.png", "broken");
  write_streaks(temp / "in/c.png", 24, 20);
  write_streaks(temp / "in/d.png", 24, 20);
  const auto outcome = temp.infer("in -o out --threads 1");
  CHECK_THAT(outcome.err, Contains("\n3/4 c.png, ") && Contains("\n4/4 d.png, ") &&
                              Contains("\n2 images written to out\n") &&
                              Contains("\nsapnet-infer: error: 2 of 4 images failed\n"));
  CHECK_THAT(temp.infer("in/c.png -o one.png").err, Contains("1 image written to one.png\n"));
}

TEST_CASE("sapnet-infer writes a report and says what it runs", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png", "ramp.jpg"});
  const auto outcome = temp.infer("in -o out --report page.html --verbose");
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("device       cpu") && Contains("\nnetwork      SAPNet, 6 stages\n") &&
                              Contains("\nweights      " + kWeights.string() + "\n") &&
                              Contains("\npeak memory  ") && Contains(" MiB\n"));
  CHECK_THAT(outcome.err, Contains("1/2 ramp.jpg, ") && Contains("2/2 rgb8.png, "));
  const std::string page = text_of(temp / "page.html");
  CHECK_THAT(page, Contains("ramp.jpg") && Contains("rgb8.png"));
  CHECK(temp.list(".") == Names{"in", "out", "page.html"});
}

TEST_CASE("sapnet-infer uses the requested number of threads", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  const auto device = [&](const std::string& environment, const std::string& options) {
    const auto outcome = temp.shell(environment + " $INFER in -o out --verbose --weights '" +
                                    kWeights.string() + "' " + options);
    return outcome.err.substr(0, outcome.err.find('\n'));
  };
  CHECK_THAT(device("OMP_NUM_THREADS=3", ""), EndsWith(", 3 threads, fp32"));
  CHECK_THAT(device("OMP_NUM_THREADS=3", "--threads 1"), EndsWith(", 1 thread, fp32"));
  CHECK_THAT(device("OMP_NUM_THREADS=1", "--threads 5"), EndsWith(", 5 threads, fp32"));
}

TEST_CASE("sapnet-infer finds its installed weights", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  for (const char* folder :
       {"prefix/bin", "prefix/share/sapnet", "tree/build/bin", "tree/weights", "alone/bin"}) {
    fs::create_directories(temp / folder);
  }
  for (const char* folder : {"prefix/bin/", "tree/build/bin/", "alone/bin/"}) {
    fs::copy_file(kPrograms / "sapnet-infer", temp / (std::string(folder) + "sapnet-infer"));
    if (fs::exists(kPrograms / "lib")) fs::copy(kPrograms / "lib", temp / (std::string(folder) + "lib"));
  }
  fs::copy_file(kWeights, temp / "prefix/share/sapnet/sapnet.safetensors");
  fs::copy_file(kWeights, temp / "tree/weights/sapnet.safetensors");
  CHECK_THAT(temp.shell("prefix/bin/sapnet-infer in -o out --verbose").err,
             Contains("prefix/share/sapnet/sapnet.safetensors"));
  CHECK_THAT(temp.shell("tree/build/bin/sapnet-infer in -o out --verbose").err,
             Contains("tree/weights/sapnet.safetensors"));
  const auto outcome = temp.shell("alone/bin/sapnet-infer in -o out");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains("there are no default weights at") && Contains("--weights"));
}

TEST_CASE("sapnet-infer draws a progress bar on a terminal without corrupting stdout", "[infer]") {
  if (std::system("command -v script >/dev/null") != 0) {
    WARN("skipped: script(1), which plays a terminal, is not installed");
    return;
  }
  const ProgramFolder temp;
  temp.take({"rgb8.png", "ramp.jpg"});
  const auto outcome = temp.shell("script -qec \"$INFER in -o out --reference in --weights '" +
                                  kWeights.string() + "'\" /dev/null");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Contains("[##########..........] 1/2 images, ") && Contains(" left") &&
                              Contains("\r\x1b[Kramp.jpg  "));
  const auto piped = temp.shell("script -qec \"$INFER in -o out --reference in --weights '" +
                                kWeights.string() + "' >scores.txt\" /dev/null");
  CHECK(piped.exit_code == 0);
  const std::string scores = text_of(temp / "scores.txt");
  CHECK(std::ranges::count(scores, '\n') == 5);
  CHECK(scores.find('\r') == std::string::npos);
}

}  // namespace
}  // namespace sapnet::apps
