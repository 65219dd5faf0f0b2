#include "train/dataset.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tests/catch.h"
#include "train/image.h"
#include "train/loader.h"
#include "train/pairs.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

/// A folder, removed afterwards.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sapnet-dataset-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }

  /// An image whose pixels tell where they lie: red the column, green the row, blue `mark`.
  fs::path add(const std::string& name, int mark, int width = 30, int height = 20) const {
    std::vector<std::uint8_t> rgb;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (const int value : {x, y, mark}) rgb.push_back(static_cast<std::uint8_t>(value));
    const fs::path file = path_ / name;
    fs::create_directories(file.parent_path());
    write_image(file, rgb, width, height, 3, 100);
    return file;
  }

 private:
  fs::path path_;
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

/// Gives its arguments back; index 13 fails if asked to.
class Echo final : public Dataset {
 public:
  explicit Echo(bool fails = false) : fails_(fails) {}
  int patch() const override { return 1; }
  std::int64_t size() const override { return 20; }
  Sample sample(std::uint64_t seed, std::int64_t epoch, std::int64_t index) const override {
    if (fails_ && index == 13) throw Error("number 13 is missing");
    return {{static_cast<float>(seed), static_cast<float>(epoch), static_cast<float>(index)}, {0, 0, 0}};
  }

 private:
  bool fails_;
};

TEST_CASE("pairs are found in two folders and by Rain100's naming", "[data]") {
  const Folder folder;
  SECTION("two folders, both namings, natural order") {
    folder.add("rain/10.png", 1);
    folder.add("rain/2.png", 1);
    folder.add("rain/rain-3.png", 1);
    folder.add("clean/10.png", 2);
    folder.add("clean/2.jpg", 2);
    folder.add("clean/norain-3.png", 2);
    const auto pairs = find_pairs(folder.path());
    REQUIRE(pairs.size() == 3);
    CHECK(pairs[0].rainy.filename() == "2.png");
    CHECK(pairs[0].clean.filename() == "2.jpg");
    CHECK(pairs[1].rainy.filename() == "10.png");
    CHECK(pairs[2].clean.filename() == "norain-3.png");
  }
  SECTION("one folder") {
    folder.add("rain-1.png", 1);
    folder.add("norain-1.png", 2);
    const auto pairs = find_pairs(folder.path());
    REQUIRE(pairs.size() == 1);
    CHECK(pairs[0].clean.filename() == "norain-1.png");
  }
  SECTION("a rainy image alone") {
    folder.add("rain/1.png", 1);
    folder.add("clean/2.png", 1);
    CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("1.png: has no clean image of the same name"));
  }
  SECTION("a clean image alone") {
    folder.add("rain-1.png", 1);
    folder.add("norain-1.png", 1);
    folder.add("norain-2.png", 1);
    CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("norain-2.png: has no rainy image"));
  }
  SECTION("two clean ones") {
    folder.add("rain/1.png", 1);
    folder.add("clean/1.png", 1);
    folder.add("clean/1.jpg", 1);
    CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("both match the same"));
  }
  SECTION("nothing") { CHECK_THROWS_WITH(find_pairs(folder.path()), Contains("has no pairs")); }
  SECTION("no folder") { CHECK_THROWS_WITH(find_pairs(folder.path() / "x"), Contains("cannot be listed")); }
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

TEST_CASE("batches do not depend on the number of threads or the first step", "[data][loader]") {
  const auto dataset = std::make_shared<Echo>();
  const auto numbers = [&](int threads, std::int64_t first) {
    Loader loader(dataset, 6, 5, threads, first);
    std::vector<float> all;
    for (std::int64_t step = first; step < 20; ++step) {
      const Batch batch = loader.next();
      REQUIRE(batch.step == step);
      CHECK(batch.epoch == step * 6 / 20);
      CHECK((batch.rainy.shape() == engine::Shape{6, 1, 1, 3}));
      const std::vector<float> values = to_vector(batch.rainy);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  const std::vector<float> all = numbers(1, 0);
  CHECK(numbers(3, 0) == all);
  const std::vector<float> rest = numbers(2, 11);
  CHECK(std::equal(rest.begin(), rest.end(), all.begin() + 11 * 6 * 3, all.end()));
  // Six epochs, each all of the samples in an order of its own.
  std::set<std::vector<float>> orders;
  for (std::size_t epoch = 0; epoch < 6; ++epoch) {
    std::vector<float> order;
    for (std::size_t k = epoch * 20; k < (epoch + 1) * 20; ++k) {
      CHECK(all[3 * k] == 5);
      CHECK(all[3 * k + 1] == static_cast<float>(epoch));
      order.push_back(all[3 * k + 2]);
    }
    orders.insert(order);
    std::ranges::sort(order);
    for (std::size_t k = 0; k < 20; ++k) CHECK(order[k] == static_cast<float>(k));
  }
  CHECK(orders.size() == 6);
}

TEST_CASE("the loader rethrows the exception of a sample on every call", "[data][loader]") {
  Loader loader(std::make_shared<Echo>(true), 20, 1, 2);
  CHECK_THROWS_WITH(loader.next(), "number 13 is missing");
  CHECK_THROWS_WITH(loader.next(), "number 13 is missing");
  CHECK_THROWS_AS(Loader(std::make_shared<Echo>(), 0, 1, 1), Error);
  CHECK_THROWS_AS(Loader(std::make_shared<Echo>(), 1, 1, 0), Error);
  CHECK_THROWS_AS(Loader(std::make_shared<Echo>(), 1, 1, 1, -1), Error);
}

}  // namespace
}  // namespace sapnet::train
