// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/optimizer.hpp>
#include <pretext/optimizer/adamw.hpp>
#include <pretext/optimizer/sgd.hpp>

#include "support/catch.hpp"

namespace px = pretext;

// [doc:own_optimizer]
/// Lion: the sign of a mixed momentum (Chen et al. 2023, arXiv:2302.06675).
struct lion {
  px::setting<double> rate = px::default_value(1e-4);
  px::setting<double> beta1 = px::default_value(0.9);
  px::setting<double> beta2 = px::default_value(0.99);
  px::setting<double> decay = px::default_value(0.0);

  static constexpr const char* name = "lion";
  static constexpr int states = 1;
  static constexpr bool needs_norms = false;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("rate", self.rate);
    visit("beta1", self.beta1);
    visit("beta2", self.beta2);
    visit("decay", self.decay);
  }
  static constexpr void write_inputs(px::player_inputs&, std::uint64_t) {}

  template <class T>
  struct coefficients {
    T rate, keep, b1, b2;
  };
  template <class T>
  constexpr coefficients<T> prepare(const px::update_range& r, const px::player_inputs& in, double, double) const {
    const double now = in.rate * r.rate_multiplier;
    return {static_cast<T>(now), static_cast<T>(1 - now * decay * r.decay_multiplier), static_cast<T>(beta1.value()),
            static_cast<T>(beta2.value())};
  }
  template <class M, class C, class V>
  static constexpr void apply(const C& c, const V& g, V& p, V& m, V&) {
    const V mixed = V(c.b1) * m + (V(1) - V(c.b1)) * g;
    const V sign = M::select(mixed > V(0), V(1), M::select(mixed < V(0), V(-1), V(0)));
    p = V(c.keep) * p - V(c.rate) * sign;
    m = V(c.b2) * m + (V(1) - V(c.b2)) * g;
  }
};
// [/doc:own_optimizer]

TEST_CASE("check::optimizer: the page's rule obeys every law", "[check][optimizer][docs]") {
  // [doc:check_optimizer]
  const px::check::result found = px::check::optimizer(lion{.rate = 1e-3});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_optimizer]
}

TEST_CASE("check::optimizer: the library's rules obey every law", "[check][optimizer]") {
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::optimizer(px::optimizer::adamw{}));
  holds(px::check::optimizer(px::optimizer::adam{}));
  holds(px::check::optimizer(px::optimizer::sgd{}));
  holds(px::check::optimizer(px::optimizer::sgd{.nesterov = true}));
  holds(px::check::optimizer(px::optimizer::sgd{.momentum = 0.0}));
  holds(px::check::optimizer(px::optimizer::lars{}));
}

namespace {

enum class mistake { none, ascends, moves_at_rate_zero, ignores_the_multiplier, ignores_decay_multiplier, divides_by_its_state, drifts,
                     remembers, knows_its_range, ignores_decay };
int calls_so_far = 0;

/// Gradient descent with decoupled decay and one mistake.
template <mistake M>
struct descent {
  px::setting<double> rate = px::default_value(0.1);
  px::setting<double> decay = px::default_value(0.0);
  static constexpr const char* name = "descent";
  static constexpr int states = 1;
  static constexpr bool needs_norms = false;
  static constexpr void write_inputs(px::player_inputs&, std::uint64_t) {}
  template <class T>
  struct coefficients {
    T rate, keep, drift;
  };
  template <class T>
  constexpr coefficients<T> prepare(const px::update_range& r, const px::player_inputs& in, double, double) const {
    const double now = M == mistake::moves_at_rate_zero ? static_cast<double>(rate)
                                                        : in.rate * (M == mistake::ignores_the_multiplier ? 1.0 : r.rate_multiplier);
    const double share = M == mistake::ignores_decay_multiplier ? 1.0 : M == mistake::ignores_decay ? 0.0 : r.decay_multiplier;
    const double size = M == mistake::knows_its_range ? static_cast<double>(r.size) : 32.0;
    return {static_cast<T>(now * 32 / size), static_cast<T>(1 - now * decay * share), static_cast<T>(M == mistake::drifts ? now * 1e-3 : 0)};
  }
  template <class Math, class C, class V>
  static void apply(const C& c, const V& g, V& p, V& s, V&) {
    if (M == mistake::remembers && ++calls_so_far % 1000 == 0) p = p + V(1e-9);
    p = V(c.keep) * p + (M == mistake::ascends ? V(c.rate) : V(0) - V(c.rate)) * (M == mistake::divides_by_its_state ? g * g / s : g);
    p = p - V(c.drift);
    s = s + g * g;
  }
};
template <mistake M>
px::check::result planted() {
  return px::check::optimizer(descent<M>{});
}

}  // namespace

TEST_CASE("check::optimizer: planted defects are named", "[check][optimizer]") {
  INFO(planted<mistake::none>().text());
  CHECK(planted<mistake::none>().ok());
  CHECK(planted<mistake::ascends>().broken("it descends a quadratic"));
  CHECK(planted<mistake::moves_at_rate_zero>().broken("a rate of zero changes nothing"));
  CHECK(planted<mistake::ignores_the_multiplier>().broken("a rate multiplier of zero freezes"));
  CHECK(planted<mistake::ignores_the_multiplier>().broken("a rate multiplier acts as the rate"));
  CHECK(planted<mistake::ignores_decay_multiplier>().broken("a decay multiplier of zero switches decay off"));
  CHECK(planted<mistake::ignores_decay>().broken("decay, where it is set, has an effect"));
  CHECK(planted<mistake::divides_by_its_state>().broken("the first update, from states of zero, is finite and goes down"));
  CHECK(planted<mistake::drifts>().broken("without gradient and decay nothing moves"));
  CHECK(planted<mistake::remembers>().broken("the same run gives the same bits"));
  CHECK(planted<mistake::knows_its_range>().broken("how the ranges are cut does not matter"));
  CHECK_FALSE(planted<mistake::ignores_decay>().broken("it descends a quadratic"));
}
