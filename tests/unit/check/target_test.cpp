// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/backend/reference/reference.hpp>
#include <pretext/check/target.hpp>

#include "support/catch.hpp"

namespace px = pretext;

namespace {
/// A slow teacher, as docs/policies/target.md has it.
struct slow_teacher {
  px::setting<double> momentum = px::default_value(0.999);
  px::setting<double> last_momentum = px::default_value(1.0);
  static constexpr const char* name = "slow_teacher";
  static constexpr bool is_target = true;
  static constexpr bool mirrors = true;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("momentum", self.momentum);
    visit("last_momentum", self.last_momentum);
  }
};
}  // namespace

TEST_CASE("check::target: the page's target obeys every law", "[check][target][docs]") {
  // [doc:check_target]
  const px::check::result found = px::check::target(slow_teacher{});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_target]
}

TEST_CASE("check::target: the library's targets and queues obey every law", "[check][target]") {
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
    CHECK(r.laws().size() >= 3);
  };
  holds(px::check::target(px::target::none{}));
  holds(px::check::target(px::target::stop_gradient{}));
  holds(px::check::target(px::target::ema{}));
  holds(px::check::target(px::target::ema{.momentum = 0.5, .last_momentum = 0.5}));
  holds(px::check::target(px::target::queue{}));
  holds(px::check::target(px::target::no_queue{}));
}

namespace {

struct overshoots : slow_teacher {
  static constexpr const char* name = "overshoots";
  overshoots() { momentum = 1.01; }
};
struct frozen_for_good : slow_teacher {
  static constexpr const char* name = "frozen_for_good";
  frozen_for_good() { momentum = last_momentum = 1.0; }
};
struct the_network_itself : slow_teacher {
  static constexpr const char* name = "the_network_itself";
  the_network_itself() { momentum = last_momentum = 0.0; }
};
struct borrowed_name : px::target::ema {};
struct forgets_a_field : slow_teacher {
  static constexpr const char* name = "forgets_a_field";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("momentum", self.momentum);
  }
};
struct exchanges_names : slow_teacher {
  static constexpr const char* name = "exchanges_names";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("momentum", self.last_momentum);
    visit("last_momentum", self.momentum);
  }
};
struct mirrors_for_nobody : slow_teacher {
  static constexpr const char* name = "mirrors_for_nobody";
  static constexpr bool is_target = false;
};
struct without_places : px::target::queue {
  static constexpr const char* name = "without_places";
  without_places() { size = 0; }
};
struct hidden_size {
  px::setting<px::index_t> size = px::default_value(4096);
  static constexpr const char* name = "hidden_size";
  static constexpr bool keeps_rows = true;
};

}  // namespace

TEST_CASE("check::target: planted defects are named", "[check][target]") {
  using px::check::target;
  CHECK(target(overshoots{}).broken("the momentum lies in [0, 1] over the run"));
  CHECK(target(frozen_for_good{}).broken("it moves"));
  CHECK(target(the_network_itself{}).broken("it stays behind the network"));
  CHECK(target(borrowed_name{}).broken("the name is its own, or a checkpoint would take it for another"));
  CHECK(target(forgets_a_field{}).broken("fields name momentum and last_momentum, each its own"));
  CHECK(target(exchanges_names{}).broken("fields name momentum and last_momentum, each its own"));
  CHECK(target(mirrors_for_nobody{}).broken("it mirrors only what rows are compared with"));
  CHECK(target(without_places{}).broken("it has places"));
  CHECK(target(hidden_size{}).broken("fields name size"));
  CHECK_FALSE(target(overshoots{}).broken("it starts as a copy of the network"));
}
