#include "weights/torch_zip.h"

#include "engine/error.h"
#include "weights/state_dict.h"
#include "weights/zip_archive.h"

namespace sapnet::weights {
namespace {

// All entries are in one folder, named after the saved file; it is that of the pickle.
std::string find_folder(const ZipArchive& archive, const std::string& source) {
  constexpr std::string_view kPickle = "data.pkl";
  std::string folder;
  for (const auto& [name, entry] : archive.entries()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos || name.substr(slash + 1) != kPickle) continue;
    if (!folder.empty()) throw Error(source + ": has two pickles, in two folders");
    folder = name.substr(0, slash + 1);
  }
  if (folder.empty()) throw Error(source + ": is a zip archive, but not a PyTorch file (it has no data.pkl)");
  return folder;
}

}  // namespace

bool is_torch_zip(Bytes bytes) { return as_text(bytes).starts_with("PK\x03\x04"); }

engine::Parameters read_torch_zip(Bytes bytes, const std::string& source, std::string_view prefix) {
  const ZipArchive archive(bytes, source);
  const std::string folder = find_folder(archive, source);
  if (archive.entries().contains(folder + "byteorder") &&
      as_text(archive.read(folder + "byteorder")) != "little")
    throw Error(source + ": was saved on a big-endian machine, which is not supported");

  ByteReader reader(archive.read(folder + "data.pkl"), source);
  const Pickle pickle = read_pickle(reader);
  const auto storage_bytes = [&](const Storage& storage) {
    const std::string name = folder + "data/" + std::string(storage.key);
    const Bytes stored = archive.read(name);
    const std::uint64_t size = element_size(storage.type);
    if (stored.size() % size != 0 || stored.size() / size != storage.count)
      throw Error(source + ": its entry " + in_quotes(name) + " has " + std::to_string(stored.size()) +
                  " bytes, not " + std::to_string(storage.count) + " elements of " + std::to_string(size));
    return stored;
  };
  return read_state_dict(pickle, source, bytes.size(), prefix, storage_bytes);
}

}  // namespace sapnet::weights
