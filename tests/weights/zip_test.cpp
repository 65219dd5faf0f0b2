// Hand-made zip archives: valid and malicious ones.

#include "tests/catch.h"
#include "tests/weights/files.h"
#include "weights/weight_file.h"

using namespace sapnet::tests;

namespace {

const std::string kFourFloats =
    little_endian(0x3f800000, 4) + little_endian(0x40000000, 4) + std::string(8, '\0');  // 1, 2, 0, 0
const std::string kPickle =
    pickle_of(pickled_dict("w", pickled_tensor(pickled_storage("0", 4), 0, {4}, {1})));

/// The four floats, with zip64 in the directory, in its end, or in both.
std::string archive(ZipNumbers line, ZipNumbers end) {
  const std::string code = zip_entry("x/data.pkl", kPickle), data = zip_entry("x/data/0", kFourFloats);
  const std::string directory = zip_directory_entry("x/data.pkl", kPickle, 0, line) +
                                zip_directory_entry("x/data/0", kFourFloats, code.size(), line);
  const std::size_t position = code.size() + data.size();
  return code + data + directory + zip_end(2, position, position + directory.size(), end);
}

}  // namespace

TEST_CASE("zip64 archives are read, wherever the large numbers are", "[weights]") {
  const auto line = GENERATE(ZipNumbers::kPlain, ZipNumbers::kZip64);
  const auto end = GENERATE(ZipNumbers::kPlain, ZipNumbers::kZip64);
  const std::string file = archive(line, end);
  const auto parameters = sapnet::weights::read_weights(bytes_of(file), "FILE");
  CHECK(parameters.get("w", std::vector<std::int64_t>{4}).values == std::vector<float>{1, 2, 0, 0});
}

TEST_CASE("hostile zip64 archives", "[weights]") {
  const std::string file = archive(ZipNumbers::kZip64, ZipNumbers::kZip64);
  const auto with = [&](std::size_t at, const std::string& bytes) {
    std::string changed = file;
    return error_of(changed.replace(at, bytes.size(), bytes));
  };
  const std::size_t end = file.find("PK\x06\x06"), locator = file.find("PK\x06\x07");
  CHECK(with(end, "none") == "FILE: its zip64 directory is damaged");
  CHECK_THAT(with(locator + 8, little_endian(~0ull, 8)),
             Catch::StartsWith("FILE: the file points to byte 18446744073709551615"));
  CHECK(with(end + 32, little_endian(1ull << 60, 8)) == "FILE: its zip directory does not fit the file");
  CHECK(with(end + 40, little_endian(~0ull, 8)) == "FILE: its zip directory does not fit the file");

  const std::size_t extra = file.find(little_endian(1, 2) + little_endian(24, 2));
  CHECK_THAT(with(extra + 2, little_endian(8, 2)), Catch::StartsWith("FILE: the file is truncated"));
  CHECK_THAT(with(extra + 4, little_endian(~0ull, 8) + little_endian(~0ull, 8)),
             Catch::StartsWith("FILE: the file is truncated: 18446744073709551615 bytes wanted"));
  CHECK_THAT(with(extra + 20, little_endian(~0ull, 8)),
             Catch::StartsWith("FILE: the file points to byte 18446744073709551615"));
}

