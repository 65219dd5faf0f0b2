#include "engine/buffer.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "engine/error.h"
#include "tests/catch.h"

namespace sapnet::engine {
namespace {

using Catch::Contains;

TEST_CASE("buffers are aligned, even empty ones", "[buffer]") {
  for (const std::size_t bytes : {0U, 1U, 17U, 100'000U}) {
    const Buffer buffer(bytes, Device::kCpu);
    CHECK(buffer.bytes() == bytes);
    CHECK(buffer.data() != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
  }
}

TEST_CASE("a buffer's memory is reused by the next of about its size", "[buffer]") {
  release_pool(Device::kCpu);
  const MemoryReport before = memory_report(Device::kCpu);
  const void* first = nullptr;
  {
    Buffer buffer(4000, Device::kCpu);
    first = buffer.data();
    const Buffer moved = std::move(buffer);
    CHECK(moved.data() == first);
    CHECK(memory_report(Device::kCpu).in_use == before.in_use + 4032);  // rounded up to multiples of 64 bytes
  }
  CHECK(memory_report(Device::kCpu).in_use == before.in_use);
  CHECK(memory_report(Device::kCpu).pooled == 4032);
  CHECK(Buffer(3600, Device::kCpu).data() == first);
  {
    const Buffer small(2000, Device::kCpu);  // a 4000-byte block would waste half of itself
    CHECK(memory_report(Device::kCpu).in_use == before.in_use + 2048);
  }
  release_pool(Device::kCpu);
  CHECK(memory_report(Device::kCpu).pooled == 0);
}

TEST_CASE("memory left behind by another size is returned to the system", "[buffer]") {
  release_pool(Device::kCpu);
  for (std::size_t size = 1'000'000; size > 10'000; size = size * 7 / 10) {
    const Buffer first(size, Device::kCpu), second(size, Device::kCpu), third(size, Device::kCpu);
    const MemoryReport report = memory_report(Device::kCpu);
    CHECK(report.pooled <= report.in_use);
  }
  release_pool(Device::kCpu);
}

TEST_CASE("pooled memory counts as available", "[buffer]") {
  release_pool(Device::kCpu);
  const std::size_t free = available_memory(Device::kCpu), size = free / 8;
  { const Buffer not_written_to(size, Device::kCpu); }  // never touched, so it used no physical memory
  CHECK(memory_report(Device::kCpu).pooled >= size);
  CHECK(available_memory(Device::kCpu) > free + size / 2);
  release_pool(Device::kCpu);
}

TEST_CASE("bytes are printed in mebibytes, rounded up", "[buffer]") {
  CHECK(mebibytes(0) == "0 MiB");
  CHECK(mebibytes(1) == "1 MiB");
  CHECK(mebibytes(5U << 20U) == "5 MiB");
  CHECK(mebibytes((5U << 20U) + 1) == "6 MiB");
  CHECK(mebibytes(static_cast<std::size_t>(-1)) == "17592186044416 MiB");
}

TEST_CASE("a private pool does not share its memory", "[buffer]") {
  release_pool(Device::kCpu);
  const PrivatePool pool(Device::kCpu);
  const void* inside = nullptr;
  {
    const PrivatePool::Scope scope(pool);
    inside = Buffer(4000, Device::kCpu).data();
    CHECK(Buffer(4000, Device::kCpu).data() == inside);
  }
  const Buffer outside(4000, Device::kCpu);
  CHECK(outside.data() != inside);
  const PrivatePool::Scope scope(pool);
  CHECK(Buffer(4000, Device::kCpu).data() == inside);
}

TEST_CASE("a private pool keeps its memory until an allocation fails", "[buffer]") {
  release_pool(Device::kCpu);
  const PrivatePool pool(Device::kCpu);
  {
    const PrivatePool::Scope scope(pool);
    { const Buffer large(1'000'000, Device::kCpu); }
    const Buffer small(1000, Device::kCpu);
    CHECK(memory_report(Device::kCpu).pooled >= 1'000'000);
  }
  CHECK_THROWS_WITH(Buffer(std::size_t{1} << 60U, Device::kCpu),
                    "out of memory: requested 1099511627776 MiB");
  CHECK(memory_report(Device::kCpu).pooled == 0);
}

TEST_CASE("requesting more memory than available throws", "[buffer]") {
  constexpr auto kMost = static_cast<std::size_t>(-1);
  CHECK_THROWS_WITH(Buffer(kMost, Device::kCpu), Contains("out of memory"));

  std::ifstream file("/proc/meminfo");
  std::string word;
  std::size_t total = 0, available = 0;
  while (file >> word) {
    if (word == "MemTotal:") file >> total;
    if (word == "MemAvailable:") file >> available;
  }
  REQUIRE(available > 0);
  // Between available and total memory: Linux itself would grant this.
  const std::size_t kibibytes = available + (total - available) / 2;
  CHECK_THROWS_WITH(Buffer(kibibytes * 1024, Device::kCpu),
                    Contains("out of memory: requested ") && Contains(" MiB"));
  // The pool still works.
  CHECK_NOTHROW(Buffer(1000, Device::kCpu));
}

}  // namespace
}  // namespace sapnet::engine
