#include "train/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "model/network.h"
#include "model/resnet.h"
#include "train/data/rain_mix.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
template <class Key>
using Weights = std::vector<std::pair<Key, double>>;

struct Range {
  double min, max;
};
constexpr double kMany = 1e9;
struct AnyFile {};
struct Fraction {};  // at least 0 and less than 1
constexpr double kAny = std::numeric_limits<double>::infinity();
constexpr std::array<std::string_view, 2> kNormalizations = {"imagenet", "none"};
constexpr std::array<std::string_view, 2> kStatistics = {"running", "batch"};
/// Former names of settings, still read from old files and checkpoints, and their names now.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFormerNames = {
    {{"distance_weight", "lpips_weight"},
     {"validation_pictures", "validation_images"},
     {"patches_per_picture", "patches_per_image"}}};
constexpr std::array<std::string_view, 2> kSchedules = {"multi_step", "cosine"};

/// Calls visit(name, member, limits) for every setting, in the order of a written file.
template <class Config, class Visit>
void visit_settings(Config& c, const Visit& visit) {
  visit("network", c.network, std::span<const std::string_view>(model::kNetworks));
  visit("initial_weights", c.initial_weights, AnyFile());
  visit("stages", c.stages, Range{1, model::kMaxStages});
  visit("attention", c.attention, Range{0, 1});
  visit("dilation", c.dilation, Range{0, 1});
  visit("data", c.data, Range{0, kAny});
  visit("validation_data", c.validation_data, Range{0, kAny});
  visit("validation_images", c.validation_images, Range{1, kMany});
  visit("patch", c.patch, Range{1, 4096});
  visit("stride", c.stride, Range{0, kMany});
  visit("patches_per_image", c.patches_per_image, Range{1, 1e6});
  visit("flips", c.flips, Range{0, 1});
  visit("rain", c.rain, std::span<const std::string_view>(kRainKinds));
  visit("weakest_rain", c.weakest_rain, Range{0, 1});
  visit("strongest_rain", c.strongest_rain, Range{0, 1});
  visit("batch", c.batch, Range{1, 4096});
  visit("epochs", c.epochs, Range{1, 1e6});
  visit("learning_rate", c.learning_rate, Range{0, kAny});
  visit("schedule", c.schedule, std::span<const std::string_view>(kSchedules));
  visit("learning_rate_factor", c.learning_rate_factor, Range{0, 1});
  visit("learning_rate_epochs", c.learning_rate_epochs, Range{0, kMany});
  visit("final_learning_rate", c.final_learning_rate, Range{0, kAny});
  visit("warmup_steps", c.warmup_steps, Range{0, kMany});
  visit("stage_epochs", c.stage_epochs, Range{0, kMany});
  visit("ema_decay", c.ema_decay, Fraction());
  visit("ssim_weight", c.ssim_weight, Range{0, kAny});
  visit("charbonnier_weight", c.charbonnier_weight, Range{0, kAny});
  visit("contrast_weight", c.contrast_weight, Range{0, kAny});
  visit("lpips_weight", c.lpips_weight, Range{0, kAny});
  visit("segmentation_weight", c.segmentation_weight, Range{0, kAny});
  visit("contrast_taps", c.contrast_taps, Range{0, kAny});
  visit("contrast_scale", c.contrast_scale, Range{0, kAny});
  visit("input_normalization", c.input_normalization, std::span<const std::string_view>(kNormalizations));
  visit("vgg_weights", c.vgg_weights, AnyFile());
  visit("lpips_weights", c.lpips_weights, AnyFile());
  visit("segmentation_depth", c.segmentation_depth, std::span<const int>(model::Resnet::kDepths));
  visit("segmentation_weights", c.segmentation_weights, AnyFile());
  visit("segmentation_norm", c.segmentation_norm, std::span<const std::string_view>(kStatistics));
  visit("segmentation_from_epoch", c.segmentation_from_epoch, Range{0, kMany});
  visit("focal_gamma", c.focal_gamma, Range{0, 100});
  visit("focal_alpha", c.focal_alpha, Range{0, kAny});
  visit("gradient_clip", c.gradient_clip, Range{0, kAny});
  visit("log_every", c.log_every, Range{1, kMany});
  visit("validate_every", c.validate_every, Range{1, kMany});
  visit("checkpoint_every", c.checkpoint_every, Range{1, kMany});
  visit("seed", c.seed, Range{0, kAny});
}