TEST_CASE("hostile zip archives", "[weights]") {
  const std::pair<std::string, std::string> code{"x/data.pkl", kPickle}, data{"x/data/0", kFourFloats};
  const std::string file = zip_of({code, data});
  CHECK(error_of(file).empty());
  CHECK(error_of(zip_of({code, data, {"x/byteorder", "little"}})).empty());
  CHECK(error_of(zip_of({code, data, {"x/byteorder", "big"}})) ==
        "FILE: was saved on a big-endian machine, which is not supported");

  CHECK(error_of(zip_of({data})) == "FILE: is a zip archive, but not a PyTorch file (it has no data.pkl)");
  CHECK(error_of(zip_of({code, {"y/data.pkl", kPickle}})) == "FILE: has two pickles, in two folders");
  CHECK(error_of(zip_of({code, code, data})) == "FILE: its zip directory lists 'x/data.pkl' twice");
  CHECK(error_of(zip_of({code})) == "FILE: has no entry 'x/data/0'");
  CHECK(error_of(zip_of({code, {"x/data/0", "four"}})) ==
        "FILE: its entry 'x/data/0' has 4 bytes, not 4 elements of 4");
  const std::string large = pickled_tensor(pickled_storage("0", 1ull << 40), 0, {4}, {1});
  CHECK(error_of(zip_of({{"x/data.pkl", pickle_of(pickled_dict("w", large))}, data})) ==
        "FILE: tensor 'w' of shape (4) has a storage larger than the file");
  CHECK(error_of(file.substr(0, file.size() - 1)) ==
        "FILE: is a zip archive without a directory at its end; it is probably truncated");

  const std::size_t directory = file.find("PK\x01\x02"), end = file.find("PK\x05\x06");
  const auto with = [&](std::size_t at, const std::string& bytes) {
    std::string changed = file;
    return error_of(changed.replace(at, bytes.size(), bytes));
  };
  CHECK(with(directory + 8, "\x01") == "FILE: its entry 'x/data.pkl' is encrypted");
  CHECK(
      with(directory + 10, "\x08") ==
      "FILE: its entry 'x/data.pkl' is compressed, which PyTorch never does; save it again with torch.save");
  CHECK(with(directory + 16, "none") == "FILE: its entry 'x/data.pkl' is damaged (wrong checksum)");
  CHECK(with(directory + 20, little_endian(7, 4)) == "FILE: its entry 'x/data.pkl' has two different sizes");
  CHECK_THAT(with(directory + 20, little_endian(0xfffffffe, 4) + little_endian(0xfffffffe, 4)),
             Catch::StartsWith("FILE: the file is truncated: 4294967294 bytes wanted"));
  CHECK_THAT(with(directory + 42, little_endian(0xfffffffe, 4)),
             Catch::StartsWith("FILE: the file points to byte 4294967294"));
  CHECK(with(directory + 42, little_endian(1, 4)) == "FILE: its entry 'x/data.pkl' is damaged");
  CHECK(with(directory, "none") == "FILE: its zip directory is damaged");
  CHECK(with(end + 10, little_endian(0xffff, 2)) == "FILE: its zip directory does not fit the file");
  CHECK(with(end + 12, little_endian(0xfffffffe, 4)) == "FILE: its zip directory does not fit the file");
  CHECK_THAT(with(end + 16, little_endian(0xfffffffe, 4)),
             Catch::StartsWith("FILE: the file points to byte 4294967294"));
}

// One entry inside another: each fits in the file, but many such entries together claim more data than the
// file has.
TEST_CASE("zip entries that share their bytes", "[weights]") {
  const std::string inner(4000, '\0'), outer = zip_entry("xyz/data/1", inner);
  const auto file_with = [&](const std::string& instructions) {
    const std::string pickle = pickle_of(instructions);
    const std::string code = zip_entry("xyz/data.pkl", pickle), data = zip_entry("xyz/data/0", outer);
    const std::size_t position = code.size() + data.size();
    const std::string directory = zip_directory_entry("xyz/data.pkl", pickle, 0) +
                                  zip_directory_entry("xyz/data/0", outer, code.size()) +
                                  zip_directory_entry("xyz/data/1", inner, position - outer.size());
    return code + data + directory + zip_end(3, position, position + directory.size());
  };
  const auto first = [](const std::string& key, const std::string& data) {
    return pickled_tensor(pickled_storage(key, data.size() / 4), 0, {1}, {1});
  };
  REQUIRE(outer.size() % 4 == 0);
  CHECK(error_of(file_with(pickled_dict("a", first("0", outer)))).empty());
  CHECK(error_of(file_with(pickled_dict("b", first("1", inner)))).empty());
  CHECK(error_of(file_with(pickled_dict("a", first("0", outer)) + pickled_text("b") + first("1", inner) +
                           "s")) == "FILE: tensor 'b' of shape (1) has a storage larger than the file");
}
