#include "train/data/dataset.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"
#include "train/image/image.h"
#include "train/image/pairs.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

/// A folder of images.
class Folder : public tests::TempFolder {
 public:
  /// An image whose pixels encode their position: red the column, green the row, blue `mark`.
  fs::path add(const std::string& name, int mark, int width = 30, int height = 20) const {
    std::vector<std::uint8_t> rgb;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (const int value : {x, y, mark}) rgb.push_back(static_cast<std::uint8_t>(value));
    const fs::path file = *this / name;
    fs::create_directories(file.parent_path());
    write_image(file, rgb, width, height, 3, 100);
    return file;
  }
};

std::vector<int> corner(const std::vector<float>& patch) {
  const std::vector<std::uint8_t> bytes = to_bytes(std::span(patch).subspan(0, 3), Rounding::kNearest);
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<const RainMix> mix(std::vector<std::pair<std::string, double>> kinds = {{"soft", 1}},
                                   float weakest = 0.2F) {
  return std::make_shared<RainMix>(RainMixOptions{.kinds = std::move(kinds), .weakest = weakest},
                                   RainLayers());
}

TEST_CASE("a grid has its patches at multiples of the stride, image by image", "[data]") {
  const Folder folder;
  const auto memory = GENERATE(std::size_t{1} << 20, std::size_t{0});  // kept, and read again
  const std::vector<Pair> pairs = {
      {folder.add("rain-1.png", 1), folder.add("norain-1.png", 101)},
      {folder.add("rain-2.png", 2, 8, 8), folder.add("norain-2.png", 102, 8, 8)}};
  const auto dataset = make_pair_dataset(pairs, {.patch = 8, .stride = 10}, memory);
  REQUIRE(dataset->size() == 3 * 2 + 1);
  std::vector<std::vector<int>> rainy, clean;
  for (std::int64_t k = 0; k < dataset->size(); ++k) {
    const Sample sample = dataset->sample(1, 0, k);
    REQUIRE(sample.rainy.size() == 8 * 8 * 3);
    rainy.push_back(corner(sample.rainy));
    clean.push_back(corner(sample.clean));
  }
  CHECK(rainy == std::vector<std::vector<int>>{
                     {0, 0, 1}, {10, 0, 1}, {20, 0, 1}, {0, 10, 1}, {10, 10, 1}, {20, 10, 1}, {0, 0, 2}});
  for (std::size_t k = 0; k < rainy.size(); ++k) rainy[k][2] += 100;
  CHECK(clean == rainy);
}

TEST_CASE("the paper's grid has 15 patches of an image of 481x321", "[data]") {
  const Folder folder;
  const fs::path photo = folder.add("photo.png", 0, 481, 321);
  CHECK(make_pair_dataset({{photo, photo}}, {.patch = 100, .stride = 80})->size() == 15);
}

TEST_CASE("random patches cover an image with all flips, the same for both images of a pair", "[data]") {
  const Folder folder;
  const auto dataset = make_pair_dataset({{folder.add("rain-1.png", 1), folder.add("norain-1.png", 1)}},
                                         {.patch = 5, .per_image = 40, .flips = true});
  REQUIRE(dataset->size() == 40);
  std::set<int> columns, rows, turns;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    for (std::int64_t k = 0; k < dataset->size(); ++k) {
      const Sample sample = dataset->sample(7, epoch, k);
      REQUIRE(sample.rainy == sample.clean);
      const auto bytes = to_bytes(sample.rainy, Rounding::kNearest);
      const int across = bytes[3] - bytes[0], down = bytes[5 * 3 + 1] - bytes[1];
      REQUIRE((std::abs(across) == 1 && std::abs(down) == 1));
      turns.insert(2 * across + down);
      columns.insert(bytes[0] - (across < 0 ? 4 : 0));
      rows.insert(bytes[1] - (down < 0 ? 4 : 0));
    }
  }
  CHECK(turns.size() == 4);
  CHECK((columns.size() == 26 && *columns.rbegin() == 25));
  CHECK((rows.size() == 16 && *rows.rbegin() == 15));
}

TEST_CASE("rain on patches is deterministic, and different for each sample", "[data]") {
  const Folder folder;
  const auto dataset = make_rain_dataset({folder.add("photo.png", 9, 120, 90)}, {.patch = 64, .stride = 56},
                                         mix({{"soft", 1}}, 0.9F));
  const Sample sample = dataset->sample(1, 2, 0);
  CHECK(sample.clean != sample.rainy);
  CHECK(sample.rainy == dataset->sample(1, 2, 0).rainy);
  for (const Sample& other : {dataset->sample(2, 2, 0), dataset->sample(1, 3, 0)}) {
    CHECK(other.clean == sample.clean);
    CHECK(other.rainy != sample.rainy);
  }
}

TEST_CASE("unusable data is refused by name", "[data]") {
  const Folder folder;
  const fs::path small = folder.add("small.png", 0, 9, 40), photo = folder.add("photo.png", 0);
  CHECK_THROWS_WITH(make_rain_dataset({photo, small}, {.patch = 10}, mix()),
                    Contains("small.png") && Contains("9x40"));
  CHECK_THROWS_WITH(make_pair_dataset({{photo, small}}, {.patch = 5}),
                    Contains("small.png") && Contains("30x20"));
  CHECK_THROWS_WITH(make_rain_dataset({photo}, {.patch = 0}, mix()), Contains("patch"));
  CHECK_THROWS_WITH(make_rain_dataset({}, {.patch = 5}, mix()), Contains("no photos"));
  CHECK_THROWS_WITH(make_rain_dataset({folder.path() / "x.png"}, {.patch = 5}, mix()), Contains("x.png"));
  CHECK_THROWS_AS(make_mixed_dataset({}), Error);
}

TEST_CASE("a mix samples its parts by weight and continues across epochs", "[data]") {
  const Folder folder;
  const std::shared_ptr<const Dataset> photo = make_pair_dataset(
      {{folder.add("rain-1.png", 1), folder.add("norain-1.png", 1)}}, {.patch = 10, .stride = 10});
  REQUIRE(photo->size() == 6);
  const std::shared_ptr<const Dataset> tiny =
      make_pair_dataset({{folder.add("rain-2.png", 2, 10, 10), folder.add("norain-2.png", 2, 10, 10)}},
                        {.patch = 10, .stride = 10});
  const auto mixed = make_mixed_dataset({{photo, 3}, {tiny, 4}});
  REQUIRE(mixed->size() == 7);
  std::set<std::vector<int>> of_photo;
  std::int64_t of_tiny = 0;
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    for (std::int64_t k = 0; k < 7; ++k) {
      const std::vector<int> pixel = corner(mixed->sample(1, epoch, k).rainy);
      if (pixel[2] == 2)
        ++of_tiny;
      else
        of_photo.insert(pixel);
    }
  }
  CHECK(of_tiny == 8);
  CHECK(of_photo.size() == 6);
}

}  // namespace
}  // namespace sapnet::train
