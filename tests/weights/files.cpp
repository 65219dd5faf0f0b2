#include "tests/weights/files.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "engine/error.h"
#include "tests/source_dir.h"
#include "weights/weight_file.h"

namespace sapnet::tests {
namespace {

const std::filesystem::path kFixtures = source_dir() / "tests/weights/fixtures";

std::string pickled_integer(std::uint64_t number) { return "\x8a\x08" + little_endian(number, 8); }

std::string pickled_tuple(const std::vector<std::uint64_t>& numbers) {
  std::string text = "(";
  for (const std::uint64_t number : numbers) text += pickled_integer(number);
  return text + "t";
}

constexpr std::uint64_t kSeeZip64 = 0xffffffff;

// Fields of both local and directory entries: checksum, both sizes, the lengths of name and extra field.
std::string zip_facts(const std::string& data, std::uint64_t size, std::size_t name, std::size_t extra) {
  const auto crc =
      ::crc32(0, reinterpret_cast<const unsigned char*>(data.data()), static_cast<uInt>(data.size()));
  return little_endian(crc, 4) + little_endian(size, 4) + little_endian(size, 4) + little_endian(name, 2) +
         little_endian(extra, 2);
}

}  // namespace

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string fixture(const std::string& name) { return contents(kFixtures / name); }

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string little_endian(std::uint64_t number, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) text += static_cast<char>(number >> (8 * i) & 255);
  return text;
}

std::string safetensors_of(std::string_view header, std::string_view data) {
  return little_endian(header.size(), 8).append(header).append(data);
}

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string file, directory;
  for (const auto& [name, data] : entries) {
    directory += zip_directory_entry(name, data, file.size());
    file += zip_entry(name, data);
  }
  return file + directory + zip_end(entries.size(), file.size(), file.size() + directory.size());
}

std::string zip_entry(const std::string& name, const std::string& data) {
  return "PK\x03\x04" + std::string(10, '\0') + zip_facts(data, data.size(), name.size(), 0) + name + data;
}

std::string zip_directory_entry(const std::string& name, const std::string& data, std::uint64_t position,
                                ZipNumbers numbers) {
  const bool wide = numbers == ZipNumbers::kZip64;
  const std::string extra = little_endian(0xcafe, 2) + little_endian(3, 2) + "any" + little_endian(1, 2) +
                            little_endian(24, 2) + little_endian(data.size(), 8) +
                            little_endian(data.size(), 8) + little_endian(position, 8);
  return "PK\x01\x02" + std::string(12, '\0') +
         zip_facts(data, wide ? kSeeZip64 : data.size(), name.size(), wide ? extra.size() : 0) +
         std::string(10, '\0') + little_endian(wide ? kSeeZip64 : position, 4) + name + (wide ? extra : "");
}

std::string zip_end(std::uint64_t entry_count, std::uint64_t directory, std::uint64_t end,
                    ZipNumbers numbers) {
  const auto record = [&](std::uint64_t count, std::uint64_t size, std::uint64_t position) {
    return "PK\x05\x06" + little_endian(0, 4) + little_endian(count, 2) + little_endian(count, 2) +
           little_endian(size, 4) + little_endian(position, 4) + little_endian(0, 2);
  };
  if (numbers == ZipNumbers::kPlain) return record(entry_count, end - directory, directory);
  return "PK\x06\x06" + little_endian(44, 8) + std::string(12, '\0') + little_endian(entry_count, 8) +
         little_endian(entry_count, 8) + little_endian(end - directory, 8) + little_endian(directory, 8) +  //
         "PK\x06\x07" + little_endian(0, 4) + little_endian(end, 8) + little_endian(1, 4) +
         record(0xffff, kSeeZip64, kSeeZip64);
}

std::string pickled_text(std::string_view text) { return "X" + little_endian(text.size(), 4).append(text); }

std::string pickle_of(std::string_view instructions) {
  return std::string("\x80\x02").append(instructions).append(".");
}

std::string pickled_storage(std::string_view key, std::uint64_t count) {
  return "(" + pickled_text("storage") + "ctorch\nFloatStorage\n" + pickled_text(key) + pickled_text("cpu") +
         pickled_integer(count) + "tQ";
}

std::string pickled_tensor(std::string_view storage, std::uint64_t offset,
                           const std::vector<std::uint64_t>& shape,
                           const std::vector<std::uint64_t>& strides) {
  return std::string("ctorch._utils\n_rebuild_tensor_v2\n(").append(storage) + pickled_integer(offset) +
         pickled_tuple(shape) + pickled_tuple(strides) + "\x89}tR";
}

std::string pickled_dict(std::string_view name, std::string_view tensor) {
  return "}" + pickled_text(name).append(tensor) + "s";
}

std::string legacy_of(std::string_view instructions, const std::vector<std::string>& keys,
                      std::string_view storages) {
  std::string list = "](";
  for (const std::string& key : keys) list += pickled_text(key);
  return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + pickle_of("M\xe9\x03") +
         pickle_of(pickled_dict("little_endian", "\x88")) + pickle_of(instructions) +
         pickle_of(list + "e").append(storages);
}

std::string error_of(std::string_view file) {
  try {
    (void)weights::read_weights(bytes_of(file), "FILE");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool identical(const engine::Parameters& a, const engine::Parameters& b) {
  return std::ranges::equal(a.all(), b.all(), [](const engine::Parameter& p, const engine::Parameter& q) {
    return p.name == q.name && p.shape == q.shape && p.values.size() == q.values.size() &&
           (p.values.empty() ||
            std::memcmp(p.values.data(), q.values.data(), p.values.size() * sizeof(float)) == 0);
  });
}

}  // namespace sapnet::tests
