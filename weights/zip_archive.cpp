#include "weights/zip_archive.h"

#include <zlib.h>

namespace sapnet::weights {
namespace {

// APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14, 4.3.15, 4.3.16 and 4.5.3.
constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kZip64LocatorSize = 20;
constexpr std::uint64_t kDirectoryEntrySize = 46;
constexpr std::uint64_t kLongestComment = 65535;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint16_t kStored = 0;
constexpr std::uint32_t kSeeZip64 = 0xffffffff;

std::uint32_t checksum(Bytes bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace

ZipArchive::ZipArchive(Bytes bytes, const std::string& source) : reader_(bytes, source), bytes_(bytes) {
  const Directory directory = find_directory();
  reader_.seek(directory.position);
  if (directory.size > reader_.size() - directory.position ||
      directory.entry_count > directory.size / kDirectoryEntrySize)
    reader_.fail("its zip directory does not fit the file");
  for (std::uint64_t i = 0; i < directory.entry_count; ++i) read_entry();
}

ZipArchive::Directory ZipArchive::find_directory() {
  // The end record is followed by a comment, whose length it states.
  const std::uint64_t size = reader_.size();
  const std::uint64_t furthest = size > kEndSize + kLongestComment ? size - kEndSize - kLongestComment : 0;
  for (std::uint64_t end = size < kEndSize ? 0 : size - kEndSize + 1; end-- > furthest;) {
    reader_.seek(end);
    if (reader_.read<std::uint32_t>() != kEnd) continue;
    reader_.seek(end + 10);
    const std::uint16_t entry_count = reader_.read<std::uint16_t>();
    const std::uint32_t directory_size = reader_.read<std::uint32_t>();
    const std::uint32_t position = reader_.read<std::uint32_t>();
    if (reader_.read<std::uint16_t>() != size - end - kEndSize) continue;

    if (end >= kZip64LocatorSize) {
      reader_.seek(end - kZip64LocatorSize);
      if (reader_.read<std::uint32_t>() == kZip64Locator) {
        reader_.take(4);
        reader_.seek(reader_.read<std::uint64_t>());
        if (reader_.read<std::uint32_t>() != kZip64End) reader_.fail("its zip64 directory is damaged");
        reader_.take(28);
        const std::uint64_t entry_count64 = reader_.read<std::uint64_t>();
        const std::uint64_t directory_size64 = reader_.read<std::uint64_t>();
        return {entry_count64, directory_size64, reader_.read<std::uint64_t>()};
      }
    }
    return {entry_count, directory_size, position};
  }
  reader_.fail("is a zip archive without a directory at its end; it is probably truncated");
}

void ZipArchive::read_entry() {
  if (reader_.read<std::uint32_t>() != kDirectoryEntry) reader_.fail("its zip directory is damaged");
  Entry entry{};
  reader_.take(4);
  entry.flags = reader_.read<std::uint16_t>();
  entry.method = reader_.read<std::uint16_t>();
  reader_.take(4);
  entry.crc32 = reader_.read<std::uint32_t>();
  entry.stored_size = reader_.read<std::uint32_t>();
  entry.size = reader_.read<std::uint32_t>();
  const std::uint16_t name_length = reader_.read<std::uint16_t>();
  const std::uint16_t extra_length = reader_.read<std::uint16_t>();
  const std::uint16_t comment_length = reader_.read<std::uint16_t>();
  reader_.take(8);
  entry.header_position = reader_.read<std::uint32_t>();
  const std::string_view name = as_text(reader_.take(name_length));

  ByteReader extra(reader_.take(extra_length), reader_.source());
  reader_.take(comment_length);
  while (extra.position() + 4 <= extra.size()) {
    const std::uint16_t kind = extra.read<std::uint16_t>();
    const std::uint16_t length = extra.read<std::uint16_t>();
    ByteReader field(extra.take(length), reader_.source());
    if (kind != kZip64Extra) continue;
    for (std::uint64_t* number : {&entry.size, &entry.stored_size, &entry.header_position})
      if (*number == kSeeZip64) *number = field.read<std::uint64_t>();
  }
  if (!entries_.emplace(name, entry).second)
    reader_.fail("its zip directory lists " + in_quotes(name) + " twice");
}

Bytes ZipArchive::read(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) reader_.fail("has no entry " + in_quotes(name));
  const Entry& entry = found->second;
  if (entry.flags & kEncrypted) reader_.fail("its entry " + in_quotes(name) + " is encrypted");
  if (entry.method != kStored)
    reader_.fail("its entry " + in_quotes(name) +
                 " is compressed, which PyTorch never does; save it again with torch.save");
  if (entry.stored_size != entry.size)
    reader_.fail("its entry " + in_quotes(name) + " has two different sizes");

  ByteReader reader(bytes_, reader_.source());
  reader.seek(entry.header_position);
  if (reader.read<std::uint32_t>() != kLocalHeader)
    reader.fail("its entry " + in_quotes(name) + " is damaged");
  reader.take(22);
  const std::uint16_t name_length = reader.read<std::uint16_t>();
  const std::uint16_t extra_length = reader.read<std::uint16_t>();
  if (as_text(reader.take(name_length)) != name) reader.fail("its entry " + in_quotes(name) + " is damaged");
  reader.take(extra_length);
  const Bytes bytes = reader.take(entry.size);
  if (checksum(bytes) != entry.crc32)
    reader.fail("its entry " + in_quotes(name) + " is damaged (wrong checksum)");
  return bytes;
}

}  // namespace sapnet::weights
