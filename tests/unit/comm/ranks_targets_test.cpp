// SPDX-License-Identifier: BSD-3-Clause
#include "ranks.hpp"

#include "support/catch.hpp"

namespace {
using namespace ranks;

struct byol : tiny<px::recipe::byol> {
  using predictor = px::nn::mlp_batch_norm<8, 5>;
};
struct moco : tiny<px::recipe::moco> {};
}  // namespace

TEST_CASE("ranks: byol trains as on one rank, its target too", "[comm][ranks]") {
  CHECK(against_one<byol>(2, 8, 4, {.clip_norm = 0.5}) < 1e-10);
}

TEST_CASE("ranks: moco's queue takes the rows of all ranks and drops whole joined batches", "[comm][ranks]") {
  // 32 places, 16 rows a step of the joined batch: by the third step every random row of the start is gone.
  CHECK(against_one<moco>(2, 8, 5, {.negatives = {.size = 32}}) < 1e-10);
}

TEST_CASE("ranks: a queue that whole joined batches do not fill is refused", "[comm][ranks]") {
  CHECK_THROWS_WITH(train<moco>(2, 8, 1, {.negatives = {.size = 24}}), Catch::Contains("pretext[value.304]"));
}
