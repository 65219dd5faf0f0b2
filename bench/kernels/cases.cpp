#include "bench/kernels/cases.h"

#include <algorithm>

namespace sapnet::bench {
namespace {

constexpr std::int64_t kChannels = 32, kStages = 6, kBatch = 12, kPatch = 100;  // of SAPNet; of the paper
constexpr std::array<std::int64_t, 5> kDilations = {1, 2, 4, 8, 16};

struct Size {
  std::int64_t n, h, w;
};

constexpr Size kTraining = {kBatch, kPatch, kPatch};
constexpr std::array<Size, 4> kSizes = {kTraining, {1, 321, 481}, {1, 1080, 1920}, {1, 2160, 3840}};

Case conv2d(const Size& size, std::array<std::int64_t, 2> in, std::int64_t out, Pass pass = Pass::kForward,
            std::int64_t dilation = 1, std::int64_t kernel = 3) {
  return {Operation::kConv2d, pass, size.n, size.h, size.w, in, out, kernel, dilation};
}

Case on_maps(Operation operation, Pass pass, const Size& size, std::int64_t channels) {
  return {operation, pass, size.n, size.h, size.w, {channels, 0}};
}

void add_sapnet_forward(std::vector<Case>& to, const Size& size) {
  to.push_back(conv2d(size, {3, 3}, kChannels));
  to.push_back(
      {Operation::kConvLstm, Pass::kForward, size.n, size.h, size.w, {kChannels, kChannels}, 4 * kChannels});
  for (const std::int64_t dilation : kDilations)
    to.push_back({Operation::kAttendedConv,
                  Pass::kForward,
                  size.n,
                  size.h,
                  size.w,
                  {kChannels, 0},
                  kChannels,
                  3,
                  dilation});
  to.push_back(conv2d(size, {kChannels, 0}, 3));
}

void add_sapnet_backward(std::vector<Case>& to, const Size& size) {
  to.push_back(conv2d(size, {3, 0}, kChannels, Pass::kDgrad));
  to.push_back(conv2d(size, {kChannels, 0}, 3, Pass::kWgrad));
  for (const std::int64_t dilation : kDilations) {
    to.push_back(conv2d(size, {kChannels, 0}, kChannels, Pass::kDgrad, dilation));
    to.push_back(conv2d(size, {kChannels, 0}, kChannels, Pass::kWgrad, dilation));
  }
  to.push_back(on_maps(Operation::kConvLstm, Pass::kBackward, size, kChannels));
  to.push_back(conv2d(size, {4 * kChannels, 0}, 2 * kChannels, Pass::kDgrad));
  to.push_back(conv2d(size, {kChannels, kChannels}, 4 * kChannels, Pass::kWgrad));
  to.push_back(conv2d(size, {3, 3}, kChannels, Pass::kWgrad));
  // As in a training step, where every stage uses the weights.
  for (Case layer :
       {conv2d(size, {3, 3}, kChannels, Pass::kWgrad), conv2d(size, {kChannels, 0}, kChannels, Pass::kWgrad),
        conv2d(size, {kChannels, kChannels}, 4 * kChannels, Pass::kWgrad)}) {
    layer.uses = kStages;
    layer.n *= kStages;
    to.push_back(layer);
  }
}

/// The distinct convolutions of VGG-16, forward and backward, and its first pooling layer.
void add_vgg(std::vector<Case>& to) {
  struct Layer {
    std::int64_t side, in, out;
  };
  for (const auto& [side, in, out] : {Layer{100, 3, 64},
                                      {100, 64, 64},
                                      {50, 64, 128},
                                      {50, 128, 128},
                                      {25, 128, 256},
                                      {25, 256, 256},
                                      {12, 256, 512},
                                      {12, 512, 512},
                                      {6, 512, 512}}) {
    to.push_back(conv2d({kBatch, side, side}, {in, 0}, out));
    to.push_back(conv2d({kBatch, side, side}, {out, 0}, in, Pass::kDgrad));
  }
  for (const Pass pass : {Pass::kForward, Pass::kBackward})
    to.push_back(on_maps(Operation::kMaxPool, pass, kTraining, 64));
}

/// Of the segmentation ResNet, whose 1×1 convolutions use cuBLAS.
void add_products(std::vector<Case>& to) {
  to.push_back(conv2d({kBatch, 25, 25}, {64, 0}, 256, Pass::kForward, 1, 1));
  to.push_back(conv2d({kBatch, 7, 7}, {1024, 0}, 256, Pass::kForward, 1, 1));
}

std::string times(std::int64_t a, std::int64_t b) { return std::to_string(a) + "×" + std::to_string(b); }

}  // namespace

kernels::Conv2dProblem Case::conv() const {
  return {n, h, w, in, out, kernel, 1, dilation, dilation * (kernel - 1) / 2};
}

std::string Case::operation_name() const {
  switch (operation) {
    case Operation::kConv2d:
      return "conv2d";
    case Operation::kConvLstm:
      return "conv_lstm";
    case Operation::kAttendedConv:
      return "attended_conv";
    case Operation::kMaxPool:
      return "max_pool";
    case Operation::kSsim:
      return "ssim";
    case Operation::kFocal:
      return "focal";
    case Operation::kAdam:
      return "adam";
  }
  return "";
}

std::string Case::pass_name() const {
  switch (pass) {
    case Pass::kForward:
      return "forward";
    case Pass::kDgrad:
      return "dgrad";
    case Pass::kWgrad:
      return "wgrad";
    case Pass::kBackward:
      return "backward";
  }
  return "";
}

std::string Case::shape_name() const {
  if (operation == Operation::kAdam) return std::to_string(w) + " parameters";
  std::string name;
  if (out > 0)
    name = std::to_string(in[0] + in[1]) + "→" + std::to_string(out) + ", " + times(kernel, kernel) + ", " +
           (dilation > 1 ? "dilation " + std::to_string(dilation) + ", " : "");
  else
    name = std::to_string(in[0]) + " channels, ";
  if (uses > 1) name += std::to_string(uses) + " times ";
  const std::int64_t images = n / uses;
  return name + (images > 1 ? std::to_string(images) + "×" : "") + times(h, w);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Size& size : kSizes) add_sapnet_forward(all, size);
  add_sapnet_backward(all, kTraining);
  add_vgg(all);
  add_products(all);
  for (const Pass pass : {Pass::kForward, Pass::kBackward}) {
    all.push_back(on_maps(Operation::kSsim, pass, kTraining, 3));
    all.push_back(on_maps(Operation::kSsim, pass, kSizes.back(), 3));
    all.push_back(on_maps(Operation::kFocal, pass, {kBatch, 25, 25}, 21));
  }
  all.push_back({.operation = Operation::kAdam, .w = 180'483});
  return all;
}

}  // namespace sapnet::bench
