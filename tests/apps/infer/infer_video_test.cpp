// sapnet-infer as a filter of raw video frames.

#include "tests/apps/program_folder.h"
#include "tests/catch.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;

TEST_CASE("sapnet-infer derains raw video frames", "[infer]") {
  const ProgramFolder temp;
  constexpr int kWidth = 20, kHeight = 12;
  write_streaks(temp / "in/a.png", kWidth, kHeight);
  const auto image = train::read_image(temp / "in/a.png");
  const auto frame = bytes_of(image);
  const std::string raw(frame.begin(), frame.end());
  write_text(temp / "frames.rgb", raw + raw + raw);
  const std::string infer = "$INFER --weights '" + kWeights.string() + "' --video 20x12 ";

  const auto outcome = temp.shell(infer + "--verbose <frames.rgb");
  CHECK(outcome.exit_code == 0);
  const auto bytes = derained(image, 6, train::Rounding::kNearest);
  const std::string expected(bytes.begin(), bytes.end());
  CHECK((outcome.out == expected + expected + expected));
  CHECK_THAT(outcome.err, Contains("device       cpu") && Contains("peak memory"));
  const auto truncated = derained(image, 3, train::Rounding::kTruncate);
  CHECK((temp.shell("head -c 720 frames.rgb | " + infer + "--rounding truncate --stages 3").out ==
         std::string(truncated.begin(), truncated.end())));

  const auto partial = temp.shell("head -c 800 frames.rgb | " + infer);
  CHECK(partial.exit_code == 1);
  CHECK((partial.out == expected));
  CHECK_THAT(partial.err, Contains("standard input ends within frame 2: 80 of 720 bytes"));
  const auto empty = temp.shell(infer + "</dev/null");
  CHECK(empty.exit_code == 1);
  CHECK_THAT(empty.err, Contains("standard input contains no frame"));
  const auto left = temp.shell("( yes | " + infer + "; echo exit $? >&2 ) | head -c 100 >/dev/null");
  CHECK(left.err == "exit 0\n");
  if (fs::exists("/dev/full")) {
    CHECK_THAT(temp.shell(infer + "<frames.rgb >/dev/full").err,
               Contains("cannot write to standard output: No space left on device"));
  }
}

TEST_CASE("sapnet-infer works in an ffmpeg pipe", "[infer]") {
  if (std::system("command -v ffmpeg >/dev/null") != 0) {
    WARN("skipped: ffmpeg is not installed");
    return;
  }
  const ProgramFolder temp;
  const auto outcome = temp.shell(
      "ffmpeg -v error -f lavfi -i testsrc=size=32x24:rate=5:duration=1 -f rawvideo -pix_fmt rgb24 - | "
      "$INFER --video 32x24 --weights '" +
      kWeights.string() +
      "' | ffmpeg -v error -f rawvideo -pix_fmt rgb24 -s 32x24 -r 5 -i - out.mkv && "
      "ffmpeg -v error -i out.mkv -f rawvideo -pix_fmt rgb24 - | wc -c");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.err, !Contains("rror"));  // progress, on a slow machine
  CHECK(std::stoi("0" + outcome.out) == 5 * 32 * 24 * 3);
}

}  // namespace
}  // namespace sapnet::apps
