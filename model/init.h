// Random weight initialisation. The same seed gives the same weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sapnet::model {

/// `count` values for parameter number `parameter` of a network, uniform in [-limit, limit).
std::vector<float> init_uniform(std::uint64_t seed, std::uint32_t parameter, std::size_t count, double limit);

/// The same with a normal distribution of mean 0.
std::vector<float> init_normal(std::uint64_t seed, std::uint32_t parameter, std::size_t count,
                               double deviation);

}  // namespace sapnet::model
