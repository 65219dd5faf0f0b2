#include "engine/files/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "engine/error.h"

namespace sapnet::files {
namespace {

constexpr std::string_view kInfix = ".tmp-";  // between the file's name and the process ID

[[noreturn]] void fail(const std::filesystem::path& file, int error) {
  throw Error(file.string() + ": cannot be written: " + std::generic_category().message(error));
}

struct Unfinished {
  std::mutex mutex;
  std::set<std::filesystem::path> files;
};

Unfinished& unfinished() {
  static Unfinished instance;
  return instance;
}

/// False if remove_abandoned_files() of another process removed the file before it was locked.
bool is_at(int descriptor, const std::filesystem::path& file) {
  struct stat opened {
  }, named{};
  return fstat(descriptor, &opened) == 0 && stat(file.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

std::filesystem::path resolve(const std::filesystem::path& file) {
  constexpr int kMaxLinks = 40;  // the same limit as Linux
  std::filesystem::path target = file;
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(target, error); ++links) {
    if (links == kMaxLinks) fail(file, ELOOP);
    target = target.parent_path() / std::filesystem::read_symlink(target, error);
    if (error) fail(file, error.value());
  }
  const auto canonical = std::filesystem::weakly_canonical(std::filesystem::absolute(target), error);
  return error ? std::filesystem::absolute(target).lexically_normal() : canonical;
}

void remove_abandoned_files(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto infix = name.rfind(kInfix);
    if (!name.starts_with('.') || infix == std::string::npos || infix + kInfix.size() == name.size() ||
        name.find_first_not_of("0123456789", infix + kInfix.size()) != std::string::npos)
      continue;
    const int descriptor = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) unlink(entry.path().c_str());
    close(descriptor);
  }
}

void remove_unfinished_files() {
  const std::lock_guard lock(unfinished().mutex);
  for (const auto& file : unfinished().files) unlink(file.c_str());
}

OutputFile::OutputFile(std::filesystem::path file) : file_(std::move(file)), target_(resolve(file_)) {
  std::error_code ignored;
  const auto status = std::filesystem::status(target_, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw Error(file_.string() + ": cannot be written: not a regular file");
  }
  temporary_ = target_;
  temporary_.replace_filename(
      std::string(".").append(target_.filename().string()).append(kInfix).append(std::to_string(getpid())));
  do {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(file_, errno);
    flock(descriptor_, LOCK_EX);  // held until this process ends
  } while (!is_at(descriptor_, temporary_));
  const std::lock_guard lock(unfinished().mutex);
  unfinished().files.insert(temporary_);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  const std::lock_guard lock(unfinished().mutex);
  unfinished().files.erase(temporary_);
}

void OutputFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(file_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::finish() {
  if (fsync(descriptor_) != 0) fail(file_, errno);
  const int held = dup(descriptor_);  // keeps the lock until after the rename
  // Network file systems report a full disk only here.
  const bool closed = close(std::exchange(descriptor_, -1)) == 0;
  const bool renamed = closed && std::rename(temporary_.c_str(), target_.c_str()) == 0;
  const int error = errno;
  close(held);
  if (!renamed) fail(file_, error);
  {
    const std::lock_guard lock(unfinished().mutex);
    unfinished().files.erase(std::exchange(temporary_, {}));
  }
  // The rename is durable only once the folder is synced. A file system that cannot sync folders is no error:
  // the contents are safe either way.
  const std::filesystem::path folder = target_.parent_path();
  const int folder_descriptor = open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (folder_descriptor < 0) return;
  fsync(folder_descriptor);
  close(folder_descriptor);
}

void write_file(const std::filesystem::path& file, std::string_view text) {
  OutputFile output(file);
  output.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  output.finish();
}

}  // namespace sapnet::files
