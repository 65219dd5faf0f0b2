// sapnet-infer, given what it cannot do: a sentence, an exit code, and nothing left behind.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/apps/workshop.h"
#include "tests/catch.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

TEST_CASE("sapnet-infer refuses a wrong command line with exit code 2", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no INPUT is named"},
      {"in", "no output is named; say where to write with -o"},
      {"in -o", "--output needs a value"},
      {"in -o a -o b", "--output is given twice"},
      {"in -o out --bogus", "there is no option '--bogus'"},
      {"in -o out -x", "there is no option '-x'"},
      {"in -o out --json --strict", "--json needs a value"},
      {"in -o out --stages 0", "--stages: must be a whole number from 1 to 32, not '0'"},
      {"in -o out --stages 33", "--stages: must be a whole number from 1 to 32, not '33'"},
      {"in -o out --stages six", "--stages: must be a whole number from 1 to 32, not 'six'"},
      {"in -o out --stages 1.5", "--stages: must be a whole number from 1 to 32, not '1.5'"},
      {"in -o out --threads 0", "--threads: must be"},
      {"in -o out --threads -1", "--threads: must be a whole number from 1 to 1024, not '-1'"},
      {"in -o out --quality 101", "--quality: must be"},
      {"in -o out --device tpu", "--device: must be auto, cpu or cuda, not 'tpu'"},
      {"in -o out --precision bf16", "--precision: must be fp32 or fp16, not 'bf16'"},
      {"in -o out --rounding up", "--rounding: must be nearest or truncate, not 'up'"},
      {"in -o out --format gif", "--format: must be png or jpg, not 'gif'"},
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

TEST_CASE("sapnet-infer reads no picture for which there is no memory", "[infer]") {
  const Workshop workshop;
  workshop.take({"rgb8.png"});
  write_text(workshop / "meminfo", "MemTotal: 8 kB\nMemAvailable: 0 kB\n");
  const auto with_meminfo = [&](const std::string& command) {
    return workshop.shell("unshare --mount --map-root-user sh -c \"mount --bind meminfo /proc/meminfo && " +
                          command + "\"");
  };
  if (with_meminfo("true").exit_code != 0) {
    WARN("skipped: a file cannot stand in for /proc/meminfo here");
    return;
  }
  const auto outcome = with_meminfo("$INFER in -o out --weights '" + kWeights.string() + "'");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err,
             Contains("sapnet-infer: error: in/rgb8.png: not enough memory for 9x7 pixels: reading"));
  CHECK(workshop.list(".") == Names{"in", "meminfo"});
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
        "2 pictures written to out\n", "sapnet-infer: error: 6 of 8 pictures failed\n"}) {
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
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"$INFER in -o out --weights nowhere.pth", "nowhere.pth"},
      {"$INFER in -o out --weights cut.safetensors", "cut.safetensors"},
      {"$INFER in -o out --weights in/rgb8.png", "in/rgb8.png"},
      {"$INFER in -o out --json no/such.json", "no/such.json: cannot be written: No such file or directory"},
      {"$INFER in -o out --report no/such.html", "no/such.html"},
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
  const auto full = workshop.shell("( trap '' XFSZ; ulimit -f 0; $INFER in -o out --weights '" +
                                   kWeights.string() + "' 2>&1 ) | cat");
  CHECK_THAT(full.out, Contains("out/rgb8.png: cannot be written: File too large"));
  CHECK_FALSE(fs::exists(workshop / "out"));

  const auto outcome = workshop.infer("in -o out --device cuda");
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, StartsWith("sapnet-infer: error: device cuda cannot be used: ") &&
                              EndsWith("; run with --device cpu or auto\n"));
  CHECK(workshop.infer("in -o out --precision fp16").err ==
        "sapnet-infer: error: --precision fp16 needs a GPU; the CPU computes in fp32\n");
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
    CHECK(workshop.list(".") == Names{"in"});
  }
}

TEST_CASE("sapnet-infer keeps the figures of what it did before it was stopped", "[infer]") {
  const Workshop workshop;
  write_streaks(workshop / "in/a.png", 24, 20);
  train::write_image(workshop / "in/b.png", Bytes(1600 * 1200 * 3), 1600, 1200, 3, 95);
  const auto outcome = workshop.shell(
      "$INFER in -o out --stages 32 --json a.json --report page.html --weights '" + kWeights.string() +
      "' & program=$!; while ! [ -e out/a.png ]; do sleep 0.1; done; sleep 0.5; kill -TERM $program; "
      "wait $program");
  CHECK(outcome.exit_code == 128 + SIGTERM);
  CHECK(workshop.list(".") == Names{"a.json", "in", "out", "page.html"});
  CHECK(workshop.list("out") == Names{"a.png"});
  const auto json = nlohmann::json::parse(text_of(workshop / "a.json"));
  CHECK(json["stopped"] == true);
  CHECK(json["pictures"].size() == 1);
  CHECK_THAT(text_of(workshop / "page.html"),
             Contains("Stopped after 1 of 2 pictures") && Contains("</html>"));
  CHECK_THAT(outcome.err,
             Contains("1 picture written to out\n") && Contains("stopped after 1 of 2 pictures\n"));
}

}  // namespace
}  // namespace sapnet::apps
