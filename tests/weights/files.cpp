#include "tests/weights/files.h"

#include <stdlib.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "engine/error.h"
#include "weights/weight_file.h"

namespace sapnet::tests {
namespace {

const std::filesystem::path kFixtures = SAPNET_SOURCE_DIR "/tests/weights/fixtures";

std::string pickled_integer(std::uint64_t number) { return "\x8a\x08" + little(number, 8); }

std::string pickled_tuple(const std::vector<std::uint64_t>& numbers) {
  std::string text = "(";
  for (const std::uint64_t number : numbers) text += pickled_integer(number);
  return text + "t";
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

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sapnet-weights-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder for the test");
  folder_ = name;
}

ScratchFolder::~ScratchFolder() { std::filesystem::remove_all(folder_); }

std::size_t ScratchFolder::file_count() const {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
}

std::string little(std::uint64_t number, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) text += static_cast<char>(number >> (8 * i) & 255);
  return text;
}

std::string safetensors_of(std::string_view header, std::string_view data) {
  return little(header.size(), 8).append(header).append(data);
}

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string file, directory;
  for (const auto& [name, data] : entries) {
    const auto crc =
        ::crc32(0, reinterpret_cast<const unsigned char*>(data.data()), static_cast<uInt>(data.size()));
    const std::string facts = little(0, 8) + little(crc, 4) + little(data.size(), 4) +
                              little(data.size(), 4) + little(name.size(), 2) + little(0, 2);
    directory += "PK\x01\x02" + little(0, 4) + facts + std::string(10, '\0') + little(file.size(), 4) + name;
    file += "PK\x03\x04" + little(0, 2) + facts + name + data;
  }
  return file + directory + "PK\x05\x06" + little(0, 4) + little(entries.size(), 2) +
         little(entries.size(), 2) + little(directory.size(), 4) + little(file.size(), 4) + little(0, 2);
}

std::string pickled_text(std::string_view text) { return "X" + little(text.size(), 4).append(text); }

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

std::string fault_of(std::string_view file) {
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
