// The sanitizer of the code under test: SAPNET_TEST_ASAN, SAPNET_TEST_TSAN, or neither. Whole-program tests
// are built without sanitizers; for them tests/CMakeLists.txt defines the macro.
#pragma once

#if defined(SAPNET_TEST_ASAN)
#elif defined(__SANITIZE_ADDRESS__)  // GCC's name for it
#define SAPNET_TEST_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SAPNET_TEST_ASAN
#elif __has_feature(thread_sanitizer)
#define SAPNET_TEST_TSAN
#endif
#endif
