// Failures of sapnet-infer: the error message, the exit code, and no files left behind.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/apps/program_folder.h"
#include "tests/catch.h"
#include "tests/sanitizers.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

TEST_CASE("sapnet-infer refuses a wrong command line with exit code 2", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no INPUT"},
      {"in", "no output; specify a file or folder with -o"},
      {"in -o", "--output needs a value"},
      {"in -o a -o b", "--output is given twice"},
      {"in -o out --bogus", "unknown option '--bogus'"},
      {"in -o out -x", "unknown option '-x'"},
      {"in -o out --json --strict", "--json needs a value"},
      {"in -o out --stages 0", "--stages: must be a whole number from 1 to 32, not '0'"},
      {"in -o out --stages 33", "--stages: must be a whole number from 1 to 32, not '33'"},
      {"in -o out --stages six", "--stages: must be a whole number from 1 to 32, not 'six'"},
      {"in -o out --stages 1.5", "--stages: must be a whole number from 1 to 32, not '1.5'"},
      {"in -o out --threads 0", "--threads: must be"},
      {"in -o out --threads -1", "--threads: must be a whole number from 1 to 1024, not '-1'"},
      {"in -o out --quality 101", "--quality: must be"},
      {"in -o out --device tpu", "--device: must be auto, cpu, cuda or cuda:N, not 'tpu'"},
      {"in -o out --precision bf16", "--precision: must be fp32 or fp16, not 'bf16'"},
      {"in -o out --rounding up", "--rounding: must be nearest or truncate, not 'up'"},
      {"in -o out --format gif", "--format: must be png or jpg, not 'gif'"},
      {"--video 12", "--video"},
      {"--video 12x", "--video"},
      {"--video 0x12", "--video"},
      {"--video 99999x12", "--video"},
      {"--video 12x12x12", "--video"},
      {"--video 12x12 in", "INPUT cannot be used with --video"},
      {"--video 12x12 -o out", "--output cannot be used with --video"},
      {"--video 12x12 --reference in", "--reference cannot be used with --video"},
  };
  for (const auto& [arguments, part] : cases) {
    const auto outcome = temp.shell("$INFER " + arguments);
    CAPTURE(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part) && Contains("--help"));
    CHECK(outcome.out.empty());
  }
  CHECK(temp.list(".") == Names{"in"});
}

TEST_CASE("sapnet-infer does not read an image too large for memory", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  write_text(temp / "meminfo", "MemTotal: 8 kB\nMemAvailable: 0 kB\n");
  const auto with_meminfo = [&](const std::string& command) {
    return temp.shell("unshare --mount --map-root-user sh -c \"mount --bind meminfo /proc/meminfo && " +
                      command + "\"");
  };
  if (with_meminfo("true").exit_code != 0) {
    WARN("skipped: a file cannot stand in for /proc/meminfo here");
    return;
  }
  const auto outcome = with_meminfo("$INFER in -o out --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err,
             Contains("sapnet-infer: error: in/rgb8.png: not enough memory for 9x7 pixels: decoding"));
  CHECK(temp.list(".") == Names{"in", "meminfo"});
}

TEST_CASE("sapnet-infer reports broken images and processes the others", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png", "ramp.jpg"});
  const std::string png = text_of(kImages / "rgb8.png"), jpeg = text_of(kImages / "ramp.jpg");
  write_text(temp / "in/cut.png", png.substr(0, 60));
  std::string flipped = png;
  flipped[60] = static_cast<char>(flipped[60] ^ 4);
  write_text(temp / "in/flipped.png", flipped);
  write_text(temp / "in/cut.jpg", jpeg.substr(0, jpeg.size() - 20));
  write_text(temp / "in/text.png", "hello");
  write_text(temp / "in/empty.png", "");
  const auto outcome = temp.infer("in missing.png -o out --json a.json");
  CHECK(outcome.exit_code == 1);
  CHECK(temp.list("out") == Names{"ramp.jpg", "rgb8.png"});
  for (const char* sentence :
       {"sapnet-infer: error: in/cut.png: truncated PNG: it ends inside its IDAT chunk\n",
        "sapnet-infer: error: in/flipped.png: damaged PNG: the checksum of its IDAT chunk is wrong\n",
        "sapnet-infer: error: in/cut.jpg: truncated JPEG: it has no end marker\n",
        "sapnet-infer: error: in/text.png: is not a PNG, JPEG or BMP image\n",
        "sapnet-infer: error: in/empty.png: is empty\n",
        "sapnet-infer: error: missing.png: cannot be read: No such file or directory\n",
        "2 images written to out\n", "sapnet-infer: error: 6 of 8 images failed\n"}) {
    CHECK_THAT(outcome.err, Contains(sentence));
  }
  const auto json = nlohmann::json::parse(text_of(temp / "a.json"));
  CHECK(json["images"].size() == 8);
  CHECK(std::ranges::count_if(json["images"], [](const auto& image) { return image.contains("error"); }) ==
        6);

  const auto single = temp.infer("in/cut.png -o out.png");
  CHECK(single.exit_code == 1);
  CHECK(single.err == "sapnet-infer: error: in/cut.png: truncated PNG: it ends inside its IDAT chunk\n");
  CHECK(temp.list(".") == Names{"a.json", "in", "out"});
}

