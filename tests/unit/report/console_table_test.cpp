// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/console_table.hpp"

#include <string>

#include "support/catch.hpp"

namespace report = pretext::report;

TEST_CASE("console_table: numbers align to the right, names to the left", "[report][console_table]") {
  report::table t;
  t.title = "Accuracy";
  t.columns = {"labels", "scratch", "note"};
  t.rows = {{"1", "15.2 ± 1.1", "few"}, {"100", "-", ""}, {"all", "7"}};
  CHECK(report::console_table(t) ==
        "Accuracy\n"
        "labels      scratch   note\n"
        "──────   ──────────   ────\n"
        "1        15.2 ± 1.1   few\n"
        "100               -\n"
        "all               7\n");
}

TEST_CASE("console_table: wide and combined characters count by what they take on the screen", "[report][console_table]") {
  report::table t;
  t.columns = {"name", "n"};
  t.rows = {{"猫", "1"}, {"e\xCC\x81t\xC3\xA9", "22"}, {"plain", "333"}};
  CHECK(report::console_table(t, false) ==
        "name      n\n"
        "-----   ---\n"
        "猫        1\n"
        "e\xCC\x81t\xC3\xA9      22\n"
        "plain   333\n");
}

TEST_CASE("console_table: rows may be short, long, or missing", "[report][console_table]") {
  CHECK(report::console_table({}).empty());
  report::table t;
  t.columns = {"a"};
  CHECK(report::console_table(t, false) == "a\n-\n");
  t.rows = {{}, {"1", "2"}};
  CHECK(report::console_table(t, false) == "a\n-   -\n\n1   2\n");
  t.columns.clear();
  CHECK(report::console_table(t, false) == "\n1   2\n");
}

TEST_CASE("console_table: control characters do not reach the terminal", "[report][console_table]") {
  report::table t;
  t.rows = {{"a\x1b[31m\nb"}};
  CHECK(report::console_table(t) == "a [31m b\n");
}

TEST_CASE("text: what looks numeric is aligned as a number", "[report][text]") {
  using pretext::report::detail::looks_numeric;
  for (const char* yes : {"1", "-1.5", "+2", "1,234", "15.2 ± 1.1", "59.6%", "1e-5"}) CHECK(looks_numeric(yes));
  for (const char* no : {"", "-", "x1", "3 layers", "conv", "1:02"}) CHECK_FALSE(looks_numeric(no));
}
