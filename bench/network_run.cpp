#include "bench/network_run.h"

#include "bench/machine.h"
#include "bench/measurement.h"
#include "engine/buffer.h"
#include "engine/device.h"

namespace sapnet::bench {

std::vector<double> measure(const RunOptions& options, const std::function<void()>& run,
                            nlohmann::ordered_json& report) {
  const std::size_t memory_before = process_memory("VmRSS");
  engine::reset_peak(options.device);
  const std::vector<double> seconds = time(options.device, options.repeat, run);
  report["threads"] = options.threads;
  report["repeat"] = options.repeat;
  report["seconds"] = summary(seconds);
  report["peak_memory_bytes"] = process_memory("VmHWM");
  report["memory_before_bytes"] = memory_before;
  report["tensor_peak_bytes"] = engine::memory_report(options.device).peak;
  report["cpu"] = cpu_name();
  report["device"] = engine::describe(options.device);
  return seconds;
}

}  // namespace sapnet::bench