TEST_CASE("sapnet-infer reports unusable weights and devices in one sentence", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  const std::string weights = text_of(kWeights);
  write_text(temp / "cut.safetensors", weights.substr(0, weights.size() / 2));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"$INFER in -o out --weights nowhere.pth", "nowhere.pth"},
      {"$INFER in -o out --weights cut.safetensors", "cut.safetensors"},
      {"$INFER in -o out --weights in/rgb8.png", "in/rgb8.png"},
      {"$INFER in -o out --json no/such.json", "no/such.json: cannot be written: No such file or directory"},
      {"$INFER in -o out --report no/such.html", "no/such.html"},
  };
  for (const auto& [command, part] : cases) {
    const bool own_weights = command.find("--weights") != std::string::npos;
    const auto outcome = temp.shell(command + (own_weights ? "" : " --weights '" + kWeights.string() + "'"));
    CAPTURE(command);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: ") && Contains(part));
    CHECK(std::ranges::count(outcome.err, '\n') == 1);
  }
  const auto full = temp.shell("( trap '' XFSZ; ulimit -f 0; $INFER in -o out --weights '" +
                               kWeights.string() + "' 2>&1 ) | cat");
  CHECK_THAT(full.out, Contains("out/rgb8.png: cannot be written: File too large"));
  CHECK_FALSE(fs::exists(temp / "out"));

  const auto outcome = temp.infer("in -o out --device cuda");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: device cuda cannot be used: ") &&
                              EndsWith("; run with --device cpu or auto\n"));
  CHECK(temp.infer("in -o out --precision fp16").err ==
        "sapnet-infer: error: --precision fp16 needs a GPU; the CPU computes in fp32\n");
}

#ifndef SAPNET_TEST_ASAN  // its shadow memory is larger than any limit
TEST_CASE("sapnet-infer names the size of an image too large for the memory", "[infer]") {
  const ProgramFolder temp;
  train::write_image(temp / "in/large.png", Bytes(4000 * 3000), 4000, 3000, 1, 95);
  const auto outcome =
      temp.shell("ulimit -v 900000; $INFER in -o out --threads 1 --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: in/large.png: ") && Contains("4000x3000 pixels"));
  CHECK(std::ranges::count(outcome.err, '\n') == 1);
}
#endif

TEST_CASE("sapnet-infer leaves nothing behind when it is stopped", "[infer]") {
  const ProgramFolder temp;
  train::write_image(temp / "in/a.png", Bytes(1200 * 900 * 3), 1200, 900, 3, 95);
  for (const char* signal : {"INT", "TERM"}) {
    const auto outcome = temp.shell(std::string("timeout -s ") + signal + " 1 $INFER in -o out --stages 32 " +
                                    "--json a.json --report page.html --weights '" + kWeights.string() + "'");
    CHECK(outcome.exit_code == 124);  // timeout's exit code: it had to send the signal
    CHECK(temp.list(".") == Names{"in"});
  }
}

TEST_CASE("sapnet-infer keeps the results of finished images when it is stopped", "[infer]") {
  const ProgramFolder temp;
  write_streaks(temp / "in/a.png", 24, 20);
  train::write_image(temp / "in/b.png", Bytes(1600 * 1200 * 3), 1600, 1200, 3, 95);
  const auto outcome = temp.shell(
      "$INFER in -o out --stages 32 --json a.json --report page.html --weights '" + kWeights.string() +
      "' & program=$!; while ! [ -e out/a.png ]; do sleep 0.1; done; sleep 0.5; kill -TERM $program; "
      "wait $program");
  CHECK(outcome.exit_code == 128 + SIGTERM);
  CHECK(temp.list(".") == Names{"a.json", "in", "out", "page.html"});
  CHECK(temp.list("out") == Names{"a.png"});
  const auto json = nlohmann::json::parse(text_of(temp / "a.json"));
  CHECK(json["stopped"] == true);
  CHECK(json["images"].size() == 1);
  CHECK_THAT(text_of(temp / "page.html"), Contains("Stopped after 1 of 2 images") && Contains("</html>"));
  CHECK_THAT(outcome.err, Contains("1 image written to out\n") && Contains("stopped after 1 of 2 images\n"));
}

}  // namespace
}  // namespace sapnet::apps
