#include "apps/common/format.h"

#include "tests/catch.h"

namespace sapnet::apps {
namespace {

TEST_CASE("a path is quoted for the shell", "[train]") {
  CHECK(quoted("run/a-1.b") == "run/a-1.b");
  CHECK(quoted("my run") == "'my run'");
  CHECK(quoted("it's") == "'it'\\''s'");
  CHECK(quoted("$HOME") == "'$HOME'");
}

TEST_CASE("a file is formatted as a URL", "[train]") {
  CHECK(url_of("/a/../b/my run 100%.html") == "file:///b/my%20run%20100%25.html");
  CHECK(url_of("/é") == "file:///%C3%A9");
}

}  // namespace
}  // namespace sapnet::apps
