// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/result.hpp>

#include "support/catch.hpp"

using pretext::check::result;

TEST_CASE("check::result: it is ok when every law holds and there was one", "[check]") {
  result r("thing");
  CHECK_FALSE(r.ok());
  r.add("first", true, "0.5");
  CHECK(r.ok());
  CHECK(r.text() == "thing: all laws hold\n  holds   first: 0.5\n");
  r.add("second", false);
  CHECK_FALSE(r.ok());
  CHECK(r.broken("second"));
  CHECK_FALSE(r.broken("first"));
  CHECK_FALSE(r.broken("third"));
  CHECK(r.find("third") == nullptr);
  CHECK(r.find("first")->detail == "0.5");
  CHECK(r.text() == "thing: BROKEN\n  holds   first: 0.5\n  BROKEN  second\n");
}
