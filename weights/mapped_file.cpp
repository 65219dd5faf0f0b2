#include "weights/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/error.h"

namespace sapnet::weights {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // do not block on a pipe
  if (descriptor < 0) throw Error(file.string() + ": cannot be opened: " + reason(errno));

  std::string fault;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    fault = "cannot be read: " + reason(errno);
  } else if (!S_ISREG(status.st_mode)) {
    fault = S_ISDIR(status.st_mode) ? "is a folder, not a weight file" : "is not a regular file";
  } else if (status.st_size > 0) {
    size_ = static_cast<std::size_t>(status.st_size);
    void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED)
      fault = "cannot be read: " + reason(errno);
    else
      address_ = mapped;
  }
  ::close(descriptor);  // the mapping remains valid
  if (!fault.empty()) throw Error(file.string() + ": " + fault);
}

MappedFile::~MappedFile() {
  if (address_) ::munmap(address_, size_);
}

}  // namespace sapnet::weights
