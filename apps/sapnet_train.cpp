// sapnet-train: trains a network to take rain out of pictures.
#include "apps/program.h"
#include "apps/train_options.h"
#include "apps/training.h"

int main(int argc, char** argv) {
  using namespace sapnet::apps;
  return run_program("sapnet-train", argv, [&] {
    const auto options = parse_train_options(argc, argv);
    return options ? run_training(*options) : 0;
  });
}
