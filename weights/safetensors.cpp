#include "weights/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"
#include "engine/files/output_file.h"
#include "weights/element_type.h"
#include "weights/state_dict.h"
#include "weights/weight_file.h"

namespace sapnet::weights {
namespace {

using Json = nlohmann::json;

// Enough for a hundred thousand tensors; the format itself allows 100 MB.
constexpr std::uint64_t kLargestHeader = 16 << 20;
constexpr std::uint64_t kLengthSize = 8;
constexpr std::size_t kAlignment = 8;  // of the data, as the format requires

struct Entry {
  std::string name;
  ElementType type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;  // bytes, from the start of the data
};

// The header is an object of objects of arrays, so deeper nesting is rejected early. Repeated keys are
// rejected too; the JSON library would keep the last one.
Json parse_header(std::string_view text, const std::string& source) {
  constexpr int kDeepest = 2;
  std::set<std::string> keys[kDeepest + 1];
  const auto guard = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth > kDeepest) throw Error(source + ": its header is nested too deeply");
    if (event == Json::parse_event_t::object_start) keys[depth].clear();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys[depth - 1].insert(key).second)
        throw Error(source + ": its header has " + in_quotes(key) + " twice");
    }
    return true;
  };
  try {
    return Json::parse(text, guard);
  } catch (const Json::exception&) {
    throw Error(source + ": its header is not valid JSON");
  }
}

std::vector<std::uint64_t> whole_numbers(const Json& array, const std::string& subject) {
  std::vector<std::uint64_t> numbers;
  if (!array.is_array()) throw Error(subject + " lacks its shape or offsets");
  if (array.size() > kMaxDimensions) throw Error(subject + " has too many dimensions");
  for (const Json& number : array) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > INT64_MAX)
      throw Error(subject + " has a shape or offset that is not a whole number");
    numbers.push_back(number.get<std::uint64_t>());
  }
  return numbers;
}

Entry read_entry(const std::string& name, const Json& json, const std::string& source) {
  const std::string subject = source + ": tensor " + in_quotes(name);
  if (!json.is_object()) throw Error(subject + " has an invalid description");
  const auto field = [&](const char* key) { return json.contains(key) ? json[key] : Json(); };

  const Json type_name = field("dtype");
  if (!type_name.is_string()) throw Error(subject + " lacks its dtype");
  const auto type = from_safetensors_name(type_name.get_ref<const std::string&>());
  if (!type)
    throw Error(subject + " has the type " + in_quotes(type_name.get_ref<const std::string&>()) +
                ", which is not supported");

  const std::vector<std::uint64_t> extents = whole_numbers(field("shape"), subject);
  const std::vector<std::uint64_t> offsets = whole_numbers(field("data_offsets"), subject);
  if (offsets.size() != 2 || offsets[0] > offsets[1]) throw Error(subject + " has damaged offsets");

  Entry entry{parameter_name(name, source), *type, {extents.begin(), extents.end()}, offsets[0], offsets[1]};
  const auto count = element_count(entry.shape);
  std::uint64_t size = 0;
  if (!count || __builtin_mul_overflow(*count, element_size(*type), &size) || size != entry.end - entry.begin)
    throw Error(subject + " of shape " + engine::to_string(entry.shape) + " has " +
                std::to_string(entry.end - entry.begin) + " bytes of data, which do not fit");
  return entry;
}

std::vector<Entry> read_entries(const Json& header, std::uint64_t data_size, const std::string& source) {
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items())
    if (name != "__metadata__") entries.push_back(read_entry(name, json, source));

  std::ranges::stable_sort(entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered)
      throw Error(source + ": tensor " + in_quotes(entry.name) + " starts at byte " +
                  std::to_string(entry.begin) + " of the data, not at " + std::to_string(covered));
    covered = entry.end;
  }
  if (covered != data_size)
    throw Error(source + ": its tensors take " + std::to_string(covered) + " bytes, but the file holds " +
                std::to_string(data_size));
  return entries;
}

Json read_header(ByteReader& reader) {
  const std::uint64_t size = reader.read<std::uint64_t>();
  const std::uint64_t rest = reader.size() - kLengthSize;
  if (size > kLargestHeader || size > rest)
    reader.fail("its header claims " + std::to_string(size) + " bytes; the file has " + std::to_string(rest) +
                ", and more than " + std::to_string(kLargestHeader) + " are not supported");
  return parse_header(as_text(reader.take(size)), reader.source());
}

}  // namespace

bool is_safetensors(Bytes bytes) {
  return bytes.size() > kLengthSize && bytes[kLengthSize] == std::byte{'{'};
}

std::map<std::string, std::string> read_metadata(Bytes bytes, const std::string& source) {
  ByteReader reader(bytes, source);
  const Json header = read_header(reader);
  std::map<std::string, std::string> metadata;
  if (!header.is_object() || !header.contains("__metadata__")) return metadata;
  for (const auto& [key, value] : header["__metadata__"].items()) {
    if (!value.is_string()) reader.fail("its metadata " + in_quotes(key) + " is not text");
    metadata.emplace(key, value);
  }
  return metadata;
}

engine::Parameters read_safetensors(Bytes bytes, const std::string& source, std::string_view prefix) {
  ByteReader reader(bytes, source);
  const Json header = read_header(reader);
  const Bytes data = bytes.subspan(reader.position());

  engine::Parameters parameters(source);
  for (Entry& entry : read_entries(header, data.size(), source)) {
    if (!entry.name.starts_with(prefix)) continue;
    engine::Parameter parameter{std::move(entry.name), std::move(entry.shape), {}};
    parameter.values.resize(*element_count(parameter.shape));
    to_float(entry.type, data.subspan(entry.begin, entry.end - entry.begin), parameter.values);
    parameters.add(std::move(parameter));
  }
  return parameters;
}

void write_safetensors(const std::filesystem::path& file, const engine::Parameters& parameters,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const engine::Parameter& parameter : parameters.all()) {
    const std::uint64_t end = offset + parameter.values.size() * sizeof(float);
    header[parameter.name] = {{"dtype", "F32"}, {"shape", parameter.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }

  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::ordered_json::exception&) {
    throw Error(file.string() + ": cannot be written, because a name or the metadata is not UTF-8");
  }
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');

  files::OutputFile out(file);
  const auto write = [&](auto values) {
    out.write({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
  };
  const std::uint64_t header_size = text.size();
  write(std::span(&header_size, 1));
  write(std::span(text));
  for (const engine::Parameter& parameter : parameters.all()) write(std::span(parameter.values));
  out.finish();
}

}  // namespace sapnet::weights
