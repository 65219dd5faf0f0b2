// sapnet-infer, given what it cannot do: a sentence, an exit code, and nothing left behind.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/device.h"
#include "engine/error.h"
#include "tests/apps/workshop.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("sapnet-infer refuses a wrong command line with exit code 2", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no INPUT is named"},
      {"in", "-o"},
      {"in -o out --bogus", "--bogus"},
      {"in -o out --stages 0", "--stages"},
      {"in -o out --stages 33", "--stages"},
      {"in -o out --stages six", "--stages"},
      {"in -o out --threads 0", "--threads"},
      {"in -o out --threads -1", "--threads"},
      {"in -o out --quality 101", "--quality"},
      {"in -o out --device tpu", "--device"},
      {"in -o out --rounding up", "--rounding"},
      {"in -o out --format gif", "--format"},
      {"in/rgb8.png -o a.webp", "not .webp"},
      {"in/rgb8.png -o a.png --format jpg", "contradicts"},
      {"--video 12", "--video"},
      {"--video 12x", "--video"},
      {"--video 0x12", "--video"},
      {"--video 99999x12", "--video"},
      {"--video 12x12x12", "--video"},
      {"--video 12x12 in", "INPUT does not go with --video"},
      {"--video 12x12 -o out", "--output does not go with --video"},
      {"--video 12x12 --reference in", "--reference does not go with --video"},
  };
  for (const auto& [arguments, part] : cases) {
    const auto outcome = workshop.shell("$INFER " + arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part) && Contains("--help"));
    CHECK(outcome.out.empty());
  }
  CHECK(workshop.list(".") == Names{"in"});
}

TEST_CASE("sapnet-infer overwrites no input", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png", "rgb8.bmp"});
  const std::string before = text_of(workshop / "in/rgb8.png");
  fs::create_directory(workshop / "clean");
  fs::copy_file(kPictures / "rgb8.png", workshop / "clean/rgb8.png");
  for (const std::string arguments :
       {"in/rgb8.png -o in", "in/rgb8.png -o in/rgb8.png", "in/rgb8.png -o ./in/../in/rgb8.png",
        "in/rgb8.png in/rgb8.bmp -o in", "in/rgb8.png -o clean --reference clean"}) {
    const auto outcome = workshop.infer(arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains("would be overwritten"));
  }
  CHECK(text_of(workshop / "in/rgb8.png") == before);
  CHECK_THAT(workshop.infer("in -o out").err, Contains("two pictures would be written to it"));
}

TEST_CASE("sapnet-infer reports broken pictures and does the rest", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png", "ramp.jpg"});
  const std::string png = text_of(kPictures / "rgb8.png"), jpeg = text_of(kPictures / "ramp.jpg");
  write_text(workshop / "in/cut.png", png.substr(0, 60));
  std::string flipped = png;
  flipped[60] = static_cast<char>(flipped[60] ^ 4);
  write_text(workshop / "in/flipped.png", flipped);
  write_text(workshop / "in/cut.jpg", jpeg.substr(0, jpeg.size() - 20));
  write_text(workshop / "in/text.png", "hello");
  write_text(workshop / "in/empty.png", "");
  const auto outcome = workshop.infer("in missing.png -o out --json a.json");
  CHECK(outcome.exit_code == 1);
  CHECK(workshop.list("out") == Names{"ramp.jpg", "rgb8.png"});
  for (const char* sentence :
       {"sapnet-infer: error: in/cut.png: truncated PNG: it ends inside its IDAT chunk\n",
        "sapnet-infer: error: in/flipped.png: damaged PNG: the checksum of its IDAT chunk is wrong\n",
        "sapnet-infer: error: in/cut.jpg: truncated JPEG: it has no end marker\n",
        "sapnet-infer: error: in/text.png: is not a PNG, JPEG or BMP picture\n",
        "sapnet-infer: error: in/empty.png: is empty\n",
        "sapnet-infer: error: missing.png: cannot be read: No such file or directory\n",
        "sapnet-infer: error: 6 of 8 pictures failed\n"}) {
    CHECK_THAT(outcome.err, Contains(sentence));
  }
  const auto json = nlohmann::json::parse(text_of(workshop / "a.json"));
  CHECK(json["pictures"].size() == 8);
  CHECK(std::ranges::count_if(json["pictures"],
                              [](const auto& picture) { return picture.contains("error"); }) == 6);

  const auto single = workshop.infer("in/cut.png -o out.png");
  CHECK(single.exit_code == 1);
  CHECK(single.err == "sapnet-infer: error: in/cut.png: truncated PNG: it ends inside its IDAT chunk\n");
  CHECK(workshop.list(".") == Names{"a.json", "in", "out"});
}

