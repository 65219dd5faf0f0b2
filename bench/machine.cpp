#include "bench/machine.h"

#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "bench/measurement.h"
#include "engine/error.h"
#include "engine/tensor.h"

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

double copy_rate() {
  constexpr std::int64_t kCount = 64 << 20;  // 256 MiB of floats, more than any cache holds
  std::vector<float> values(kCount);
  std::minstd_rand random(1);
  for (float& value : values) value = static_cast<float>(random());
  const engine::Shape shape{1, 1, 1, kCount};
  const engine::Tensor from = engine::from_host(values, shape, engine::Device::kCuda);
  engine::Tensor to(shape, engine::Device::kCuda);
  const double seconds = median(time(engine::Device::kCuda, 10, [&] { engine::copy(from, to); }));
  return 2.0 * kCount * sizeof(float) / seconds;
}

}  // namespace sapnet::bench
