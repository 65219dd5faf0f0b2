// libFuzzer: any bytes are weights in one of PyTorch's formats or an Error. Seeds: tests/fuzz/corpus/torch.
// Checksums keep most mutations of a zip archive from reaching its pickle; fuzz_pickle starts after them.
#include <cstdint>

#include "engine/error.h"
#include "weights/weight_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)sapnet::weights::read_weights(std::as_bytes(std::span(data, size)), "fuzz");
  } catch (const sapnet::Error&) {
  }
  return 0;
}
