// libFuzzer: any bytes are weights in safetensors or an Error. Seeds: tests/fuzz/corpus/safetensors.
#include <cstdint>

#include "engine/error.h"
#include "weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    (void)sapnet::weights::read_safetensors(std::as_bytes(std::span(data, size)), "fuzz", "");
  } catch (const sapnet::Error&) {
  }
  return 0;
}
