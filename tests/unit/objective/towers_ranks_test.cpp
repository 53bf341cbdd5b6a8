// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/comm/threads.hpp"
#include "pretext/objective/contrastive.hpp"
#include "rows_support.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;
using rows_support::block;

TEST_CASE("contrastive: two towers on two ranks equal one rank on the joined batch", "[objective][contrastive][towers][ranks]") {
  constexpr index_t samples = 6, width = 5, ranks = 2, own = samples / ranks;
  const auto z = rows_support::draw<double>(2 * samples, width, 5);
  const auto part = [&](const std::vector<double>& all, index_t r) {
    block<double> p(2 * own, width);
    for (index_t tower = 0; tower < 2; ++tower)
      for (index_t k = 0; k < own * width; ++k)
        p.values[static_cast<std::size_t>(tower * own * width + k)] = all[static_cast<std::size_t>((tower * samples + r * own) * width + k)];
    return p;
  };
  const auto hold = [&](const auto& objective) {
    px::comm::null alone;
    const auto whole = rows_support::run_on(objective, px::objective::tower_pairs<double>{z.view()}, z.view(), alone);
    std::vector<rows_support::result> got(ranks);
    px::comm::threads_group group(ranks);
    group.run([&](px::comm::threads& me) {
      const auto mine = part(z.values, me.rank());
      got[static_cast<std::size_t>(me.rank())] = rows_support::run_on(objective, px::objective::tower_pairs<double>{mine.view()}, mine.view(), me);
    });
    for (index_t r = 0; r < ranks; ++r) {
      CHECK(got[static_cast<std::size_t>(r)].loss == Approx(whole.loss).epsilon(1e-12));
      CHECK(rows_support::distance(got[static_cast<std::size_t>(r)].gradient, part(whole.gradient, r).values) < 1e-12);
    }
  };
  hold(px::objective::nt_xent<>{.temperature = 0.3f});
  hold(px::objective::decoupled<px::similarity::negative_squared_euclidean>{});
}
