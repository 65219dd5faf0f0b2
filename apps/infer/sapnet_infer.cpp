// sapnet-infer: removes rain from images and video frames.
#include <cstdio>

#include "apps/common/plan.h"
#include "apps/common/program.h"
#include "apps/infer/derainer.h"
#include "apps/infer/images.h"
#include "apps/infer/options.h"
#include "apps/infer/video.h"

namespace {

sapnet::apps::Derainer make_derainer(const sapnet::apps::InferOptions& options) {
  sapnet::apps::Derainer derainer(options);
  if (!derainer.warning().empty())
    std::fprintf(stderr, "sapnet-infer: warning: %s\n", derainer.warning().c_str());
  return derainer;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sapnet::apps;
  return run_program("sapnet-infer", argv, [&] {
    const auto options = parse_infer_options(argc, argv);
    if (!options) return 0;
    if (options->video) return run_video(*options, make_derainer(*options));
    const Plan plan = plan_images(options->files);
    return derain_images(*options, plan, make_derainer(*options));
  });
}
