#include <algorithm>
#include <numeric>
#include <thread>

#include "tests/cuda_emulator/core/sanitizers.h"
#include "tests/cuda_emulator/core/worker.h"

namespace sapnet::cuda_emulator {
namespace {

std::uint64_t blocks_of(dim3 grid) { return std::uint64_t{grid.x} * grid.y * grid.z; }

int worker_count(const Launch& launch, const Schedule& schedule) {
  // ThreadSanitizer tracks each CUDA thread separately and finds races without running any two in parallel.
  if (kThreadSanitizer || launch.cooperative) return 1;
  const int wanted =
      schedule.workers > 0 ? schedule.workers : static_cast<int>(std::thread::hardware_concurrency());
  return static_cast<int>(
      std::clamp<std::uint64_t>(blocks_of(launch.grid), 1, static_cast<std::uint64_t>(std::max(wanted, 1))));
}

/// A random step coprime to the number of blocks, so that it reaches every block.
std::uint64_t random_step(std::uint64_t blocks, std::uint64_t seed) {
  std::uint64_t step = seed % blocks + 1;
  while (std::gcd(step, blocks) != 1) ++step;
  return step;
}

}  // namespace

std::string run_grid(const Launch& launch, const Schedule& schedule) {
  // Kept with their stacks for the next launch; never destroyed, since destructors of static objects may
  // launch kernels.
  static auto* const workers = new std::vector<std::unique_ptr<Worker>>;
  static std::uint64_t launches = 0;

  const std::uint64_t blocks = blocks_of(launch.grid);
  std::uint64_t seed = (schedule.seed + ++launches) * 0x9e3779b97f4a7c15U | 1U;  // anything but 0
  Grid grid{launch, schedule, blocks, 0, 1};
  if (schedule.order == Schedule::Order::kReverse) {
    grid.first = grid.step = blocks - 1;
  } else if (schedule.order == Schedule::Order::kRandom) {
    grid.first = seed % blocks;
    grid.step = random_step(blocks, seed >> 20U);
  }

  const auto count = static_cast<std::size_t>(worker_count(launch, schedule));
  while (workers->size() < count) workers->push_back(std::make_unique<Worker>());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < count; ++i)
    threads.emplace_back([&grid, i, seed] { (*workers)[i]->run(grid, seed + 2 * i); });
  (*workers)[0]->run(grid, seed);
  for (std::thread& thread : threads) thread.join();

  for (std::size_t i = 0; i < count; ++i)
    if (!(*workers)[i]->failure().empty()) return (*workers)[i]->failure();
  return "";
}

}  // namespace sapnet::cuda_emulator
