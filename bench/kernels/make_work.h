// The implementations of make_work().
#pragma once

#include "bench/kernels/timing.h"
#include "bench/kernels/work.h"

namespace sapnet::bench {

Work make_convolution_work(const Case& what, const engine::Execution& execution);
Work make_other_work(const Case& what, const engine::Execution& execution);

}  // namespace sapnet::bench
