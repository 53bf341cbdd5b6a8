// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/core/error.hpp>
#include <pretext/core/text.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace pretext;

TEST_CASE("text: parts are written one after another", "[core][text]") {
  const std::string name = "b\0c";
  const std::string_view none;
  CHECK(joined({}) == "");
  CHECK(joined({"a", none, name, std::string("dd"), ""}) == "abdd");
  std::string out = "x";
  append(out, {1, ",", 2u, 'z'});
  CHECK(out == "x1,2z");
}

TEST_CASE("text: numbers are written as std::to_string does", "[core][text]") {
  CHECK(joined({std::numeric_limits<std::int64_t>::min()}) == std::to_string(std::numeric_limits<std::int64_t>::min()));
  CHECK(joined({std::numeric_limits<std::uint64_t>::max()}) == std::to_string(std::numeric_limits<std::uint64_t>::max()));
  CHECK(joined({-1, " ", static_cast<short>(-7), " ", static_cast<unsigned char>(200)}) == "-1 -7 200");
  for (double v : {0.0, -0.5, 0.07, 1e-9, 1e22, std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity()})
    CHECK(joined({v}) == std::to_string(v));
  CHECK(joined({0.2f}) == std::to_string(0.2f));
}

TEST_CASE("text: a number may bring the function that writes it", "[core][text]") {
  const pretext::piece twice([](std::string& out, double v) { append(out, {static_cast<int>(2 * v)}); }, 4.5);
  CHECK(joined({"<", twice, ",", twice, ">"}) == "<9,9>");
}

TEST_CASE("error: a message from parts is the message", "[core][error]") {
  const error e("io.301", {"model: header of ", 60, " bytes"});
  CHECK(std::string(e.what()) == "pretext[io.301] model: header of 60 bytes");
  CHECK(e.id() == "io.301");
}

TEST_CASE("text: add_pair appends the two texts", "[core][text]") {
  std::vector<std::pair<std::string, std::string>> list;
  const std::string name = "rate";
  add_pair(list, name, "0.1");
  add_pair(list, std::string("0.") + "1", std::string_view("ab").substr(1));
  REQUIRE(list.size() == 2);
  CHECK(list[0] == std::pair<std::string, std::string>("rate", "0.1"));
  CHECK(list[1] == std::pair<std::string, std::string>("0.1", "b"));
}
