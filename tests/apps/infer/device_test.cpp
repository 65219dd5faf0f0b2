// The choice of the device.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/infer/device_choice.h"
#include "engine/error.h"
#include "tests/apps/program_folder.h"
#include "tests/catch.h"
#include "tests/gpu/have_gpu.h"

namespace sapnet::apps {
namespace {

using Catch::Contains;
using Catch::StartsWith;

/// Adds a number to one value of the image, or fails.
class Faulty final : public model::Network {
 public:
  explicit Faulty(float error, bool fails = false) : error_(error), fails_(fails) {}

  std::string_view name() const override { return "faulty"; }
  engine::Tensor forward(const engine::Tensor& rainy, int /*stages*/) const override {
    if (fails_) throw Error("launching a kernel: no kernel image");
    engine::Tensor result(rainy.shape(), rainy.device());
    engine::copy(rainy, result);
    result.data()[result.shape().count() / 2] += error_;
    return result;
  }
  void pack() override {}
  std::size_t forward_bytes(const engine::Shape& /*rainy*/) const override { return 0; }
  std::size_t training_bytes_per_stage(const engine::Shape& /*rainy*/) const override { return 0; }

 private:
  float error_;
  bool fails_;
};

std::string result_of(const Faulty& candidate) {
  return self_test(candidate, engine::Device::kCpu, Faulty(0));
}

TEST_CASE("a device with wrong results fails the self-test", "[infer]") {
  CHECK(result_of(Faulty(0)).empty());
  CHECK(result_of(Faulty(0.005F)).empty());
  CHECK(result_of(Faulty(-0.25F)) == "its results differ from the CPU's by 0.25");
  CHECK(result_of(Faulty(std::numeric_limits<float>::quiet_NaN())) == "its results contain NaN");
  CHECK(result_of(Faulty(std::numeric_limits<float>::infinity())) ==
        "its results differ from the CPU's by inf");
  CHECK(result_of(Faulty(0, true)) == "launching a kernel: no kernel image");
}

TEST_CASE("sapnet-infer gives the same results on a GPU as on the CPU", "[infer][gpu]") {
  if (!tests::have_gpu()) return;
  const ProgramFolder temp;
  write_streaks(temp / "in/a.png", 23, 18);
  const Bytes expected = derained(train::read_image(temp / "in/a.png"), 2, train::Rounding::kNearest);
  for (const auto& [options, precision] : {std::pair<std::string, std::string>{"", "fp16"},
                                           {"--device cuda", "fp16"},
                                           {"--device cuda --precision fp32", "fp32"}}) {
    CAPTURE(options);
    const auto outcome =
        temp.shell_with_gpu("$INFER in/a.png -o out.png --stages 2 --verbose --json - --weights '" +
                            kWeights.string() + "' " + options);
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.err, StartsWith("device       cuda, ") && Contains(", " + precision + "\n") &&
                                Contains("\npeak memory  ") && !Contains("warning"));
    const auto json = nlohmann::json::parse(outcome.out);
    CHECK(json["device"] == "cuda");
    CHECK(json["precision"] == precision);
    // A value near a rounding boundary may round either way.
    const Bytes written = bytes_of(train::read_image(temp / "out.png"));
    REQUIRE(written.size() == expected.size());
    CHECK(std::ranges::equal(written, expected, [](int a, int b) { return std::abs(a - b) <= 1; }));
  }
}

}  // namespace
}  // namespace sapnet::apps