/// Converts JSON values to settings; error messages start with `subject`.
class Reader {
 public:
  Reader(std::string subject, fs::path folder) : subject_(std::move(subject)), folder_(std::move(folder)) {}

  void read(const Json& json, std::string& value, std::span<const std::string_view> words) const {
    read_one_of(json, value, words, [](std::string_view word) { return std::string(word); });
  }

  void read(const Json& json, int& value, std::span<const int> numbers) const {
    read_one_of(json, value, numbers, [](int number) { return std::to_string(number); });
  }

  void read(const Json& json, fs::path& value, const AnyFile& /*any*/) const {
    if (!json.is_string()) fail("a file name", json);
    const fs::path file = json.get<std::string>();
    value = file.empty() ? file : fs::absolute(folder_ / file).lexically_normal();
  }

  void read(const Json& json, bool& value, const Range& /*any*/) const {
    if (!json.is_boolean()) fail("true or false", json);
    value = json.get<bool>();
  }

  void read(const Json& json, int& value, const Range& range) const {
    if (!json.is_number_integer() || !in(range, json.get<double>()))
      fail("a whole number from " + text(range.min) + " to " + text(range.max), json);
    value = json.get<int>();
  }

  void read(const Json& json, std::uint64_t& value, const Range& /*any*/) const {
    if (!json.is_number_unsigned()) fail("a whole number from 0 to 2⁶⁴ - 1", json);
    value = json.get<std::uint64_t>();
  }

  void read(const Json& json, double& value, const Range& range) const {
    if (!json.is_number() || !in(range, json.get<double>()) || !std::isfinite(json.get<double>())) {
      fail(range.max == kAny ? "a number of at least " + text(range.min)
                             : "a number from " + text(range.min) + " to " + text(range.max),
           json);
    }
    value = json.get<double>();
  }

  void read(const Json& json, double& value, const Fraction& /*any*/) const {
    if (!json.is_number() || !(json.get<double>() >= 0 && json.get<double>() < 1))
      fail("a number of at least 0 and less than 1", json);
    value = json.get<double>();
  }

  template <class Number>
  void read(const Json& json, std::vector<Number>& value, const Range& range) const {
    if (!json.is_array()) fail("a list such as [30, 50, 80]", json);
    std::vector<Number> numbers;
    for (const Json& number : json) read(number, numbers.emplace_back(), range);
    value = numbers;
  }

  void read(const Json& json, Weights<fs::path>& value, const Range& range) const {
    read_weights(json, value, range, R"(folders with weights, such as {"photos": 1})", "each folder",
                 [&](const std::string& name) { return fs::absolute(folder_ / name).lexically_normal(); });
  }

  void read(const Json& json, Weights<std::string>& value, std::span<const std::string_view> kinds) const {
    read_weights(json, value, Range{0, kAny}, R"(kinds with weights, such as {"soft": 1})", "each kind",
                 [&](const std::string& name) {
                   std::string kind;
                   read(Json(name), kind, kinds);
                   return kind;
                 });
    if (value.empty()) fail(R"(at least one kind with a weight, such as {"soft": 1})", json);
  }

 private:
  template <class Key, class KeyOf>
  void read_weights(const Json& json, Weights<Key>& value, const Range& range, const std::string& wanted,
                    const std::string& each, const KeyOf& key_of) const {
    if (!json.is_object()) fail(wanted, json);
    value.clear();
    for (const auto& [name, weight] : json.items()) {
      value.emplace_back(key_of(name), 0);
      read(weight, value.back().second, range);
      if (value.back().second == 0) fail("a weight above 0 for " + each, json);
    }
  }

  template <class Value, class Choice, class Text>
  void read_one_of(const Json& json, Value& value, std::span<const Choice> choices,
                   const Text& text_of) const {
    std::string names;
    for (const Choice& choice : choices) {
      if (json == choice) {
        value = choice;
        return;
      }
      names += (names.empty() ? "" : " or ") + text_of(choice);
    }
    fail(names, json);
  }

