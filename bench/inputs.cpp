#include "bench/inputs.h"

#include <bit>
#include <fstream>
#include <random>
#include <string>

#include "engine/error.h"

namespace sapnet::bench {

static_assert(std::endian::native == std::endian::little, "the raw files of --input are little-endian");

namespace {

std::vector<float> noise(std::size_t count) {
  std::minstd_rand engine(1);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(engine);
  return values;
}

}  // namespace

std::vector<float> read_input(const std::optional<std::filesystem::path>& file, std::size_t count) {
  if (!file) return noise(count);
  std::ifstream stream(*file, std::ios::binary | std::ios::ate);
  if (!stream) throw Error(file->string() + ": cannot be read");
  const auto bytes = static_cast<std::streamsize>(count * sizeof(float));
  if (stream.tellg() != bytes)
    throw Error(file->string() + ": has " + std::to_string(stream.tellg()) +
                " bytes, but the size requires " + std::to_string(bytes));
  std::vector<float> values(count);
  stream.seekg(0);
  if (!stream.read(reinterpret_cast<char*>(values.data()), bytes))
    throw Error(file->string() + ": cannot be read");
  return values;
}

void write_output(const std::filesystem::path& file, const engine::Tensor& tensor) {
  const std::vector<float> values = engine::to_vector(tensor);
  std::ofstream stream(file, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
  stream.close();
  if (!stream) throw Error(file.string() + ": cannot be written");
}

}  // namespace sapnet::bench
