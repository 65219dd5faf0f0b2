#include "bench/machine.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "bench/kernels/maps.h"
#include "bench/measurement.h"
#include "engine/error.h"
#include "engine/ops/op.h"
#include "engine/tensor.h"
#include "kernels/matmul/matmul.h"
#include "kernels/parallel.h"

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

double copy_rate(engine::Device device) {
  constexpr std::int64_t kCopied = 64 << 20;  // floats: 256 MiB, larger than any cache
  const engine::Shape shape{1, 1, 1, kCopied};
  const engine::Tensor from = MapMaker(device).map(shape);
  engine::Tensor to(shape, device);
  const auto copy = [&] {
    if (device == engine::Device::kCuda) return engine::copy(from, to);
    constexpr std::int64_t kPart = 1 << 16;
    kernels::parallel_for(kCopied / kPart, [&](std::int64_t part) {
      std::memcpy(to.data() + part * kPart, from.data() + part * kPart, kPart * sizeof(float));
    });
  };
  return 2.0 * kCopied * sizeof(float) / typical(device, time(device, 10, copy));
}

std::optional<double> product_rate(engine::DType dtype, std::int64_t side) {
  std::optional<double> rate;
  engine::dispatch(
      engine::Device::kCuda, [](const auto& /*context*/) {},
      [&](const auto& context) {
        if (!kernels::cuda::has_matmul()) return;
        const engine::Shape shape{1, 1, side, side};
        MapMaker make(engine::Device::kCuda);
        const engine::Tensor a = make.map(shape, dtype), b = make.map(shape, dtype);
        engine::Tensor c(shape, engine::Device::kCuda, dtype);
        const double seconds = median(time(engine::Device::kCuda, 5, [&] {
          visit_dtype(dtype, [&]<class T>(T) {
            matmul(context, kernels::MatmulProblem{side, side, side}, a.data<T>(), b.data<T>(), c.data<T>());
          });
        }));
        rate = 2 * std::pow(static_cast<double>(side), 3) / seconds;
      });
  return rate;
}

}  // namespace sapnet::bench
