// Malicious files: each is rejected with a message that names the file and the problem.

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/weights/files.h"

using namespace sapnet::tests;
using namespace std::string_literals;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

const std::string kStorage = pickled_storage("0", 4);
const std::string kFourFloats(16, '\0');

// A legacy file with one tensor 'w' of one storage of four floats.
std::string legacy_with(const std::string& tensor) {
  return legacy_of(pickled_dict("w", tensor), {"0"}, little_endian(4, 8) + kFourFloats);
}

}  // namespace

TEST_CASE("hostile safetensors", "[weights]") {
  const std::string entry = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  CHECK(error_of(safetensors_of("{\"a\":{" + entry + "}}", "data")).empty());

  CHECK_THAT(error_of(little_endian(~0ull, 8) + "{}"),
             Catch::StartsWith("FILE: its header claims 18446744073709551615 bytes"));
  CHECK_THAT(error_of(little_endian(3, 8) + "{}"),
             Catch::StartsWith("FILE: its header claims 3 bytes; the file has 2"));
  const std::size_t largest = 16 << 20;
  const auto padded = [](std::size_t size) { return safetensors_of("{}" + std::string(size - 2, ' ')); };
  CHECK(error_of(padded(largest)).empty());
  CHECK(error_of(padded(largest + 1)) ==
        "FILE: its header claims 16777217 bytes; the file has 16777217, "
        "and more than 16777216 are not supported");
  CHECK(error_of(safetensors_of("{\"a\":")) == "FILE: its header is not valid JSON");
  CHECK(error_of(safetensors_of("{\"a\":1e999}")) == "FILE: its header is not valid JSON");
  CHECK(error_of(safetensors_of("{\"\xff\":{}}")) == "FILE: its header is not valid JSON");
  CHECK(error_of(safetensors_of("{\"a\":" + std::string(1000000, '['))) ==
        "FILE: its header is nested too deeply");
  CHECK(error_of(safetensors_of("{\"a\":{\"b\":{\"c\":{}}}}")) == "FILE: its header is nested too deeply");
  CHECK(error_of(safetensors_of("{\"a\":{" + entry + "},\"a\":{" + entry + "}}", "data")) ==
        "FILE: its header has 'a' twice");
  CHECK(error_of(safetensors_of("{\"a\":{" + entry + ",\"dtype\":\"F16\"}}", "data")) ==
        "FILE: its header has 'dtype' twice");
  CHECK(error_of(safetensors_of(
            "{\"module.a\":{" + entry + "},\"a\":" + R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
            "datadata")) == "FILE: tensor 'a' appears twice");
  CHECK(error_of(safetensors_of("{\"a\":7}")) == "FILE: tensor 'a' has an invalid description");
  CHECK(error_of(safetensors_of("{\"a\":{}}")) == "FILE: tensor 'a' lacks its dtype");
  CHECK(error_of(safetensors_of(R"({"a":{"dtype":"F32"}})")) ==
        "FILE: tensor 'a' lacks its shape or offsets");
  CHECK(error_of(safetensors_of("{\"\\u001b[2J\":{" + entry + "}}", "data")) ==
        "FILE: the tensor name '\\x1b[2J' has control characters");

  const auto tensor = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return error_of(safetensors_of(
        "{\"a\":{\"dtype\":\"" + type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}}",
        "data"));
  };
  CHECK(tensor("F32", "1", "0,4").empty());
  CHECK(tensor("F8_E4M3", "1", "0,4") == "FILE: tensor 'a' has the type 'F8_E4M3', which is not supported");
  CHECK(tensor("F32", "2", "0,4") == "FILE: tensor 'a' of shape (2) has 4 bytes of data, which do not fit");
  CHECK(tensor("F32", "4611686018427387905", "0,4") ==
        "FILE: tensor 'a' of shape (4611686018427387905) has 4 bytes of data, which do not fit");
  CHECK_THAT(tensor("F32", "4294967296,4294967296,0", "0,0"), Catch::EndsWith("which do not fit"));
  CHECK(tensor("F32", "-1", "0,4") == "FILE: tensor 'a' has a shape or offset that is not a whole number");
  CHECK(tensor("F32", "1.0", "0,4") == "FILE: tensor 'a' has a shape or offset that is not a whole number");
  CHECK(tensor("F32", "1" + repeated(",1", 99), "0,4") == "FILE: tensor 'a' has too many dimensions");
  CHECK(tensor("F32", "1", "4,0") == "FILE: tensor 'a' has damaged offsets");
  CHECK(tensor("F32", "1", "0") == "FILE: tensor 'a' has damaged offsets");
  CHECK(tensor("F32", "1", "9223372036854775803,9223372036854775807") ==
        "FILE: tensor 'a' starts at byte 9223372036854775803 of the data, not at 0");
  CHECK(tensor("F16", "1", "0,2") == "FILE: its tensors take 2 bytes, but the file holds 4");
  CHECK(tensor("F32", "2", "0,8") == "FILE: its tensors take 8 bytes, but the file holds 4");
  CHECK(error_of(safetensors_of("{\"a\":{" + entry + "},\"b\":{" + entry + "}}", "data")) ==
        "FILE: tensor 'b' starts at byte 0 of the data, not at 4");
}

