// Chooses the device and the precision of a network.
#pragma once

#include <memory>
#include <string>

#include "apps/infer/options.h"
#include "engine/execution.h"
#include "engine/parameters.h"
#include "model/network.h"

namespace sapnet::apps {

struct ChosenNetwork {
  engine::Execution execution;
  std::unique_ptr<model::Network> network;
  std::string warning;  // why an available GPU is not used; else empty
};

/// Builds the network of these weights, with or without dilation, according to `options`. Device auto is the
/// GPU if there is one and it passes the self-test below, else the CPU. The default precision is fp16 on a
/// GPU and fp32 on the CPU. Throws Error for a missing device, for fp16 on the CPU, and for weights of an
/// unknown network.
ChosenNetwork choose_network(const engine::Parameters& weights, const InferOptions& options,
                             bool dilation = true);

/// Derains a small image with `candidate` on its device and with `reference` on the CPU. Returns why the
/// candidate must not be used (it fails, or its result differs), or an empty string. This prevents wrong
/// results on GPUs on which the kernels have not been tested.
std::string self_test(const model::Network& candidate, engine::Device device,
                      const model::Network& reference);

}  // namespace sapnet::apps
