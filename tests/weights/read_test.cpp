// Reading of valid files: small ones made by make_fixtures.py, and published ones.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/source_dir.h"
#include "tests/temp_folder.h"
#include "tests/weights/files.h"
#include "weights/weight_file.h"

using namespace sapnet;
using Shape = std::vector<std::int64_t>;
using Values = std::vector<float>;

namespace {

engine::Parameters read(const std::string& name, std::string_view prefix = "") {
  return weights::read_weights(tests::bytes_of(tests::fixture(name)), name, prefix);
}

std::string message_of(const std::filesystem::path& file) {
  try {
    (void)weights::read_weights(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every format gives the same weights under the same names", "[weights]") {
  const auto name =
      GENERATE(as<std::string>(), "zip.pth", "legacy.pth", "legacy_old.pth", "module_prefix.pth",
               "parameter.pth", "checkpoint.pth", "checkpoint_legacy.pth", "module_prefix.safetensors");
  CAPTURE(name);
  const engine::Parameters parameters = read(name);
  REQUIRE(parameters.all().size() == 2);
  CHECK(parameters.all()[0].name == "conv.weight");
  Values expected(24);
  for (std::size_t i = 0; i < 24; ++i) expected[i] = static_cast<float>(i) / 8 - 1;
  CHECK(parameters.get("conv.weight", Shape{2, 3, 2, 2}).values == expected);
  CHECK(parameters.get("conv.bias", Shape{2}).values == Values{0.5f, -0.25f});
}

TEST_CASE("every number format becomes fp32", "[weights]") {
  const auto name = GENERATE(as<std::string>(), "types.pth", "types_legacy.pth", "types.safetensors");
  const bool torch = name != "types.safetensors";
  CAPTURE(name);
  const engine::Parameters parameters = read(name);
  for (const char* type : {"float64", "float16", "bfloat16", "int64", "int32", "int16", "int8"}) {
    CAPTURE(type);
    CHECK(parameters.get(type, Shape{3}).values == Values{-2, 0, 3});
  }
  for (const char* type : {"uint8", "uint16", "uint32", "uint64"}) {
    CAPTURE(type);
    if (torch && std::strcmp(type, "uint8") != 0) continue;  // PyTorch 1.13 has no others
    CHECK(parameters.get(type, Shape{3}).values == Values{0, 7, 255});
  }
  CHECK(parameters.get("bool", Shape{3}).values == Values{1, 0, 1});
  if (torch) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    CHECK(parameters.get("half_special", Shape{5}).values ==
          Values{0x1p-24f, 1023 * 0x1p-24f, 65504, kInfinity, -0x1p-14f});
    CHECK(parameters.get("double_special", Shape{4}).values == Values{kInfinity, -kInfinity, 0, 0.1f});
  } else {
    CHECK(parameters.get("scalar", Shape{}).values == Values{7});
    CHECK(parameters.get("empty", Shape{0, 3}).values.empty());
  }
}

TEST_CASE("views of a shared storage are gathered in row-major order", "[weights]") {
  const engine::Parameters parameters = read(GENERATE(as<std::string>(), "views.pth", "views_legacy.pth"));
  CHECK(parameters.get("base", Shape{24}).values[23] == 23);
  const Values& transposed = parameters.get("transposed", Shape{6, 4}).values;
  for (std::size_t row = 0; row < 6; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      CHECK(transposed[row * 4 + column] == static_cast<float>(column * 6 + row));
  CHECK(parameters.get("window", Shape{2, 3}).values == Values{8, 9, 10, 14, 15, 16});
  CHECK(parameters.get("every_third", Shape{8}).values == Values{1, 4, 7, 10, 13, 16, 19, 22});
  CHECK(parameters.get("expanded", Shape{2, 3}).values == Values(6, 5.0f));
  CHECK(parameters.get("one_row", Shape{1, 6}).values == Values{12, 13, 14, 15, 16, 17});
  CHECK(parameters.get("scalar", Shape{}).values == Values{7});
  CHECK(parameters.get("empty", Shape{0, 3}).values.empty());
}

TEST_CASE("a prefix picks tensors and leaves the rest of the file alone", "[weights]") {
  for (const char* name : {"zip.pth", "legacy.pth", "module_prefix.safetensors"}) {
    CAPTURE(name);
    const engine::Parameters parameters = read(name, "conv.b");
    REQUIRE(parameters.all().size() == 1);
    CHECK(parameters.get("conv.bias", Shape{2}).values == Values{0.5f, -0.25f});
  }
  // The checksum of an unused storage is not computed.
  std::string damaged = tests::fixture("zip.pth");
  const float second = 1.0f / 8 - 1;
  const std::size_t at = damaged.find(std::string(reinterpret_cast<const char*>(&second), sizeof(second)));
  REQUIRE(at != std::string::npos);
  damaged[at] ^= 1;
  CHECK(tests::error_of(damaged) == "FILE: its entry 'zip/data/0' is damaged (wrong checksum)");
  CHECK(weights::read_weights(tests::bytes_of(damaged), "FILE", "conv.bias").all().size() == 1);
}

TEST_CASE("other files are refused with the reason", "[weights]") {
  const tests::TempFolder folder;
  CHECK(message_of(folder / "none.pth") ==
        (folder / "none.pth").string() + ": cannot be opened: No such file or directory");
  CHECK(message_of(folder / ".") == (folder / ".").string() + ": is a folder, not a weight file");
  CHECK(message_of("/dev/null") == "/dev/null: is not a regular file");
  const std::string source = tests::source_dir() / "CMakeLists.txt";
  CHECK(message_of(source) == source + ": is not a weight file (neither safetensors nor PyTorch)");
  CHECK(tests::error_of("") == "FILE: is not a weight file (neither safetensors nor PyTorch)");
}

// Sums and first and last values of the first and the last tensor, computed with PyTorch 1.13.
TEST_CASE("published files give the same values as in PyTorch", "[weights]") {
  struct Facts {
    const char* file;
    std::size_t tensors, values;
    double sum, squares;
    const char* first;
    float first_front, first_back;
    const char* last;
    float last_front, last_back;
  };
  const Facts facts = GENERATE(
      Facts{"lpips_vgg_linear_v0.1.pth", 5, 1472, 131.85550854727626, 19.140523553866103,
            "lin0.model.1.weight", 0x1.9a83c4p-5f, 0x1.1a50dcp-5f, "lin4.model.1.weight", 0x1.5da34cp-5f,
            0x1.dda498p-5f},
      Facts{"prenet_rain100H.pth", 32, 168963, -931.996935331984, 4512.32299659284, "conv0.0.weight",
            -0x1.0b986ep-4f, -0x1.6d06c6p-4f, "conv.0.bias", -0x1.808182p-10f, -0x1.64b1eap-10f},
      Facts{"prenet_rain100L.pth", 32, 168963, -695.1019890623993, 1985.964592559489, "conv0.0.weight",
            0x1.4295acp-6f, -0x1.4b22a8p-6f, "conv.0.bias", -0x1.55b53p-9f, -0x1.4a6e72p-9f},
      Facts{"sapnet_published_2021-09-12.pth", 62, 180483, -710.0283470311011, 20573.451858845285,
            "conv0.0.weight", -0x1.e5b0d4p-6f, -0x1.ed1a96p-4f, "conv.0.bias", -0x1.ff98d4p-7f,
            -0x1.23e612p-6f},
      Facts{"sapnet_published_2021-11-27.pth", 62, 180483, -5.096036193062332, 971.1769542582273,
            "conv0.0.weight", 0x1.28d2b8p-4f, 0x1.50ef64p-4f, "conv.0.bias", 0x1.e37edcp-7f, 0x1.01edfcp-8f},
      Facts{"sapnet_stopgap.safetensors", 62, 180483, -2088.2952369492873, 4243.241158843685,
            "conv0.0.weight", 0x1.21582cp-3f, -0x1.81731ep-6f, "conv.0.bias", -0x1.62b6c2p-9f,
            -0x1.e01a3cp-9f},
      Facts{"vgg16_conv1_1_to_conv2_2.safetensors", 8, 260160, -36.65536702061652, 245383.76763287865,
            "features.0.weight", 0x1.c07cecp+4f, -0x1.e6ad9ap+3f, "features.7.bias", -0x1.06cp-4f,
            0x1.19ap-2f});
  const std::filesystem::path file = tests::source_dir() / "../shared/weights" / facts.file;
  if (!std::filesystem::exists(file)) {
    WARN("skipped: " << file.string() << " is not there");
    return;
  }
  CAPTURE(facts.file);
  const engine::Parameters parameters = weights::read_weights(file);
  REQUIRE(parameters.all().size() == facts.tensors);
  std::size_t values = 0;
  double sum = 0, squares = 0;
  for (const engine::Parameter& parameter : parameters.all())
    for (const float value : parameter.values) {
      ++values;
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
  CHECK(values == facts.values);
  // Doubles added in another order than PyTorch's.
  CHECK(sum == Approx(facts.sum).epsilon(0).margin(1e-8));
  CHECK(squares == Approx(facts.squares).epsilon(1e-12));
  const engine::Parameter& first = parameters.all().front();
  const engine::Parameter& last = parameters.all().back();
  CHECK(first.name == facts.first);
  CHECK(first.values.front() == facts.first_front);
  CHECK(first.values.back() == facts.first_back);
  CHECK(last.name == facts.last);
  CHECK(last.values.front() == facts.last_front);
  CHECK(last.values.back() == facts.last_back);
}

TEST_CASE("the default weights are SAPNet's", "[weights]") {
  const engine::Parameters parameters =
      weights::read_weights(tests::source_dir() / "weights/sapnet.safetensors");
  CHECK(parameters.all().size() == 62);
  CHECK(parameters.get("conv0.0.weight", Shape{32, 6, 3, 3}).values.size() == 1728);
  std::size_t values = 0;
  for (const engine::Parameter& parameter : parameters.all()) {
    values += parameter.values.size();
    CHECK(std::ranges::all_of(parameter.values, [](float value) { return std::isfinite(value); }));
  }
  CHECK(values == 180'483);
}
