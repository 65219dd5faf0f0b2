// One page with the curves of several training runs.
#pragma once

#include <filesystem>
#include <vector>

namespace sapnet::apps {

/// Reads metrics.csv of each run's folder and writes the page, whole or not at all. Throws Error naming the
/// file, when a run has no rows yet or the page cannot be written.
void compare_runs(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& page);

}  // namespace sapnet::apps