  static bool in(const Range& range, double value) { return value >= range.min && value <= range.max; }

  static std::string text(double value) {
    std::ostringstream stream;
    stream << std::setprecision(10) << value;
    return stream.str();
  }

  [[noreturn]] void fail(const std::string& wanted, const Json& json) const {
    throw Error(subject_ + " must be " + wanted + ", not " + json.dump());
  }

  std::string subject_;
  fs::path folder_;
};

template <class T>
Json written(const T& value) {
  return value;
}

Json written(const fs::path& file) { return file.string(); }

template <class Key>
Json written(const Weights<Key>& weights) {
  Json json = Json::object();
  for (const auto& [key, weight] : weights) json[fs::path(key).string()] = weight;
  return json;
}

void apply(TrainConfig& config, const std::string& name, const Json& json, const std::string& source,
           const fs::path& folder) {
  const auto* const former =
      std::ranges::find(kFormerNames, name, &std::pair<std::string_view, std::string_view>::first);
  const std::string_view current = former == kFormerNames.end() ? std::string_view(name) : former->second;
  bool found = false;
  std::string names;
  visit_settings(config, [&](const std::string& known, auto& value, const auto& limits) {
    names += (names.empty() ? "" : ", ") + known;
    if (known != current) return;
    found = true;
    Reader(source + ": " + name, folder).read(json, value, limits);
  });
  if (!found) throw Error(source + ": unknown setting '" + name + "'; the settings are " + names);
}

void check_together(const TrainConfig& config, const std::string& source) {
  if (config.network != model::kSapnet && !(config.attention && config.dilation))
    throw Error(source + ": only SAPNet has attention and dilation; a " + config.network +
                " needs both set to true");
  if (config.contrast_taps.size() != 4)
    throw Error(source + ": contrast_taps must be four numbers, such as [0.03125, 0.0625, 0.125, 0.25]");
  if (config.stage_epochs.size() >= static_cast<std::size_t>(config.stages))
    throw Error(source + ": stage_epochs must have fewer entries than there are stages (" +
                std::to_string(config.stages) + "), not " + std::to_string(config.stage_epochs.size()));
  if (config.weakest_rain > config.strongest_rain) {
    throw Error(source + ": weakest_rain, " + written(config.weakest_rain).dump() +
                ", is above strongest_rain, " + written(config.strongest_rain).dump());
  }
}

}  // namespace

TrainConfig read_config(const fs::path& file) {
  if (fs::is_directory(file)) throw Error(file.string() + ": is a folder, not a settings file");
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw Error(file.string() + ": cannot be read");
  TrainConfig config;
  apply_config(config, text, file.string(), file.parent_path());
  return config;
}

void apply_config(TrainConfig& config, const std::string& text, const std::string& name,
                  const fs::path& folder) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    const std::string what = error.what();  // "[json.exception…] parse error at line 3, column 7: …"
    const auto place = what.find("at line");
    throw Error(name + ": is not valid JSON" + (place == std::string::npos ? "" : " " + what.substr(place)));
  }
  if (!json.is_object()) throw Error(name + R"(: must be an object of settings, such as {"epochs": 100})");
  for (const auto& [setting, value] : json.items()) apply(config, setting, value, name, folder);
  check_together(config, name);
}

void apply_settings(TrainConfig& config, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    const std::string source = "--set " + setting;
    if (equals == std::string::npos || equals == 0)
      throw Error(source + ": must be NAME=VALUE, such as epochs=20");
    const std::string text = setting.substr(equals + 1);
    Json value = Json::parse(text, nullptr, false);
    if (value.is_discarded()) value = text;
    const std::string name = setting.substr(0, setting.find_last_not_of(' ', equals - 1) + 1);
    apply(config, name, value, source, fs::current_path());
  }
  check_together(config, "--set");
}

std::string to_json(const TrainConfig& config) {
  Json json = Json::object();
  visit_settings(config, [&](const char* name, const auto& value, const auto& /*limits*/) {
    json[name] = written(value);
  });
  return json.dump(2) + "\n";
}

}  // namespace sapnet::train
