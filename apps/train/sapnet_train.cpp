// sapnet-train: trains a deraining network.
#include <cstdio>

#include "apps/common/format.h"
#include "apps/common/program.h"
#include "apps/train/options.h"
#include "apps/train/run_comparison.h"
#include "apps/train/training.h"

int main(int argc, char** argv) {
  using namespace sapnet::apps;
  return run_program("sapnet-train", argv, [&] {
    const auto options = parse_train_options(argc, argv);
    if (!options) return 0;
    if (options->compare.empty()) return run_training(*options);
    compare_runs(options->compare, options->out);
    std::fprintf(stderr, "sapnet-train: curves %s\n", url_of(options->out).c_str());
    return 0;
  });
}
