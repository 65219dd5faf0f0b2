#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "tests/cuda_emulator/helpers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <numeric>

namespace sapnet::tests {
namespace {

/// Keeps a failed test from affecting the next ones.
struct CleanUp : Catch::TestEventListenerBase {
  using Catch::TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo& /*info*/) override { cuda_emulator::clean_up(); }
};
CATCH_REGISTER_LISTENER(CleanUp)

}  // namespace

std::vector<cuda_emulator::Schedule> schedules() {
  using Order = cuda_emulator::Schedule::Order;
  std::vector<cuda_emulator::Schedule> result;
  for (const int resident : {1, 3}) {
    for (const int workers : {1, 2}) {
      result.push_back({Order::kForward, 1, resident, workers});
      result.push_back({Order::kReverse, 1, resident, workers});
      for (const unsigned seed : {1U, 2U, 3U}) result.push_back({Order::kRandom, seed, resident, workers});
    }
  }
  return result;
}

Ended in_child(const std::function<void()>& body) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    body();
    _exit(0);
  }
  close(ends[1]);
  Ended ended{};
  char buffer[4096];
  for (ssize_t count = 0; (count = read(ends[0], buffer, sizeof buffer)) > 0;)
    ended.output.append(buffer, static_cast<std::size_t>(count));
  close(ends[0]);
  waitpid(child, &ended.status, 0);
  return ended;
}

Ended run_again(const std::string& tag, const std::string& environment) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string command =
      "env -u SAPNET_EMULATOR_SCHEDULE -u SAPNET_EMULATOR_RESIDENT "
      "-u SAPNET_EMULATOR_WORKERS -u SAPNET_EMULATOR_DEVICE " +
      environment + " '" + program + "' '" + tag + "' 2>&1";
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  Ended ended{};
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) {
    const bool space = c == ' ' || c == '\n';
    if (!space || !ended.output.ends_with(' ')) ended.output += space ? ' ' : static_cast<char>(c);
  }
  ended.status = pclose(pipe);
  return ended;
}

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

}  // namespace sapnet::tests
