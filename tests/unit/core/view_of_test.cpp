// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/core/view_of.hpp>

#include <span>
#include <string>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("view_of: a span of the list's own elements", "[core]") {
  const std::vector<std::string> list{"a", "b"};
  const std::span<const std::string> view = pretext::view_of(list);
  CHECK(view.data() == list.data());
  CHECK(view.size() == 2);
  CHECK(pretext::view_of(std::vector<int>{}).empty());
}
