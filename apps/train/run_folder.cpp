#include "apps/train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "apps/common/program.h"

namespace sapnet::apps {

namespace fs = std::filesystem;

RunFolder::RunFolder(const fs::path& folder) : folder_(folder) {
  std::error_code error;
  created_ = fs::create_directories(folder, error);
  if (error) throw Error(folder.string() + ": cannot create the folder (" + error.message() + ")");
  descriptor_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A process that was just killed may hold its lock until its memory is freed.
  constexpr int kTries = 20;
  for (int k = 0; k < kTries; ++k) {
    // Train without a lock if the file system does not support it.
    if (descriptor_ < 0 || flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  close(descriptor_);
  throw UsageError(folder.string() + ": another sapnet-train is using this folder");
}

RunFolder::~RunFolder() {
  std::error_code not_empty;
  if (created_) fs::remove(folder_, not_empty);
  if (descriptor_ >= 0) close(descriptor_);
}

void RunFolder::refuse_to_overwrite() const {
  for (const char* name :
       {"config.json", "metrics.csv", "report.html", "weights.safetensors", "best.safetensors"}) {
    if (fs::exists(folder_ / name)) {
      throw UsageError((folder_ / name).string() +
                       ": already exists; use --resume to continue that run, or specify another folder");
    }
  }
}

}  // namespace sapnet::apps
