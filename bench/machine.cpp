#include "bench/machine.h"

#include <fstream>
#include <sstream>

#include "engine/error.h"

namespace sapnet::bench {

std::size_t process_memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with(field + ":")) continue;
    std::istringstream rest(line.substr(field.size() + 1));
    std::size_t kibibytes = 0;
    if (rest >> kibibytes) return kibibytes * 1024;
  }
  throw Error("/proc/self/status: has no field " + field);
}

std::string cpu_name() {
  std::ifstream information("/proc/cpuinfo");
  std::string line;
  while (std::getline(information, line))
    if (line.starts_with("model name") && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

}  // namespace sapnet::bench
