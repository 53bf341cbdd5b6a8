// SPDX-License-Identifier: BSD-3-Clause
#include "ranks.hpp"

#include "support/catch.hpp"

namespace {
using namespace ranks;

struct simclr : tiny<px::recipe::simclr> {};
struct asymmetric : tiny<px::recipe::simclr> {
  using objective = px::objective::nt_xent<px::similarity::bilinear, px::objective::temperature::learned>;
};
struct decoupled : tiny<px::recipe::simclr> {
  using objective = px::objective::decoupled<px::similarity::bilinear>;
};
}  // namespace

TEST_CASE("ranks: simclr with joint batch statistics trains as one rank on the joined batch", "[comm][ranks]") {
  CHECK(against_one<simclr>(2, 8, 4, {}) < 1e-10);
  CHECK(against_one<simclr>(3, 6, 3, {.clip_norm = 0.1}) < 1e-10);
}

TEST_CASE("ranks: an asymmetric similarity and a learned temperature train as on one rank", "[comm][ranks]") {
  CHECK(against_one<asymmetric>(2, 8, 4, {}) < 1e-10);
}

TEST_CASE("ranks: decoupled contrast trains as on one rank, also with one sample a rank", "[comm][ranks]") {
  CHECK(against_one<decoupled>(2, 8, 4, {}) < 1e-10);
  CHECK(against_one<decoupled>(4, 4, 3, {}) < 1e-10);
}
