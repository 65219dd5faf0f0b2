#include "train/image/pairs.h"

#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/temp_folder.h"

namespace sapnet::train {
namespace {

using Catch::Contains;

/// An empty file: only names matter.
void add(const std::filesystem::path& file) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file};
}

TEST_CASE("pairs are found in two folders and by Rain100's naming", "[data]") {
  const tests::TempFolder folder;
  SECTION("two folders, both namings, natural order") {
    add(folder / "rain/10.png");
    add(folder / "rain/2.png");
    add(folder / "rain/rain-3.png");
    add(folder / "clean/10.png");
    add(folder / "clean/2.jpg");
    add(folder / "clean/norain-3.png");
    const auto pairs = find_pairs(folder.path());
    REQUIRE(pairs.size() == 3);
    CHECK(pairs[0].rainy.filename() == "2.png");
    CHECK(pairs[0].clean.filename() == "2.jpg");
    CHECK(pairs[1].rainy.filename() == "10.png");
    CHECK(pairs[2].clean.filename() == "norain-3.png");
  }
  SECTION("one folder") {
    add(folder / "rain-1.png");
    add(folder / "norain-1.png");
    const auto pairs = find_pairs(folder.path());
    REQUIRE(pairs.size() == 1);
    CHECK(pairs[0].clean.filename() == "norain-1.png");
  }
  SECTION("a rainy image alone") {
    add(folder / "rain/1.png");
    add(folder / "clean/2.png");
    CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("1.png: has no clean image of the same name"));
  }
  SECTION("a clean image alone") {
    add(folder / "rain-1.png");
    add(folder / "norain-1.png");
    add(folder / "norain-2.png");
    CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("norain-2.png: has no rainy image"));
  }
  SECTION("two clean ones") {
    add(folder / "rain/1.png");
    add(folder / "clean/1.png");
    add(folder / "clean/1.jpg");
    CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("both match the same"));
  }
  SECTION("nothing") { CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("has no pairs")); }
  SECTION("no folder") { CHECK_THROWS_WITH(find_pairs(folder.path() / "x"), Contains("cannot be listed")); }
}

}  // namespace
}  // namespace sapnet::train
