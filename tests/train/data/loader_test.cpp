#include "train/data/loader.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "engine/error.h"
#include "tests/catch.h"

namespace sapnet::train {
namespace {

/// Returns its arguments; index 13 fails on request.
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
  // Six epochs, each with all samples in a different order.
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
