// libFuzzer: any bytes are a pickled state_dict or an Error. Every storage that the pickle names exists, up
// to a size, so that views are gathered too. Seeds: tests/fuzz/corpus/pickle.
#include <cstdint>

#include "engine/error.h"
#include "weights/state_dict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sapnet::weights;
  static const std::vector<std::byte> kElements(1 << 16, std::byte{0x3f});
  try {
    ByteReader reader(std::as_bytes(std::span(data, size)), "fuzz");
    const Pickle pickle = read_pickle(reader);
    // A separate allocation of exactly the claimed size, so that out-of-bounds reads are detected.
    std::vector<std::vector<std::byte>> storages;
    const auto storage_bytes = [&](const Storage& storage) -> Bytes {
      const std::uint64_t wanted = element_size(storage.type);
      if (storage.count > kElements.size() / wanted) reader.fail("names a large storage");
      const auto end = kElements.begin() + static_cast<std::ptrdiff_t>(storage.count * wanted);
      return storages.emplace_back(kElements.begin(), end);
    };
    (void)read_state_dict(pickle, "fuzz", kElements.size(), "", storage_bytes);
  } catch (const sapnet::Error&) {
  }
  return 0;
}
