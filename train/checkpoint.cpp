#include "train/checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "weights/weight_file.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBegin = "checkpoint-", kEnd = ".safetensors";
constexpr const char *kFirst = "adam.first_moments", *kSecond = "adam.second_moments", *kEma = "ema";
constexpr std::size_t kKept = 2;

fs::path file_of(const fs::path& folder, std::int64_t step) {
  std::array<char, 32> number;
  std::snprintf(number.data(), number.size(), "%08lld", static_cast<long long>(step));
  return folder / (std::string(kBegin) + number.data() + std::string(kEnd));
}

/// nullopt unless the text is a number >= 0.
template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
  return value;
}

/// The folder's checkpoints and their steps, newest first.
std::vector<std::pair<std::int64_t, fs::path>> checkpoints(const fs::path& folder) {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) continue;
      const auto digits =
          std::string_view(name).substr(kBegin.size(), name.size() - kBegin.size() - kEnd.size());
      if (const auto step = number<std::int64_t>(digits)) found.emplace_back(*step, entry.path());
    }
  }
  std::ranges::sort(found, std::greater());
  return found;
}

using Metadata = std::map<std::string, std::string>;

/// CRC-32 of everything in a checkpoint except the checksum itself.
std::string checksum(const Metadata& metadata, const engine::Parameters& tensors) {
  uLong crc = crc32(0, nullptr, 0);
  const auto add = [&](const void* data, std::size_t bytes) {
    crc = crc32_z(crc, static_cast<const Bytef*>(data), bytes);
  };
  for (const auto& [key, value] : metadata) {
    add(key.data(), key.size() + 1);
    add(value.data(), value.size() + 1);
  }
  for (const engine::Parameter& tensor : tensors.all()) {
    add(tensor.name.data(), tensor.name.size() + 1);
    add(tensor.shape.data(), std::span(tensor.shape).size_bytes());
    add(tensor.values.data(), std::span(tensor.values).size_bytes());
  }
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "%08lx", crc);
  return text.data();
}

TrainingState read(const fs::path& file) {
  const auto fail = [&](const std::string& message) { throw Error(file.string() + ": " + message); };
  Metadata metadata = weights::read_metadata(file);
  const engine::Parameters tensors = weights::read_weights(file);
  const std::string claimed = std::exchange(metadata["crc32"], {});
  metadata.erase("crc32");
  if (claimed != checksum(metadata, tensors)) fail("is damaged (checksum mismatch)");
  TrainingState state{.parameters = engine::Parameters(file.string()), .config = metadata["config"]};
  std::size_t count = 0;
  for (const engine::Parameter& tensor : tensors.all()) {
    if (tensor.name == kFirst) {
      state.first_moments = tensor.values;
    } else if (tensor.name == kSecond) {
      state.second_moments = tensor.values;
    } else if (tensor.name == kEma) {
      state.ema = tensor.values;
    } else {
      count += tensor.values.size();
      state.parameters.add(tensor);
    }
  }
  const auto step = number<std::int64_t>(metadata["step"]),
             good_steps = number<std::int64_t>(metadata["good_steps"]);
  const auto loss_scale = number<double>(metadata["loss_scale"]);
  if (!step || !loss_scale || !good_steps || state.first_moments.size() != count ||
      state.second_moments.size() != count || (!state.ema.empty() && state.ema.size() != count))
    fail("is not a complete checkpoint");
  state.step = *step;
  state.loss_scale = *loss_scale;
  state.good_steps = *good_steps;
  return state;
}

}  // namespace

void write_checkpoint(const fs::path& folder, const TrainingState& state) {
  engine::Parameters tensors("the training state");
  for (const engine::Parameter& parameter : state.parameters.all()) tensors.add(parameter);
  const auto count = static_cast<std::int64_t>(state.first_moments.size());
  tensors.add({kFirst, {count}, state.first_moments});
  tensors.add({kSecond, {count}, state.second_moments});
  if (!state.ema.empty()) tensors.add({kEma, {count}, state.ema});
  std::array<char, 64> loss_scale;
  std::snprintf(loss_scale.data(), loss_scale.size(), "%.17g", state.loss_scale);
  Metadata metadata = {{"step", std::to_string(state.step)},
                       {"loss_scale", loss_scale.data()},
                       {"good_steps", std::to_string(state.good_steps)},
                       {"config", state.config}};
  metadata["crc32"] = checksum(metadata, tensors);
  weights::write_safetensors(file_of(folder, state.step), tensors, metadata);
  std::size_t kept = 0;
  for (const auto& [other, file] : checkpoints(folder)) {
    if (other <= state.step && kept++ < kKept) continue;
    std::error_code error;
    fs::remove(file, error);  // if this fails, the next checkpoint tries again
  }
}

std::optional<TrainingState> read_checkpoint(const fs::path& folder,
                                             const std::function<void(const std::string&)>& warn) {
  const auto files = checkpoints(folder);
  for (const auto& [step, file] : files) {
    try {
      return read(file);
    } catch (const Error& error) {
      if (file == files.back().second) throw;
      warn(std::string(error.what()) + "; resuming from the previous checkpoint");
    }
  }
  return std::nullopt;
}

}  // namespace sapnet::train
