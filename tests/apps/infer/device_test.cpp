// The choice of the device.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>

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

TEST_CASE("sapnet-infer --verbose prints the memory of CUDA graphs", "[infer][gpu]") {
  if (!tests::have_gpu()) return;
  const ProgramFolder temp;
  for (const char* name : {"in/a.png", "in/b.png"}) write_streaks(temp / name, 12, 9);
  const std::string infer =
      "$INFER --weights '" + kWeights.string() + "' --stages 1 --device cuda --verbose -o out in";
  CHECK_THAT(temp.shell_with_gpu(infer).err, Contains("\nCUDA graphs  1 MiB\n"));
  CHECK_THAT(temp.shell_with_gpu(infer + "/a.png").err, !Contains("CUDA graphs"));
}

#if __has_include(<emulated_gpu.h>)
TEST_CASE("sapnet-infer uses the GPU of --device cuda:N", "[infer]") {
  const ProgramFolder temp;
  write_streaks(temp / "in/a.png", 12, 9);
  const auto run = [&](const std::string& gpus, const std::string& device) {
    return temp.shell_with_gpu("SAPNET_EMULATOR_DEVICE=" + gpus + " $INFER in/a.png -o out.png --weights '" +
                               kWeights.string() + "' --stages 1 --verbose --device " + device);
  };
  const auto second = run("two", "cuda:1");
  CHECK(second.exit_code == 0);
  CHECK_THAT(second.err, StartsWith("device       cuda, emulated GPU 1, compute capability 9.0, fp16\n"));
  for (const auto& [gpus, device, why] :
       {std::tuple<std::string, std::string, std::string>{"two", "cuda:2", "there are 2 GPUs, 0 to 1"},
        {"", "cuda:1", "the only GPU is number 0"}}) {
    const auto absent = run(gpus, device);
    CHECK(absent.exit_code == 1);
    CHECK(absent.err == "sapnet-infer: error: device " + device + " cannot be used: " + why +
                            "; run with --device cpu or auto\n");
  }
  for (const char* device : {"cuda:", "cuda:-1", "cuda:1x", "cuda1"}) CHECK(run("", device).exit_code == 2);
}

TEST_CASE("sapnet-infer states in one sentence why a GPU cannot be used", "[infer]") {
  const ProgramFolder temp;
  temp.take({"rgb8.png"});
  const auto [gpu, why, warning] = GENERATE(table<std::string, std::string, std::string>({
      {"none", "no NVIDIA GPU was found (or its driver is not installed)", ""},
      {"driver",
       "the NVIDIA driver supports CUDA 12.4, but this build needs CUDA 13.0 (update the driver to version "
       "580 or newer, or build with CUDA 12)",
       "the GPU is not used: "},
      {"old", "emulated GPU, compute capability 7.5, is too old: at least 8.0 is needed",
       "the GPU is not used: "},
      {"full", "out of memory: requested 1 MiB", "cuda, emulated GPU, compute capability 9.0 is not used: "},
  }));
  const std::string infer = "SAPNET_EMULATOR_DEVICE=" + gpu + " $INFER in/rgb8.png -o out.png --weights '" +
                            kWeights.string() + "' --stages 1 ";
  const auto automatic = temp.shell_with_gpu(infer);
  CHECK(automatic.exit_code == 0);
  if (warning.empty())
    CHECK_THAT(automatic.err, !Contains("warning"));
  else
    CHECK_THAT(automatic.err,
               StartsWith("sapnet-infer: warning: " + warning + why + "; running on the CPU\n"));
  const auto cuda = temp.shell_with_gpu(infer + "--device cuda");
  CHECK(cuda.exit_code == 1);
  CHECK(cuda.err ==
        "sapnet-infer: error: " +
            (gpu == "full" ? why : "device cuda cannot be used: " + why + "; run with --device cpu or auto") +
            "\n");
}
#endif

}  // namespace
}  // namespace sapnet::apps
