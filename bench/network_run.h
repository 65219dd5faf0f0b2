// What the commands that time a whole network share.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/commands.h"

namespace sapnet::bench {

/// time() of a run, which it adds to the report together with the process's and the tensors' memory and the
/// names of CPU and device.
std::vector<double> measure(const RunOptions& options, const std::function<void()>& run,
                            nlohmann::ordered_json& report);

}  // namespace sapnet::bench
