#include "train/data_sources.h"

#include <array>
#include <cmath>
#include <filesystem>

#include "engine/error.h"
#include "model/network.h"
#include "tests/catch.h"
#include "tests/temp_folder.h"
#include "train/folder_names.h"
#include "train/image/image.h"
#include "train/validation.h"

namespace sapnet::train {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using Folders = std::vector<std::pair<fs::path, double>>;

/// photos/ with a.png to e.png, pairs/ with rain-1, rain-2 and their clean ones.
class Folder : public tests::TempFolder {
 public:
  Folder() {
    for (const char* photo : {"a", "b", "c", "d", "e"})
      write("photos/" + std::string(photo) + ".png", photo[0]);
    for (const char* number : {"1", "2"}) {
      write("pairs/norain-" + std::string(number) + ".png", 60);
      write("pairs/rain-" + std::string(number) + ".png", 60 + 10 * (number[0] - '0'));
    }
  }

 private:
  void write(const std::string& name, int value) const {
    fs::create_directories((*this / name).parent_path());
    write_image(*this / name, std::vector<std::uint8_t>(24 * 20 * 3, static_cast<std::uint8_t>(value)), 24,
                20, 3, 100);
  }
};

TrainConfig config_of(const Folders& data, const Folders& validation = {}) {
  TrainConfig config;
  config.data = data;
  config.validation_data = validation;
  config.patch = 10;
  config.stride = 0;
  config.stages = 1;
  return config;
}

std::vector<std::string> names(const Validation& validation) {
  std::vector<std::string> names;
  for (const auto& image : validation.images()) names.push_back(image.name);
  return names;
}

TEST_CASE("a folder with pairs gives pairs, any other photos for synthetic rain", "[train]") {
  const Folder folder;
  const auto pairs = make_dataset(config_of({{folder / "pairs", 1}}));
  CHECK(pairs->size() == 2);
  const Sample pair = pairs->sample(1, 0, 1);
  CHECK(pair.clean[0] == Approx(60 / 255.0));
  CHECK(pair.rainy[0] == Approx(80 / 255.0));
  const auto photos = make_dataset(config_of({{folder / "photos", 1}}));
  CHECK(photos->size() == 5);
  CHECK(photos->sample(1, 0, 4).clean[0] == Approx('e' / 255.0));
  const auto both = make_dataset(config_of({{folder / "pairs", 6}, {folder / "photos", 1}}));
  CHECK(both->size() == 7);
  CHECK(both->sample(1, 0, 5).clean[0] == Approx(60 / 255.0));  // six of seven are pairs
  CHECK(both->sample(1, 0, 6).clean[0] != Approx(60 / 255.0));
  CHECK_THROWS_WITH(make_dataset(config_of({})), Contains("no training data"));
}

TEST_CASE("validation uses whole images, evenly spread", "[train]") {
  const Folder folder;
  TrainConfig config = config_of({{folder / "photos", 1}});
  config.validation_images = 2;
  CHECK(names(Validation(config)) == std::vector<std::string>{"a.png", "c.png"});
  config.validation_images = 100;
  CHECK(Validation(config).images().size() == 5);
  config.validation_data = {{folder / "pairs", 1}};
  const Validation pairs(config);
  CHECK(names(pairs) == std::vector<std::string>{"rain-1.png", "rain-2.png"});
  CHECK(pairs.images()[1].rainy.front() == 80);
  CHECK(pairs.images()[1].clean.front() == 60);
  CHECK(pairs.images()[1].rainy.size() == 24 * 20 * 3);
  const auto expected = [](double levels) { return -20 * std::log10(levels / 255); };
  CHECK(pairs.rainy_mean().psnr_rgb == Approx((expected(10) + expected(20)) / 2));
}

TEST_CASE("validation takes equally many images per folder and averages the folder means",
          "[train][validation]") {
  const Folder folder;
  TrainConfig config = config_of({{folder / "photos", 1}}, {{folder / "photos", 1}, {folder / "pairs", 5}});
  const auto counts = [&](int images) {
    config.validation_images = images;
    const Validation validation(config);
    std::array<std::size_t, 2> of_folder{};
    for (const auto& image : validation.images()) ++of_folder[image.folder];
    return of_folder;
  };
  CHECK(counts(1) == std::array<std::size_t, 2>{1, 1});
  CHECK(counts(3) == std::array<std::size_t, 2>{2, 1});
  CHECK(counts(6) == std::array<std::size_t, 2>{4, 2});
  CHECK(counts(1000) == std::array<std::size_t, 2>{5, 2});
  config.validation_images = 3;
  const Validation validation(config);
  CHECK(validation.folders() == std::vector<std::string>{"photos", "pairs"});
  CHECK(validation.found() == 7);
  CHECK(names(validation) == std::vector<std::string>{"a.png", "c.png", "rain-1.png"});
  const auto rainy = [&](std::size_t k) { return validation.images()[k].rainy_scores.psnr_rgb; };
  CHECK(validation.rainy_mean().psnr_rgb == Approx(((rainy(0) + rainy(1)) / 2 + rainy(2)) / 2));
  const auto network = model::make_network(model::init_parameters("SAPNet", 1), {});
  const Validation::Result result = validation.run(*network, engine::Device::kCpu, 1);
  REQUIRE(result.folder_means.size() == 2);
  CHECK(result.folder_means[0].psnr_rgb ==
        Approx((result.scores[0].psnr_rgb + result.scores[1].psnr_rgb) / 2));
  CHECK(result.folder_means[1].ssim_rgb == result.scores[2].ssim_rgb);
  CHECK(result.mean.psnr_rgb ==
        Approx((result.folder_means[0].psnr_rgb + result.folder_means[1].psnr_rgb) / 2));
}

TEST_CASE("folders get short unique names", "[train][validation]") {
  using Names = std::vector<std::string>;
  CHECK(folder_names({"/data/rain100L", "/data/heavy/"}) == Names{"rain100L", "heavy"});
  CHECK(folder_names({"/data/rain100L/test", "/data/rain100H/test/", "/x/real"}) ==
        Names{"rain100L/test", "rain100H/test", "real"});
  CHECK(folder_names({"/test", "/data/test"}) == Names{"test", "data/test"});
  CHECK(folder_names({"/data/a", "/data/a", "/data/a"}) == Names{"data/a", "data/a-2", "data/a-3"});
  CHECK(folder_names({"/data/a,\"b\""}) == Names{"a__b_"});
}

TEST_CASE("each validation photo has its own rain, the same every time", "[train]") {
  const Folder folder;
  TrainConfig config = config_of({{folder / "photos", 1}});
  const Validation one(config), two(config);
  REQUIRE(one.images().size() == 4);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(one.images()[k].rainy == two.images()[k].rainy);
    CHECK(one.images()[k].rainy != one.images()[k].clean);
  }
  // The rain on two photos differs, not only the photos.
  const auto wet = [&](std::size_t k) {
    std::vector<bool> where;
    for (std::size_t i = 0; i < one.images()[k].rainy.size(); ++i)
      where.push_back(one.images()[k].rainy[i] != one.images()[k].clean[i]);
    return where;
  };
  CHECK(wet(0) != wet(1));
  config.seed = 2;
  CHECK(Validation(config).images()[0].rainy != one.images()[0].rainy);
}

TEST_CASE("validation scores rounded images", "[train]") {
  const Folder folder;
  const TrainConfig config = config_of({{folder / "pairs", 1}});
  const Validation validation(config);
  const auto network = model::make_network(model::init_parameters("SAPNet", 1), {});
  const Validation::Result result = validation.run(*network, engine::Device::kCpu, 1);
  REQUIRE(result.derained.size() == 2);
  std::vector<Scores> scores;
  for (std::size_t k = 0; k < 2; ++k) {
    const auto& image = validation.images()[k];
    scores.push_back(score(result.derained[k], image.clean, image.width, image.height));
    CHECK(result.scores[k].ssim_rgb == scores[k].ssim_rgb);
  }
  CHECK(result.mean.psnr_rgb == mean(scores).psnr_rgb);
  CHECK(result.scores[0].psnr_rgb != result.scores[1].psnr_rgb);
}

}  // namespace
}  // namespace sapnet::train
