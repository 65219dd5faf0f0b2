#include "apps/common/output_guard.h"

#include <sys/stat.h>
#include <unistd.h>

#include "apps/common/program.h"
#include "engine/files/output_file.h"

namespace sapnet::apps {
namespace {

namespace fs = std::filesystem;

bool is_open_as(const fs::path& file, int descriptor) {
  struct stat named {
  }, opened{};
  return stat(file.c_str(), &named) == 0 && fstat(descriptor, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

}  // namespace

void OutputGuard::reads(const std::string& what, const fs::path& file) {
  read_.emplace(files::resolve(file), what);
}

void OutputGuard::writes(const std::string& what, const fs::path& file) {
  const fs::path target = files::resolve(file);
  if (const auto read = read_.find(target); read != read_.end())
    throw UsageError(what + " would overwrite " + read->second);
  if (const auto [other, fresh] = written_.emplace(target, what); !fresh)
    throw UsageError(other->second + " and " + what + " are the same file");
  if (fs::is_directory(target)) throw UsageError(what + ": is a folder");
  if (fs::exists(target) && !fs::is_regular_file(target)) throw UsageError(what + ": is not a regular file");
  if (is_open_as(target, STDOUT_FILENO) || is_open_as(target, STDERR_FILENO))
    throw UsageError(what + ": is the program's own output");
}

}  // namespace sapnet::apps