TEST_CASE("hostile pickles", "[weights]") {
  CHECK(error_of(legacy_with(pickled_tensor(kStorage, 0, {2, 2}, {2, 1}))).empty());
  const auto fault = [](const std::string& instructions) {
    return error_of(legacy_of(instructions, {}, ""));
  };

  // Code in a pickle is not executed.
  CHECK_THAT(fault("cos\nsystem\n(" + pickled_text("touch /tmp/x") + "tR"),
             Catch::StartsWith("FILE: its pickle") &&
                 Catch::EndsWith("asks for 'os.system', which no weight file needs; nothing was executed"));
  CHECK_THAT(fault("c\x1b[2J\nx\n"), Catch::Contains("'\\x1b[2J.x'"));
  CHECK_THAT(fault("c" + std::string(100000, 'a')), Catch::EndsWith("has an unterminated name"));
  for (const char instruction : "io\x93\x81\x82P0l\x95S"s)
    CHECK_THAT(fault("}"s + instruction), Catch::Contains("holds the instruction '"));
  CHECK_THAT(fault("}}R"), Catch::EndsWith("calls something that is not callable"));
  CHECK_THAT(fault("K\x01}b"), Catch::EndsWith("gives a state to something that is not a dict"));

  // The stack and the memo.
  for (const char* underflow : {"", "t", "a", "R", "(R", "u", "}s", "\x85", "]("}) {
    CAPTURE(underflow);
    CHECK_THAT(fault(underflow), Catch::EndsWith("pops from an empty stack"));
  }
  CHECK_THAT(fault("h\x05"), Catch::EndsWith("recalls the value 5, which it never stored"));
  CHECK_THAT(fault(std::string(2000000, ']')), Catch::EndsWith("is longer than any weight file needs"));
  CHECK_THAT(fault("X\xff\xff\xff\xff"),
             Catch::StartsWith("FILE: the file is truncated: 4294967295 bytes wanted"));
  CHECK_THAT(fault("\x8a\xff"s + std::string(255, '\0')), Catch::EndsWith("holds an integer of 255 bytes"));
  CHECK_THAT(fault("}K\x01"s + "a"), Catch::EndsWith("appends to something that is not a list"));
  CHECK_THAT(fault("](K\x01u"), Catch::EndsWith("sets items of something that is not a dict"));

  // A list and a dict that contain themselves, and unbounded nesting.
  CHECK_THAT(fault("]q\x01h\x01"s + "a"), Catch::Contains("has no named tensors"));
  CHECK_THAT(fault("}q\x01" + pickled_text("state_dict") + "h\x01s"),
             Catch::Contains("has no named tensors"));
  CHECK_THAT(fault(")" + std::string(500000, '\x85')), Catch::Contains("has no named tensors"));
  // Doubling by reference: a list of a list of a list ... twice each.
  CHECK_THAT(fault("]q\x01" + repeated("h\x01h\x01\x86q\x01", 1000)),
             Catch::Contains("has no named tensors"));
  // One long list, made into a dict again and again.
  const std::string pairs = "](" + repeated("K\x01K\x01\x86", 1000) + "eq\x01";
  CHECK_THAT(fault(pairs + repeated("ccollections\nOrderedDict\nh\x01\x85R", 2000)),
             Catch::EndsWith("is longer than any weight file needs"));
}

