#include "apps/program.h"

#include <pthread.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <thread>

#include "engine/output_file.h"

namespace sapnet::apps {
namespace {

/// Ctrl-C and its like end the program at once, but leave no temporary files. The signals are waited for
/// on a thread of their own, since a handler may not do what removing them takes.
void clean_up_on_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, signal);  // as nohup asks
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every later thread
  std::thread([signals] {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    engine::remove_unfinished_files();
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, signal);
    pthread_sigmask(SIG_UNBLOCK, &caught, nullptr);
    raise(signal);
  }).detach();
}

/// OpenMP's threads spin while they wait, which on a busy machine takes many times longer than the work
/// itself. OpenMP reads the setting before main() only, so the program starts once more with it.
void let_idle_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 0);
  execv("/proc/self/exe", argv);
}

}  // namespace

int run_program(const std::string& name, char** argv, const std::function<int()>& body) {
  const auto complain = [&](const char* sentence) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: error: %s\n", name.c_str(), sentence);
  };
  let_idle_threads_sleep(argv);
  clean_up_on_signals();
  try {
    return body();
  } catch (const UsageError& error) {
    complain(error.what());
    std::fprintf(stderr, "Try '%s --help'.\n", name.c_str());
    return 2;
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return 1;
}

bool parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

std::filesystem::path default_weights() {
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  const auto prefix = program.parent_path().parent_path();
  const auto installed = prefix / "share/sapnet/sapnet.safetensors";
  if (std::filesystem::exists(installed)) return installed;
  // build/bin lies two folders below the source tree's root, and a preset's build/NAME/bin three.
  for (const auto& root : {prefix.parent_path(), prefix.parent_path().parent_path()}) {
    const auto built = root / "weights/sapnet.safetensors";
    if (std::filesystem::exists(built)) return built;
  }
  throw Error(program.string() + ": finds no default weights, which belong at " + installed.string() +
              "; name a file with --weights");
}

}  // namespace sapnet::apps
