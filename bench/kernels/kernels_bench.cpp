#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/commands.h"
#include "bench/kernels/cases.h"
#include "bench/kernels/cudnn.h"
#include "bench/kernels/timing.h"
#include "bench/kernels/work.h"
#include "bench/machine.h"
#include "bench/measurement.h"
#include "engine/error.h"
#include "engine/execution.h"

namespace sapnet::bench {
namespace {

using engine::Device;
using engine::DType;
using engine::Execution;
using nlohmann::ordered_json;

/// Limits of the machine, measured at the start.
struct Roofs {
  double bytes = 0;
  std::optional<double> flops_fp16, flops_fp32;

  std::optional<double> flops(DType maps) const { return maps == DType::kFloat16 ? flops_fp16 : flops_fp32; }
};

Roofs measure_roofs(const KernelsOptions& options) {
  if (options.device == Device::kCpu)
    return {copy_rate(Device::kCpu), std::nullopt, fma_peak(options.threads)};
  const std::int64_t side = options.small ? 64 : 8192;
  return {copy_rate(Device::kCuda), product_rate(DType::kFloat16, side), product_rate(DType::kFloat32, side)};
}

ordered_json or_null(std::optional<double> value) { return value ? ordered_json(*value) : ordered_json(); }

std::string precision_name(const Execution& execution) {
  return execution.strict ? "fp32 strict" : std::string(to_string(execution.maps));
}

std::string name_of(const Case& what, const Execution& execution) {
  return what.operation_name() + " " + what.pass_name() + ", " + what.shape_name() + ", " +
         precision_name(execution);
}

/// The shape, for peers to create the same maps.
ordered_json shape_of(const Case& what) {
  return {{"n", what.n},
          {"h", what.h},
          {"w", what.w},
          {"in", what.in},
          {"out", what.out},
          {"kernel", what.kernel},
          {"dilation", what.dilation}};
}

class KernelsBench {
 public:
  explicit KernelsBench(const KernelsOptions& options)
      : options_(options), roofs_(measure_roofs(options)), start_(Clock::now()) {}

  /// Times the cases selected by the options.
  void run(const Execution& execution) {
    for (const Case& what : cases()) {
      const std::string name = name_of(what, execution);
      const bool image = what.operation != Operation::kAdam;
      if (name.find(options_.filter) == std::string::npos || (image && what.pixels() > options_.max_pixels))
        continue;
      if (std::chrono::duration<double>(Clock::now() - start_).count() > options_.seconds) {
        ++skipped_;
        continue;
      }
      report_.push_back(measure(options_.small ? small_version(what) : what, execution));
    }
  }

  ordered_json report() const {
    return {{"program", "sapnet-bench kernels"},
            {"device", engine::describe(options_.device)},
            {"cpu", cpu_name()},
            {"threads", options_.threads},
            {"repeat", options_.repeat},
            {"flops_counted", kFlopsCounted},
            {"roofs",
             {{"bytes_per_second", roofs_.bytes},
              {"flops_fp16", or_null(roofs_.flops_fp16)},
              {"flops_fp32", or_null(roofs_.flops_fp32)}}},
            {"skipped", skipped_},
            {"kernels", report_}};
  }

 private:
  using Clock = std::chrono::steady_clock;

  ordered_json measure(const Case& what, const Execution& execution) const {
    const Work work = make_work(what, execution);
    const std::vector<double> seconds = time_sets(execution.device, work.sets, options_.repeat, work.run);
    const double typical_seconds = typical(execution.device, seconds);
    ordered_json entry = {{"operation", what.operation_name()},
                          {"pass", what.pass_name()},
                          {"case", what.shape_name()},
                          {"precision", precision_name(execution)},
                          {"shape", shape_of(what)},
                          {"seconds", summary(seconds)},
                          {"flops", work.cost.flops},
                          {"bytes", work.cost.bytes},
                          {"gflops", work.cost.flops / typical_seconds * 1e-9},
                          {"gbytes_per_second", work.cost.bytes / typical_seconds * 1e-9}};
    std::string line = std::to_string(std::llround(work.cost.flops / typical_seconds * 1e-9)) + " GFLOP/s";
    if (const auto flops = roofs_.flops(execution.maps)) {
      const double by_bytes = work.cost.bytes / roofs_.bytes, by_flops = work.cost.flops / *flops;
      const double percent = 100 * std::max(by_bytes, by_flops) / typical_seconds;
      entry["percent_of_roofline"] = percent;
      entry["bound"] = by_bytes > by_flops ? "memory" : "arithmetic";
      line += ", " + std::to_string(std::llround(percent)) + " % of the roofline (" +
              std::string(entry["bound"]) + ")";
    }
    entry["largest_error"] = or_null(error(what, execution));
    if (execution.device == Device::kCuda && work.peer.problem.out_channels > 0) {
      entry["peer"] = measure_peer(work.peer);
      if (entry["peer"].contains("seconds")) {
        const double peer = entry["peer"]["seconds"]["median"];
        entry["times_faster"] = peer / typical_seconds;
        line += ", " + std::to_string(peer / typical_seconds).substr(0, 5) + " times as fast as cuDNN";
      }
    }
    print_line(name_of(what, execution), seconds, line);
    return entry;
  }

  static std::optional<double> error(const Case& what, const Execution& execution) {
    const Work small = make_work(small_version(what), execution);
    return small.expected ? std::optional(largest_error(small)) : std::nullopt;
  }

  ordered_json measure_peer(const Convolution& convolution) const {
    ordered_json peer;
    if (const std::string reason = cudnn::unavailable_reason(); !reason.empty())
      return {{"name", "cuDNN"}, {"not_measured", reason}};
    try {
      peer["name"] = cudnn::name();
      peer["what"] = std::string("convolution") + (convolution.bias ? ", bias" : "") +
                     (convolution.relu ? ", ReLU" : "") +
                     (convolution.more_bytes > 0 ? ", and a copy for each extra pass over maps" : "");
      const std::vector<double> seconds = cudnn::time_convolution(convolution, options_.repeat, peer);
      peer["seconds"] = summary(seconds);
    } catch (const Error& error) {
      peer["not_measured"] = error.what();
    }
    return peer;
  }

  KernelsOptions options_;
  Roofs roofs_;
  Clock::time_point start_;
  int skipped_ = 0;
  ordered_json report_ = ordered_json::array();
};

}  // namespace

void bench_kernels(KernelsOptions options) {
  engine::set_threads(options.threads);
  const bool cuda = options.device == Device::kCuda;
  // On a CPU the largest images take minutes and add no information.
  constexpr std::int64_t kMaxPixelsOfCpu = 200'000;
  if (options.max_pixels == 0)
    options.max_pixels = cuda ? std::numeric_limits<std::int64_t>::max() : kMaxPixelsOfCpu;
  KernelsBench bench(options);
  if (cuda) bench.run({.device = Device::kCuda, .maps = DType::kFloat16});
  bench.run({.device = options.device, .strict = options.strict});
  std::cout << bench.report().dump(1) << '\n';
}

}  // namespace sapnet::bench
