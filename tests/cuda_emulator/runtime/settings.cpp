// Settings from the environment and from tests.
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "tests/cuda_emulator/runtime/runtime.h"

namespace sapnet::cuda_emulator {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

[[noreturn]] void refuse(const char* name, const char* allowed) {
  throw std::invalid_argument(std::string(name) + " is \"" + std::string(environment(name)) +
                              "\"; it can be " + allowed);
}

template <class T>
bool read_number(std::string_view text, T& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

void read_count(const char* name, int& count) {
  if (!environment(name).empty() && (!read_number(environment(name), count) || count < 1))
    refuse(name, "a number from 1");
}

Schedule schedule_of_environment() {
  constexpr const char* kName = "SAPNET_EMULATOR_SCHEDULE";
  constexpr std::string_view kRandomSeed = "random:";
  Schedule schedule;
  const std::string_view order = environment(kName);
  if (order == "reverse") {
    schedule.order = Schedule::Order::kReverse;
  } else if (order == "random" || order.starts_with(kRandomSeed)) {
    schedule.order = Schedule::Order::kRandom;
    if (order != "random" && !read_number(order.substr(kRandomSeed.size()), schedule.seed))
      refuse(kName, "random:SEED with a number");
  } else if (!order.empty() && order != "forward") {
    refuse(kName, "forward, reverse, random or random:SEED");
  }
  read_count("SAPNET_EMULATOR_RESIDENT", schedule.resident_blocks);
  read_count("SAPNET_EMULATOR_WORKERS", schedule.workers);
  return schedule;
}

Device device_of_environment() {
  constexpr const char* kName = "SAPNET_EMULATOR_DEVICE";
  Device device;
  const std::string_view pretend = environment(kName);
  if (pretend == "none") {
    device.gpus = 0;
  } else if (pretend == "driver") {
    device.driver_version = 12040;
  } else if (pretend == "old") {
    device.major = 7;
    device.minor = 5;
  } else if (pretend == "full") {
    device.memory_bytes = 0;
  } else if (pretend == "two") {
    device.gpus = 2;
  } else if (pretend == "without_cublas") {
    device.cublas = false;
  } else if (!pretend.empty()) {
    refuse(kName, "none, driver, old, full, two or without_cublas");
  }
  return device;
}

}  // namespace

Runtime& runtime() {
  // Never destroyed: destructors of static objects may still call CUDA.
  static auto* const only = [] {
    auto* const made = new Runtime;
    made->schedule = schedule_of_environment();
    made->device = device_of_environment();
    return made;
  }();
  return *only;
}

Schedule schedule() {
  const std::lock_guard alone(runtime().mutex);
  return runtime().schedule;
}

void set_schedule(const Schedule& schedule) {
  const std::lock_guard alone(runtime().mutex);
  runtime().schedule = schedule;
}

Device device() {
  const std::lock_guard alone(runtime().mutex);
  return runtime().device;
}

void set_device(const Device& device) {
  const std::lock_guard alone(runtime().mutex);
  runtime().device = device;
  runtime().fault = cudaSuccess;
}

Live live() {
  const std::lock_guard alone(runtime().mutex);
  Live live;
  for (const auto& [address, block] : runtime().memory)
    ++(block.on_device ? live.device_blocks : live.host_blocks);
  for (const auto& [handle, stream] : runtime().streams) live.streams += !stream->destroyed;
  live.events = runtime().events.size();
  live.graphs = runtime().graphs.size() + runtime().executables.size();
  return live;
}

void clean_up() {
  const std::lock_guard alone(runtime().mutex);
  runtime().fault = cudaSuccess;
  for (const auto& [handle, stream] : runtime().streams) stream->capture = nullptr;
  static_cast<void>(run_all());
  cudaGetLastError();
}

}  // namespace sapnet::cuda_emulator
