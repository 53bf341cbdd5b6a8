// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/list.hpp"

#include <memory>
#include <string>
#include <utility>

#include "support/catch.hpp"

namespace px = pretext;

namespace {
struct counted {
  static inline int alive = 0;
  int value = 7;
  counted() { ++alive; }
  counted(const counted& o) : value(o.value) { ++alive; }
  counted& operator=(const counted&) = default;
  ~counted() { --alive; }
};

constexpr bool works_in_constant_evaluation() {
  px::list<int> l(2);
  l.add() = 5;
  l[0] = 1;
  px::list<int> moved = std::move(l);
  return moved.size() == 3 && moved[0] == 1 && moved[1] == 0 && moved.back() == 5;
}
static_assert(works_in_constant_evaluation());
}  // namespace

TEST_CASE("list: elements have their default value, and all are destroyed", "[core][list]") {
  {
    px::list<counted> l(3);
    CHECK(l.size() == 3);
    for (const counted& c : l) CHECK(c.value == 7);
    for (int i = 0; i < 20; ++i) l.add().value = i;
    CHECK(l.size() == 23);
    for (std::size_t i = 0; i < 20; ++i) CHECK(l[3 + i].value == static_cast<int>(i));
    CHECK(l.back().value == 19);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("list: what was cut away comes back as a default value", "[core][list]") {
  px::list<std::string> l;
  CHECK(l.empty());
  l.add() = "first";
  l.add() = "a name that is longer than a string holds in itself";
  l.cut(1);
  CHECK(l.size() == 1);
  CHECK(l[0] == "first");
  CHECK(l.add().empty());
  l.cut(0);
  CHECK(l.empty());
  CHECK(l.begin() == l.end());
}

TEST_CASE("list: moves, also of elements that cannot be copied", "[core][list]") {
  px::list<std::unique_ptr<int>> l(1);
  l[0] = std::make_unique<int>(3);
  l.add() = std::make_unique<int>(4);
  px::list<std::unique_ptr<int>> other(std::move(l));
  REQUIRE(other.size() == 2);
  CHECK(*other[1] == 4);
  l = std::move(other);
  REQUIRE(l.size() == 2);
  CHECK(*l[0] == 3);
  CHECK(px::view_of(l).size() == 2);
  CHECK(px::view_of(l).data() == l.data());
}
