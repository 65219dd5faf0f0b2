#include "apps/infer/derainer.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <new>

#include "engine/buffer.h"
#include "engine/error.h"
#include "weights/weight_file.h"

namespace sapnet::apps {

namespace {

/// The number of stages in the metadata; 0 if absent.
int trained_stages(const std::filesystem::path& file) {
  const std::string text = weights::read_metadata_entry(file, "stages");
  int stages = 0;
  std::from_chars(text.data(), text.data() + text.size(), stages);
  return stages >= 1 && stages <= model::kMaxStages ? stages : 0;
}

}  // namespace

Derainer::Derainer(const InferOptions& options) : weights_(options.weights), stages_(options.stages) {
  if (options.threads > 0) engine::set_threads(options.threads);
  chosen_ = choose_network(weights::read_weights(weights_), options,
                           weights::read_metadata_entry(weights_, "dilation") != "off");
  if (stages_ == 0) stages_ = trained_stages(weights_);
  if (stages_ == 0) stages_ = model::kStages;
}

std::vector<float> Derainer::derain(std::span<const float> rgb, int width, int height) const {
  const std::string size = std::to_string(width) + "x" + std::to_string(height) + " pixels";
  try {
    std::vector<float> result(rgb.size());  // allocated first, so that the network sees the remaining memory
    const auto rainy = engine::from_host(rgb, {1, height, width, 3}, device());
    const auto derained = chosen_.network->forward(rainy, stages_);
    engine::to_host(derained, result);
    return result;
  } catch (const std::bad_alloc&) {
    throw Error("not enough memory for " + size);
  } catch (const Error& error) {
    throw Error("cannot derain " + size + ": " + error.what());
  }
}

std::string Derainer::describe() const {
  return "device       " + engine::describe(device()) + ", " + std::string(engine::to_string(precision())) +
         "\nnetwork      " + network() + ", " + std::to_string(stages_) + " stages\nweights      " +
         weights_.string();
}

std::string Derainer::describe_memory() const {
  std::array<char, 64> line;
  const engine::MemoryReport report = engine::memory_report(device());
  std::snprintf(line.data(), line.size(), "peak memory  %.1f MiB",
                static_cast<double>(report.peak) / (1 << 20));
  std::string text = line.data();
  for (std::size_t k = 0; k < report.graphs.size(); ++k)
    text += (k == 0 ? "\nCUDA graphs  " : ", ") + engine::mebibytes(report.graphs[k]);
  return text;
}

}  // namespace sapnet::apps
