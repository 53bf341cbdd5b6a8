// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/settings.hpp"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace px = pretext;
using px::default_value;
using px::setting;

namespace {

struct loss {
  setting<float> temperature = default_value(0.5f);
  setting<bool> symmetric = default_value(true);
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("temperature", self.temperature);
    visit("symmetric", self.symmetric);
  }
};
struct plain {};  // a policy without settings
struct chain {
  loss first{}, second{};
  plain nothing{};
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("first", self.first);
    visit("nothing", self.nothing);
    visit("second", self.second);
  }
};
struct all {
  loss objective{};
  chain views{};
  setting<long> batch = default_value(256);
  setting<double> rate = default_value(1e-3);
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("objective", self.objective);
    visit("views", self.views);
    visit("batch", self.batch);
    visit("rate", self.rate);
  }
};

struct dotted {
  std::string text;
  dotted operator/(std::string_view n) const { return {text.empty() ? std::string(n) : text + "." + std::string(n)}; }
};

constexpr all resolved(all user) {
  all recipe{};
  recipe.objective.temperature = 0.2f;
  recipe.views.second.symmetric = false;
  recipe.batch = 64;
  px::inherit_settings(user, recipe);
  return user;
}

}  // namespace

static_assert(loss{}.temperature == 0.5f && !loss{}.temperature.chosen());
static_assert(loss{.temperature = 0.1f}.temperature.chosen() && !loss{.temperature = 0.1f}.symmetric.chosen());
static_assert(px::HasFields<all> && !px::HasFields<plain> && px::is_setting<setting<int>> && !px::is_setting<int>);

// user > recipe > policy, also nested, and naming one number resets no other
static_assert(resolved({}).objective.temperature == 0.2f && resolved({}).batch == 64);
static_assert(resolved({}).rate == 1e-3 && !resolved({}).rate.chosen());
static_assert(resolved({.objective = {.temperature = 0.7f}}).objective.temperature == 0.7f);
static_assert(resolved({.objective = {.symmetric = false}}).objective.temperature == 0.2f);
static_assert(!resolved({.batch = 8}).views.second.symmetric && resolved({.batch = 8}).views.first.symmetric);
static_assert(resolved({.views = {.second = {.temperature = 0.9f}}}).views.second.temperature == 0.9f);
static_assert(!resolved({.views = {.second = {.temperature = 0.9f}}}).views.second.symmetric);
// a user who chooses the policy's own default gets it, though the recipe says otherwise
static_assert(resolved({.objective = {.temperature = 0.5f}}).objective.temperature == 0.5f);
static_assert(resolved({.batch = 256}).batch == 256);

TEST_CASE("setting: assignment chooses, copying keeps whether it was chosen", "[core][settings]") {
  setting<long> s = default_value(3);
  CHECK(!s.chosen());
  setting<long> copy = s;
  CHECK(!copy.chosen());
  s = 5;
  CHECK(s.chosen());
  CHECK(s == 5);
  copy = s;
  CHECK(copy.chosen());
  copy.inherit(setting<long>(9));
  CHECK(copy == 5);
  setting<long> open = default_value(1);
  open.inherit(setting<long>(9));
  CHECK(open == 9);
  CHECK(open.chosen());
  const setting<long> fresh = default_value(7);
  setting<long> still_open = default_value(1);
  still_open.inherit(fresh);
  CHECK(still_open == 7);
  CHECK(!still_open.chosen());  // a default over a default can still be chosen
}

TEST_CASE("settings: every one is visited once, in order, under its dotted name", "[core][settings]") {
  all a{};
  std::vector<std::string> names;
  px::visit_settings(a, dotted{}, [&](const dotted& name, auto& s) {
    names.push_back(name.text);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(s)>, setting<float>>) s = 0.25f;
  });
  CHECK(names == std::vector<std::string>{"objective.temperature", "objective.symmetric", "views.first.temperature", "views.first.symmetric",
                                          "views.second.temperature", "views.second.symmetric", "batch", "rate"});
  CHECK(a.views.second.temperature == 0.25f);
  CHECK(a.views.second.temperature.chosen());
  const all& constant = a;
  std::size_t count = 0;
  px::visit_settings(constant, dotted{}, [&](const dotted&, const auto&) { ++count; });
  CHECK(count == names.size());
}
