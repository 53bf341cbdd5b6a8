// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/derived.hpp"

#include "pretext/comm/threads.hpp"
#include "rows_support.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;
using rows_support::block;
using rows_support::draw;
using rows_support::everything;

TEST_CASE("derived: two ranks equal one rank on the joined batch", "[objective][derived][ranks]") {
  constexpr index_t samples = 6, width = 5, ranks = 2, own = samples / ranks;
  const auto z = draw<double>(2 * samples, width, 5), t = draw<double>(2 * samples, width, 6);
  const px::objective::derived<everything> objective;
  const auto part = [&](const block<double>& all, index_t r) {
    block<double> p(2 * own, width);
    for (index_t v = 0; v < 2; ++v)
      for (index_t k = 0; k < own * width; ++k)
        p.values[static_cast<std::size_t>(v * own * width + k)] = all.values[static_cast<std::size_t>((v * samples + r * own) * width + k)];
    return p;
  };
  for (const bool self : {true, false}) {
    const auto whole = self ? rows_support::self(objective, z) : rows_support::target(objective, z, t);
    std::vector<rows_support::result> got(ranks);
    px::comm::threads_group group(ranks);
    group.run([&](px::comm::threads& me) {
      const auto mine = part(z, me.rank()), theirs = part(t, me.rank());
      auto& r = got[static_cast<std::size_t>(me.rank())];
      if (self)
        r = rows_support::run_on(objective, px::objective::self_pairs<double>{mine.view(), 2}, mine.view(), me);
      else
        r = rows_support::run_on(objective, px::objective::target_pairs<double>{mine.view(), theirs.view(), {}, 2}, mine.view(), me);
    });
    for (index_t r = 0; r < ranks; ++r) {
      const auto& one = got[static_cast<std::size_t>(r)];
      CHECK(one.loss == Approx(whole.loss).epsilon(1e-12));
      block<double> joined(2 * samples, width);
      joined.values = whole.gradient;
      CHECK(rows_support::distance(one.gradient, part(joined, r).values) < 1e-12);
    }
  }
}
