#include "engine/ops/wgrad_queue.h"

#include <algorithm>
#include <utility>

#include "kernels/conv2d/conv2d.h"

namespace sapnet::engine {

void WgradQueue::Batch::launch() {
  conv2d_wgrad(inputs, *weights);
  inputs.clear();
  if (launched) launched();
}

void WgradQueue::add(const Conv2dWeights& weights, WgradInput input, std::function<void()> launched) {
  auto batch = std::ranges::find(batches_, &weights, &Batch::weights);
  if (batch == batches_.end()) batch = batches_.insert(batch, {&weights, std::move(launched), {}});
  if (batch->inputs.size() == kernels::kMaxWgradInputs ||
      (!batch->inputs.empty() && !same_layout(batch->inputs.front(), input)))
    batch->launch();
  batch->inputs.push_back(std::move(input));
}

void WgradQueue::flush() {
  for (Batch& batch : batches_) batch.launch();
  batches_.clear();
}

}  // namespace sapnet::engine
