// Skips tests that need a GPU where there is none.
#pragma once

namespace sapnet::tests {

/// Whether kernels can run, on a real or emulated GPU. If not, the running test should return: it counts as
/// skipped or, with SAPNET_REQUIRE_GPU=1 in the environment, as failed.
bool have_gpu();

/// The number of tests skipped so far.
int skipped_tests();

}  // namespace sapnet::tests
