// Which device a network runs on, and in which precision.
#pragma once

#include <memory>
#include <string>

#include "apps/options.h"
#include "engine/execution.h"
#include "engine/parameters.h"
#include "model/network.h"

namespace sapnet::apps {

struct ChosenNetwork {
  engine::Execution execution;
  std::unique_ptr<model::Network> network;
  std::string warning;  // a sentence when there is a GPU and it is not used all the same
};

/// The network of these weights, which dilate or not, as `options` ask for. Device auto is the GPU if there
/// is one and it passes the trial below, else the CPU. Precision is fp16 on a GPU and fp32 on the CPU when
/// none is asked for. Throws Error for a device that is not there, for fp16 on the CPU, and for weights of no
/// network.
ChosenNetwork choose_network(const engine::Parameters& weights, const InferOptions& options,
                             bool dilation = true);

/// Derains a small picture with both networks, `candidate` on its device and `trusted` on the CPU. Returns
/// why the candidate is not to be used, which ends a sentence: it fails, or its picture is another. Empty
/// when it may be used. So a GPU that the kernels were never tried on gives no wrong pictures unasked.
std::string trial(const model::Network& candidate, engine::Device device, const model::Network& trusted);

}  // namespace sapnet::apps