TEST_CASE("sapnet-infer refuses what it cannot run in a sentence", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  const std::string weights = text_of(kWeights);
  write_text(workshop / "cut.safetensors", weights.substr(0, weights.size() / 2));
  write_text(workshop / "file", "");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"$INFER in -o out --weights nowhere.pth", "nowhere.pth"},
      {"$INFER in -o out --weights cut.safetensors", "cut.safetensors"},
      {"$INFER in -o out --weights in/rgb8.png", "in/rgb8.png"},
      {"$INFER in -o file", "file"},
      {"$INFER in -o out --json no/such.json", "no/such.json: cannot be written: No such file or directory"},
      {"$INFER in -o out --report no/such.html", "no/such.html"},
      {"$INFER in/rgb8.png -o no/such.png", "no/such.png: cannot be written: No such file or directory"},
  };
  for (const auto& [command, part] : cases) {
    const bool own_weights = command.find("--weights") != std::string::npos;
    const auto outcome =
        workshop.shell(command + (own_weights ? "" : " --weights '" + kWeights.string() + "'"));
    CAPTURE(command);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part));
    CHECK(std::ranges::count(outcome.err, '\n') == 1);
  }
  fs::create_directory(workshop / "empty");
  CHECK_THAT(workshop.infer("empty -o out").err, Contains("empty: holds no pictures"));
  const auto full = workshop.shell("( trap '' XFSZ; ulimit -f 0; $INFER in -o out --weights '" +
                                   kWeights.string() + "' 2>&1 ) | cat");
  CHECK_THAT(full.out, Contains("out/rgb8.png: cannot be written: File too large"));
  CHECK(workshop.list("out").empty());

  try {
    engine::choose_device("cuda");
  } catch (const Error& error) {
    const auto outcome = workshop.infer("in -o out --device cuda");
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.err == "sapnet-infer: error: " + std::string(error.what()) + "\n");
  }
}

#ifndef __SANITIZE_ADDRESS__  // its shadow memory is larger than any limit
TEST_CASE("sapnet-infer names the size of a picture too large for the memory", "[infer]") {
  const Workshop workshop;
  train::write_image(workshop / "in/large.png", Bytes(4000 * 3000), 4000, 3000, 1, 95);
  const auto outcome =
      workshop.shell("ulimit -v 900000; $INFER in -o out --threads 1 --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: in/large.png: ") && Contains("4000x3000 pixels"));
  CHECK(std::ranges::count(outcome.err, '\n') == 1);
}
#endif

TEST_CASE("sapnet-infer leaves nothing behind when it is stopped", "[infer]") {
  const Workshop workshop;
  train::write_image(workshop / "in/a.png", Bytes(1200 * 900 * 3), 1200, 900, 3, 95);
  for (const char* signal : {"INT", "TERM"}) {
    const auto outcome =
        workshop.shell(std::string("timeout -s ") + signal + " 1 $INFER in -o out --stages 32 " +
                       "--json a.json --report page.html --weights '" + kWeights.string() + "'");
    CHECK(outcome.exit_code == 124);  // timeout's own: it had to send the signal
    CHECK(workshop.list(".") == Names{"in", "out"});
    CHECK(workshop.list("out").empty());
  }
}

}  // namespace
}  // namespace sapnet::apps
