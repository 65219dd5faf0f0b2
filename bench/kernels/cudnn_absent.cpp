#include "bench/kernels/cudnn.h"
#include "engine/error.h"

namespace sapnet::bench::cudnn {
namespace {

constexpr const char* kAbsent = "this build is without cuDNN";

}  // namespace

std::string unavailable_reason() { return kAbsent; }
std::string name() { return "cuDNN"; }
void check(const Convolution& /*convolution*/) { throw Error(kAbsent); }
std::vector<double> time_convolution(const Convolution& /*convolution*/, int /*repeat*/,
                                     nlohmann::ordered_json& /*chosen*/) {
  throw Error(kAbsent);
}

}  // namespace sapnet::bench::cudnn