TEST_CASE("hostile tensors", "[weights]") {
  const auto tensor = [](std::uint64_t offset, const std::vector<std::uint64_t>& shape,
                         const std::vector<std::uint64_t>& strides) {
    return error_of(legacy_with(pickled_tensor(kStorage, offset, shape, strides)));
  };
  CHECK(tensor(3, {1}, {1}).empty());
  CHECK(tensor(0, {4}, {1}).empty());
  CHECK(tensor(4, {1}, {1}) == "FILE: tensor 'w' of shape (1) does not fit its storage of 4 elements");
  CHECK(tensor(0, {5}, {1}) == "FILE: tensor 'w' of shape (5) does not fit its storage of 4 elements");
  CHECK(tensor(0, {2, 2}, {3, 1}) ==
        "FILE: tensor 'w' of shape (2, 2) does not fit its storage of 4 elements");
  CHECK_THAT(tensor(0, {3}, {1ull << 63}), Catch::EndsWith("has an invalid tensor description"));
  CHECK_THAT(tensor(~0ull, {1}, {1}), Catch::EndsWith("has an invalid tensor description"));
  CHECK_THAT(tensor(0, {~0ull}, {1}), Catch::EndsWith("has an invalid tensor description"));
  CHECK_THAT(tensor(0, {1}, {1, 1}), Catch::EndsWith("has an invalid tensor description"));
  CHECK_THAT(tensor(0, std::vector<std::uint64_t>(33, 1), std::vector<std::uint64_t>(33, 1)),
             Catch::EndsWith("has an invalid tensor description"));
  CHECK_THAT(tensor(0, {3}, {(1ull << 63) - 1}), Catch::Contains("does not fit its storage"));
  CHECK_THAT(tensor((1ull << 63) - 1, {2}, {(1ull << 63) - 1}), Catch::Contains("does not fit its storage"));
  CHECK_THAT(tensor(0, {1ull << 62, 4}, {0, 0}), Catch::EndsWith("is impossibly large"));
  CHECK_THAT(tensor(0, {1ull << 62, 4, 0}, {0, 0, 0}), Catch::EndsWith("is impossibly large"));
  // One element, seen a billion times.
  CHECK(tensor(0, {1000000000}, {0}) ==
        "FILE: tensor 'w' of shape (1000000000) is more than a file of this size can hold");
  // All of a storage, seen a thousand times.
  std::string many = "}" + pickled_text("a") + pickled_tensor(kStorage, 0, {4}, {1}) + "q\x01s";
  for (int i = 0; i < 1000; ++i) many += pickled_text(std::to_string(i)) + "h\x01s";
  CHECK(error_of(legacy_of(many, {"0"}, little_endian(4, 8) + kFourFloats))
            .empty());  // the names alone justify it
  CHECK_THAT(error_of(legacy_of(pickled_dict("a\nb", pickled_tensor(kStorage, 0, {4}, {1})), {"0"},
                                little_endian(4, 8) + kFourFloats)),
             Catch::Contains("'a\\x0ab' has control characters"));
}

TEST_CASE("hostile legacy files", "[weights]") {
  const auto with_storage = [](std::uint64_t claimed, const std::vector<std::string>& keys,
                               const std::string& data) {
    const std::string tensor = pickled_tensor(pickled_storage("0", claimed), 0, {4}, {1});
    return error_of(legacy_of(pickled_dict("w", tensor), keys, data));
  };
  const std::string data = little_endian(4, 8) + kFourFloats;
  CHECK(with_storage(4, {"0"}, data).empty());
  CHECK(with_storage(5, {"0"}, data) == "FILE: the storage '0' has 4 elements where 5 are due");
  const std::uint64_t huge = (1ull << 62) + 4;  // times four bytes, it wraps to 16
  CHECK_THAT(with_storage(huge, {"0"}, little_endian(huge, 8) + kFourFloats),
             Catch::StartsWith("FILE: the storage '0' has"));
  CHECK_THAT(with_storage(4, {"0"}, data.substr(0, 20)), Catch::StartsWith("FILE: the file is truncated"));
  CHECK(with_storage(4, {}, data) == "FILE: lacks the storage '0'");
  CHECK(with_storage(4, {"1"}, data) == "FILE: its list of storages is damaged");
  CHECK(with_storage(4, {"0", "0"}, data + data) == "FILE: holds the storage '0' twice");

  const std::string two_ways = pickled_dict("w", pickled_tensor(kStorage, 0, {4}, {1})) + pickled_text("v") +
                               pickled_tensor(pickled_storage("0", 5), 0, {4}, {1}) + "s";
  CHECK_THAT(error_of(legacy_of(two_ways, {"0"}, data)),
             Catch::EndsWith("describes the storage '0' in two ways"));

  std::string file = legacy_with(pickled_tensor(kStorage, 0, {4}, {1}));
  std::string other_version = file;
  other_version[file.find("M\xe9\x03") + 1] = '\0';
  CHECK(error_of(other_version) == "FILE: has an unknown version of PyTorch's legacy format");
  std::string big_endian = file;
  big_endian[file.find('\x88')] = '\x89';
  CHECK(error_of(big_endian) == "FILE: was saved on a big-endian machine, which is not supported");
}
