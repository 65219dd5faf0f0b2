// A page that compares the curves of several training runs.
#pragma once

#include <filesystem>
#include <vector>

namespace sapnet::apps {

/// Reads the metrics.csv of each run and writes the page atomically. Throws Error, naming the file, if a run
/// has no rows yet or the page cannot be written.
void compare_runs(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& page);

}  // namespace sapnet::apps
