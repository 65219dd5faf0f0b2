#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"
#include "tests/weights/files.h"
#include "weights/weight_file.h"

using namespace sapnet;

namespace {

engine::Parameters example() {
  engine::Parameters parameters("example");
  parameters.add({"z.weight", {2, 1, 3}, {1, -2, 0.1f, INFINITY, 0x1p-149f, -0.0f}});
  parameters.add({"a \"quoted\" näme", {}, {7}});
  parameters.add({"empty", {0, 4}, {}});
  return parameters;
}

// Writes of this process fail beyond `bytes`, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_;
};

}  // namespace

TEST_CASE("written weights come back bit by bit, in order", "[weights]") {
  const tests::TempFolder folder;
  const std::map<std::string, std::string> metadata{{"model", "sapnet"}, {"epoch", "3"}};
  weights::write_safetensors(folder / "a.safetensors", example(), metadata);
  CHECK(tests::identical(weights::read_weights(folder / "a.safetensors"), example()));
  CHECK(folder.file_count() == 1);

  CHECK(weights::read_metadata(folder / "a.safetensors") == metadata);

  const std::string file = tests::contents(folder / "a.safetensors");
  std::uint64_t header_size = 0;
  file.copy(reinterpret_cast<char*>(&header_size), sizeof(header_size));
  CHECK(header_size % 8 == 0);
  CHECK(file.size() == 8 + header_size + 7 * sizeof(float));
  const auto header = nlohmann::json::parse(file.substr(8, header_size));
  CHECK(header["__metadata__"] == nlohmann::json(metadata));
  CHECK(header["z.weight"] ==
        nlohmann::json::parse(R"({"dtype":"F32","shape":[2,1,3],"data_offsets":[0,24]})"));

  weights::write_safetensors(folder / "b.safetensors", example(), metadata);
  CHECK(tests::contents(folder / "b.safetensors") == file);
}

TEST_CASE("writing replaces a file only when all of it is on disk", "[weights]") {
  const tests::TempFolder folder;
  std::ofstream(folder / "a.safetensors") << "before";
  {
    const FileSizeLimit limit(16);
    CHECK_THROWS_WITH(weights::write_safetensors(folder / "a.safetensors", example(), {}),
                      (folder / "a.safetensors").string() + ": cannot be written: File too large");
  }
  CHECK(tests::contents(folder / "a.safetensors") == "before");
  CHECK(folder.file_count() == 1);

  weights::write_safetensors(folder / "a.safetensors", example(), {});
  CHECK(tests::identical(weights::read_weights(folder / "a.safetensors"), example()));
}

TEST_CASE("write errors are reported", "[weights]") {
  const tests::TempFolder folder;
  CHECK_THROWS_WITH(
      weights::write_safetensors(folder / "none/a.safetensors", example(), {}),
      (folder / "none/a.safetensors").string() + ": cannot be written: No such file or directory");
  engine::Parameters latin1("example");
  latin1.add({"n\xe4me", {1}, {1}});
  CHECK_THROWS_WITH(weights::write_safetensors(folder / "a.safetensors", latin1, {}),
                    Catch::Contains("is not UTF-8"));
  CHECK(folder.file_count() == 0);
}
