#include "apps/common/program.h"

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

#include "engine/files/output_file.h"

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

/// Signals such as Ctrl-C run a StopHandler's action, remove temporary files and end the program. A dedicated
/// thread waits for them, since none of this is allowed in a signal handler.
void clean_up_on_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, signal);  // ignored under nohup
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every later thread
  std::thread([signals] {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    const std::lock_guard lock(stop_action().mutex);  // until the end, so that no other action starts
    if (stop_action().action) {
      stop_action().action();
    } else if (isatty(STDERR_FILENO) == 1) {
      std::fputc('\n', stderr);
    }
    files::remove_unfinished_files();
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, signal);
    pthread_sigmask(SIG_UNBLOCK, &caught, nullptr);
    raise(signal);
  }).detach();
}

/// Whether a further signal is pending; consumes it.
bool another_signal() {
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  const timespec at_once{};
  return sigtimedwait(&stops, nullptr, &at_once) > 0;
}

/// OpenMP threads spin while waiting, which on a busy machine can take many times longer than the work
/// itself. OpenMP reads OMP_WAIT_POLICY before main(), so the program restarts itself after setting it.
void let_idle_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 0);
  execv("/proc/self/exe", argv);
}

}  // namespace

int run_program(const std::string& name, char** argv, const std::function<int()>& body) {
  const auto print_error = [&](const char* sentence) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s: error: %s\n", name.c_str(), sentence);
  };
  let_idle_threads_sleep(argv);
  clean_up_on_signals();
  std::signal(SIGXFSZ, SIG_IGN);  // exceeding the file size limit then fails the write instead
  try {
    const int code = body();
    errno = 0;  // an earlier failed write leaves only the stream's error flag
    const bool flushed = std::fflush(stdout) == 0;
    if (flushed && std::ferror(stdout) == 0) return code;
    const std::string reason = errno == 0 ? "" : ": " + std::generic_category().message(errno);
    print_error(("cannot write to standard output" + reason).c_str());
  } catch (const UsageError& error) {
    print_error(error.what());
    std::fprintf(stderr, "Try '%s --help'.\n", name.c_str());
    return 2;
  } catch (const std::bad_alloc&) {
    print_error("not enough memory");
  } catch (const std::exception& error) {
    print_error(error.what());
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
        requested_ = true;
        announce();
        std::unique_lock lock(mutex_);
        constexpr std::chrono::milliseconds kPoll(100), kGrace(300);
        // timeout(1) signals the program and then its process group; that is not a second request.
        released_.wait_for(lock, kGrace, [this] { return done_; });
        while (another_signal()) {
        }
        while (!released_.wait_for(lock, kPoll, [this] { return done_; }) && !another_signal()) {
        }
      }) {}

void StopRequest::exit_by_signal() {
  release();
  while (true) pause();
}

void StopRequest::release() {
  const std::lock_guard lock(mutex_);
  done_ = true;
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
  // Programs are in build/bin, or in a preset's build/NAME/bin.
  for (const auto& root : {prefix.parent_path(), prefix.parent_path().parent_path()}) {
    const auto built = root / "weights/sapnet.safetensors";
    if (std::filesystem::exists(built)) return built;
  }
  throw Error(program.string() + ": there are no default weights at " + installed.string() +
              "; specify a file with --weights");
}

}  // namespace sapnet::apps
