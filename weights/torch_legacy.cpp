#include "weights/torch_legacy.h"

#include <unordered_map>

#include "engine/error.h"
#include "weights/state_dict.h"

namespace sapnet::weights {
namespace {

// A protocol 2 pickle of the ten-byte magic number.
constexpr std::string_view kMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr std::int64_t kProtocolVersion = 1001;

bool is_little_endian(const Pickle& system) {
  if (system.root.kind != Value::Kind::kDict) return false;
  const Value* const little = system.find(system.dicts[system.root.index()], "little_endian");
  return little && little->kind == Value::Kind::kBool && little->number != 0;
}

// The storages follow in the order of the list of keys, each preceded by its length in elements.
std::unordered_map<std::string_view, Bytes> find_storages(const Pickle& pickle, const Pickle& keys,
                                                          ByteReader& reader) {
  if (keys.root.kind != Value::Kind::kSequence) reader.fail("its list of storages is damaged");
  std::unordered_map<std::string_view, const Storage*> described;
  for (const Storage& storage : pickle.storages) described.emplace(storage.key, &storage);

  std::unordered_map<std::string_view, Bytes> storages;
  for (const Value& value : keys.sequences[keys.root.index()]) {
    const auto key = keys.text(value);
    const auto found = key ? described.find(*key) : described.end();
    if (found == described.end()) reader.fail("its list of storages is damaged");
    const Storage& storage = *found->second;
    const std::uint64_t count = reader.read<std::uint64_t>();
    const std::uint64_t size = element_size(storage.type);
    if (count != storage.count || count > reader.size() / size)
      reader.fail("the storage " + in_quotes(*key) + " has " + std::to_string(count) + " elements where " +
                  std::to_string(storage.count) + " are due");
    if (!storages.emplace(*key, reader.take(count * size)).second)
      reader.fail("holds the storage " + in_quotes(*key) + " twice");
  }
  return storages;
}

}  // namespace

bool is_torch_legacy(Bytes bytes) { return as_text(bytes).starts_with(kMagic); }

engine::Parameters read_torch_legacy(Bytes bytes, const std::string& source, std::string_view prefix) {
  ByteReader reader(bytes, source);
  reader.take(kMagic.size());
  const Value version = read_pickle(reader).root;
  if (version.kind != Value::Kind::kInteger || version.number != kProtocolVersion)
    reader.fail("has an unknown version of PyTorch's legacy format");
  if (!is_little_endian(read_pickle(reader)))
    reader.fail("was saved on a big-endian machine, which is not supported");
  const Pickle pickle = read_pickle(reader);
  const Pickle keys = read_pickle(reader);

  const auto storages = find_storages(pickle, keys, reader);
  const auto storage_bytes = [&](const Storage& storage) {
    const auto found = storages.find(storage.key);
    if (found == storages.end()) reader.fail("lacks the storage " + in_quotes(storage.key));
    return found->second;
  };
  return read_state_dict(pickle, source, bytes.size(), prefix, storage_bytes);
}

}  // namespace sapnet::weights
