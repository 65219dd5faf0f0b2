#include "apps/infer/video.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <future>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "apps/common/progress.h"
#include "engine/error.h"

namespace sapnet::apps {
namespace {

/// Fills `frame` from stdin; returns the number of bytes read, fewer only at the end.
std::size_t read_frame(std::span<std::uint8_t> frame) {
  std::size_t filled = 0;
  while (filled < frame.size()) {
    const ssize_t count = read(STDIN_FILENO, frame.data() + filled, frame.size() - filled);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error("cannot read standard input: " + std::generic_category().message(errno));
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

/// Returns false if stdout was closed.
bool write_frame(std::span<const std::uint8_t> frame) {
  while (!frame.empty()) {
    const ssize_t count = write(STDOUT_FILENO, frame.data(), frame.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EPIPE) return false;
    if (count < 0) throw Error("cannot write to standard output: " + std::generic_category().message(errno));
    frame = frame.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

int run_video(const InferOptions& options, const Derainer& derainer) {
  const auto [width, height] = *options.video;
  if (isatty(STDIN_FILENO) == 1)
    throw Error("--video reads frames from standard input, but that is a terminal; use a pipe");
  if (isatty(STDOUT_FILENO) == 1)
    throw Error("--video writes frames to standard output, but that is a terminal; use a pipe");
  std::signal(SIGPIPE, SIG_IGN);
  if (options.verbose) std::fprintf(stderr, "%s\n", derainer.describe().c_str());

  const auto frame_bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  // Read the next frame and write the last one while this one is derained.
  const auto read_next = [frame_bytes] {
    return std::async(std::launch::async, [frame_bytes] {
      std::vector<std::uint8_t> frame(frame_bytes);
      frame.resize(read_frame(frame));
      return frame;
    });
  };
  Progress progress("frames", 0, {.line_every = 5});
  std::future<bool> written;  // false: stdout was closed
  auto next = read_next();
  for (std::size_t number = 1;; ++number) {
    const std::vector<std::uint8_t> frame = next.get();
    if (frame.empty() && number > 1) break;
    if (frame.empty()) throw Error("standard input contains no frame");
    if (frame.size() < frame_bytes) {
      throw Error("standard input ends within frame " + std::to_string(number) + ": " +
                  std::to_string(frame.size()) + " of " + std::to_string(frame_bytes) +
                  " bytes; is it RGB24, and " + std::to_string(width) + "x" + std::to_string(height) + "?");
    }
    next = read_next();
    std::vector<float> derained = derainer.derain(train::to_floats(frame), width, height);
    if (written.valid() && !written.get()) return 0;
    written = std::async(std::launch::async, [&options, derained = std::move(derained)] {
      return write_frame(train::to_bytes(derained, options.rounding));
    });
    progress.done(number == 1 ? "frame" : "frames");
  }
  if (written.valid()) written.get();
  if (options.verbose) progress.print_error(derainer.describe_memory());
  return 0;
}

}  // namespace sapnet::apps
