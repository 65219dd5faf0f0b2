// Tests that need a GPU, and their skipping where there is none.
#pragma once

namespace sapnet::tests {

/// Whether kernels can run here, on a GPU or an emulated one. Where they cannot, the running test has nothing
/// more to do: it counts as skipped or, with SAPNET_REQUIRE_GPU=1 in the environment, fails.
bool have_gpu();

/// How many tests have been skipped so far.
int skipped_tests();

}  // namespace sapnet::tests
