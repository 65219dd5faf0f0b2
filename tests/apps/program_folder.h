// For whole-program tests: a temporary folder to run programs in, and expected results.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

#include "engine/tensor.h"
#include "model/network.h"
#include "tests/catch.h"
#include "tests/images.h"
#include "tests/source_dir.h"
#include "tests/temp_folder.h"
#include "train/image/image.h"
#include "weights/weight_file.h"

namespace sapnet::apps {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

inline const fs::path kPrograms = fs::read_symlink("/proc/self/exe").parent_path();  // next to this program
inline const fs::path kWeights = tests::source_dir() / "weights/sapnet.safetensors";
using tests::kImages;

inline std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_text(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

/// A temporary folder to run programs in, with inputs in in/.
class ProgramFolder : public tests::TempFolder {
 public:
  ProgramFolder() { fs::create_directory(*this / "in"); }

  /// Copies images of make_images.py into in/.
  void take(std::initializer_list<const char*> names) const {
    for (const char* name : names) fs::copy_file(kImages / name, path() / "in" / name);
  }

  /// Runs a shell command in the folder; $INFER is sapnet-infer, $RAIN sapnet-rain, $TRAIN sapnet-train. All
  /// GPUs, real or emulated, are hidden, so that the CPU is used.
  Outcome shell(const std::string& command) const {
    return shell_with_gpu("export CUDA_VISIBLE_DEVICES= SAPNET_EMULATOR_DEVICE=none; " + command);
  }

  /// The same with the machine's GPU visible.
  Outcome shell_with_gpu(const std::string& command) const {
    const std::string whole =
        "cd '" + path().string() + "' && export INFER='" + (kPrograms / "sapnet-infer").string() +
        "' RAIN='" + (kPrograms / "sapnet-rain").string() + "' TRAIN='" +
        (kPrograms / "sapnet-train").string() + "' && ( " + command + " ) >.stdout 2>.stderr </dev/null";
    const int status = std::system(whole.c_str());
    Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(path() / ".stdout"),
                    text_of(path() / ".stderr")};
    UNSCOPED_INFO(command << "\nexit " << outcome.exit_code << "\nstderr: " << outcome.err);
    return outcome;
  }

  /// Runs sapnet-infer with explicit default weights.
  Outcome infer(const std::string& arguments) const {
    return shell("$INFER --weights '" + kWeights.string() + "' " + arguments);
  }

  /// Names of the files in a folder, including hidden ones, without the output of shell().
  std::vector<std::string> list(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path() / folder)) {
      const std::string name = entry.path().filename().string();
      if (name != ".stdout" && name != ".stderr") names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
  }
};

using Names = std::vector<std::string>;

/// The output of the network for an image, computed with the libraries.
inline std::vector<float> derained_values(const train::Image& image, int stages, bool strict = false) {
  const auto network = model::make_network(weights::read_weights(kWeights), {.strict = strict});
  const auto rainy = engine::from_host(image.rgb, {1, image.height, image.width, 3}, engine::Device::kCpu);
  std::vector<float> values(image.rgb.size());
  engine::to_host(network->forward(rainy, stages), values);
  return values;
}

/// The bytes that the program must write for an image.
inline Bytes derained(const train::Image& image, int stages, train::Rounding rounding, bool strict = false) {
  return train::to_bytes(derained_values(image, stages, strict), rounding);
}

inline Bytes bytes_of(const train::Image& image) {
  return train::to_bytes(image.rgb, train::Rounding::kNearest);
}

/// Writes a smooth image with streaks, whose results do not depend on rounding errors.
inline void write_streaks(const fs::path& file, int width, int height) {
  Bytes rgb;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int streak = (x + y / 4) % 7 == 0 ? 80 : 0;
      for (int c = 0; c < 3; ++c)
        rgb.push_back(static_cast<std::uint8_t>(40 + (x * 3 + y * 2 + c * 20) % 120 + streak));
    }
  }
  train::write_image(file, rgb, width, height, 3, 95);
}

}  // namespace sapnet::apps
