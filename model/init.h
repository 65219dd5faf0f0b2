// Weights for networks that begin with none. The same seed gives the same weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sapnet::model {

/// Parameter number `parameter` of a network: `count` numbers, evenly from [-limit, limit).
std::vector<float> init_uniform(std::uint64_t seed, std::uint32_t parameter, std::size_t count, double limit);

/// The same, normally distributed around 0.
std::vector<float> init_normal(std::uint64_t seed, std::uint32_t parameter, std::size_t count,
                               double deviation);

}  // namespace sapnet::model
