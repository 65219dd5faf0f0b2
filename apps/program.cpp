#include "apps/program.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/output_file.h"

namespace sapnet::apps {
namespace {

struct StopAction {
  std::mutex mutex;
  std::function<void()> action;
};

StopAction& stop_action() {
  static StopAction instance;
  return instance;
}

/// Ctrl-C and its like end the program at once, but for a StopHandler's action, and leave no temporary files.
/// The signals are waited for on a thread of their own, since a handler may not do what that takes.
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
    const std::lock_guard lock(stop_action().mutex);  // to the end: nothing is to follow the action
    if (stop_action().action) {
      stop_action().action();
    } else if (isatty(STDERR_FILENO) == 1) {
      std::fputc('\n', stderr);
    }
    engine::remove_unfinished_files();
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, signal);
    pthread_sigmask(SIG_UNBLOCK, &caught, nullptr);
    raise(signal);
  }).detach();
}

/// One more that would end the program has come while the first is being obeyed; it waits no longer.
bool another_signal() {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  const timespec at_once{};
  return sigtimedwait(&stops, nullptr, &at_once) > 0;
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
  std::signal(SIGXFSZ, SIG_IGN);  // the write itself reports a file that grew too large
  try {
    const int code = body();
    errno = 0;  // a write that failed earlier leaves only the stream's error flag
    const bool flushed = std::fflush(stdout) == 0;
    if (flushed && std::ferror(stdout) == 0) return code;
    const std::string reason = errno == 0 ? "" : ": " + std::generic_category().message(errno);
    complain(("standard output cannot be written" + reason).c_str());
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

StopHandler::StopHandler(std::function<void()> action) {
  const std::lock_guard lock(stop_action().mutex);
  stop_action().action = std::move(action);
}

StopHandler::~StopHandler() {
  const std::lock_guard lock(stop_action().mutex);
  stop_action().action = nullptr;
}

StopRequest::StopRequest(std::function<void()> announce)
    : handler_([this, announce = std::move(announce)] {
        came_ = true;
        announce();
        std::unique_lock lock(mutex_);
        constexpr std::chrono::milliseconds kGlance(100), kEcho(300);
        // timeout(1) signals the program, and then the group that it is in: that is no second request.
        released_.wait_for(lock, kEcho, [this] { return over_; });
        while (another_signal()) {
        }
        while (!released_.wait_for(lock, kGlance, [this] { return over_; }) && !another_signal()) {
        }
      }) {}

void StopRequest::obey() {
  release();
  while (true) pause();
}

void StopRequest::release() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  released_.notify_all();
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
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
