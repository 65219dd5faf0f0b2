#include "weights/weight_file.h"

#include "engine/error.h"
#include "weights/mapped_file.h"
#include "weights/safetensors.h"
#include "weights/torch_legacy.h"
#include "weights/torch_zip.h"

namespace sapnet::weights {

engine::Parameters read_weights(std::span<const std::byte> bytes, const std::string& source,
                                std::string_view prefix) {
  if (is_torch_zip(bytes)) return read_torch_zip(bytes, source, prefix);
  if (is_torch_legacy(bytes)) return read_torch_legacy(bytes, source, prefix);
  if (is_safetensors(bytes)) return read_safetensors(bytes, source, prefix);
  throw Error(source + ": is not a weight file (neither safetensors nor PyTorch)");
}

engine::Parameters read_weights(const std::filesystem::path& file, std::string_view prefix) {
  const MappedFile mapped(file);
  return read_weights(mapped.bytes(), file.string(), prefix);
}

std::map<std::string, std::string> read_metadata(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  if (is_torch_zip(mapped.bytes()) || is_torch_legacy(mapped.bytes()) || !is_safetensors(mapped.bytes()))
    return {};
  return read_metadata(mapped.bytes(), file.string());
}

std::string read_metadata_entry(const std::filesystem::path& file, const std::string& name) {
  const auto metadata = read_metadata(file);
  const auto found = metadata.find(name);
  return found == metadata.end() ? std::string() : found->second;
}

}  // namespace sapnet::weights
