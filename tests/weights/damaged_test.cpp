// Randomly damaged files: truncated anywhere, or with flipped bits.

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/weights/files.h"
#include "weights/weight_file.h"

using namespace sapnet;

TEST_CASE("a truncated file is refused, wherever it ends", "[weights]") {
  for (const std::string& name : tests::fixture_names()) {
    CAPTURE(name);
    const std::string file = tests::fixture(name);
    REQUIRE(tests::error_of(file).empty());
    for (std::size_t size = 0; size < file.size(); ++size) {
      const std::string fault = tests::error_of(std::string(file, 0, size));
      if (!fault.starts_with("FILE: ")) FAIL_CHECK("cut to " << size << " bytes: '" << fault << "'");
    }
  }
}

TEST_CASE("a file with flipped bits is refused or read, and a zip's weights never change", "[weights]") {
  for (const std::string& name : tests::fixture_names()) {
    CAPTURE(name);
    const std::string file = tests::fixture(name);
    const engine::Parameters intact = weights::read_weights(tests::bytes_of(file), "FILE");
    const bool has_checksums = file.starts_with("PK");
    std::size_t refused = 0;
    for (std::size_t at = 0; at < file.size(); ++at) {
      for (const int flip : {1 << at % 8, 0x80, 0xff}) {
        std::string damaged = file;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        try {
          const engine::Parameters read = weights::read_weights(tests::bytes_of(damaged), "FILE");
          if (has_checksums && !tests::identical(read, intact))
            FAIL_CHECK("undetected: byte " << at << " ^ " << flip);
        } catch (const Error& error) {
          ++refused;
          if (!std::string_view(error.what()).starts_with("FILE: ")) FAIL_CHECK(error.what());
        }
      }
    }
    CHECK(refused > 0);
  }
}
