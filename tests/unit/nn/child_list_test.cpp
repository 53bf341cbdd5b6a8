// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/nn/child_list.hpp>

#include <type_traits>

#include "support/catch.hpp"

namespace {

struct base {};
struct empty : base {};

using list = pretext::nn::detail::child_list<int, empty, double, int>;

}  // namespace

TEST_CASE("child_list: children are told apart by position", "[nn]") {
  using pretext::nn::detail::child;
  list l;
  CHECK(child<0>(l) == 0);
  CHECK(child<2>(l) == 0.0);
  child<0>(l) = 1;
  child<2>(l) = 2.5;
  child<3>(l) = 3;
  child<1>(l) = empty{};  // an empty one with a base leaves its neighbours alone
  const list copy = l;
  CHECK(child<0>(copy) == 1);
  CHECK(child<2>(copy) == 2.5);
  CHECK(child<3>(copy) == 3);
  STATIC_REQUIRE(std::is_same_v<pretext::nn::detail::child_type<list, 2>, double>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<list>);
}

TEST_CASE("child_list: with_children passes all in order", "[nn]") {
  list l;
  pretext::nn::detail::with_children(
      [](int& a, empty&, double& b, int& c) {
        a = 4;
        b = 5;
        c = 6;
      },
      l);
  CHECK(pretext::nn::detail::with_children([](int a, const empty&, double b, int c) { return a + b + c; }, l) == 15);
}

TEST_CASE("child_list: works in constant evaluation", "[nn]") {
  constexpr int sum = [] {
    list l;
    pretext::nn::detail::child<3>(l) = 7;
    return pretext::nn::detail::child<0>(l) + pretext::nn::detail::child<3>(l);
  }();
  STATIC_REQUIRE(sum == 7);
}
