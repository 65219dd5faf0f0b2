// Which sanitizer the tests are built with: SAPNET_TEST_ASAN, SAPNET_TEST_TSAN, or neither.
#pragma once

#if defined(__SANITIZE_ADDRESS__)  // GCC's word
#define SAPNET_TEST_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SAPNET_TEST_ASAN
#elif __has_feature(thread_sanitizer)
#define SAPNET_TEST_TSAN
#endif
#endif
