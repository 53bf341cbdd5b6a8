// SPDX-License-Identifier: BSD-3-Clause
// build: plain
#include "pretext/core/step_inputs.hpp"

#include "support/catch.hpp"

using namespace pretext;

TEST_CASE("moving_key: says what the record says when it is asked", "[core][rng]") {
  step_inputs inputs;
  inputs.seed = 11;
  const rng::key fixed{.seed = 3, .sample = 5, .epoch = 1, .occurrence = 2, .view = 4, .use = 130};
  const moving_key still(fixed), dropout(fixed, &inputs, moving_key::by::step_as_sample), noise(fixed, &inputs, moving_key::by::step),
      views(fixed, &inputs, moving_key::by::epoch);
  for (const std::uint64_t step : {0ull, 7ull, 0x1234567ull}) {
    inputs.step = step;
    inputs.epoch = step / 3;
    const auto epoch = static_cast<std::uint32_t>(step / 3);
    const auto same = [](const rng::key& a, const rng::key& b) { return a.block(0) == b.block(0) && a.block(9) == b.block(9); };
    CHECK(same(still.now(), fixed));
    CHECK(same(dropout.now(), rng::key{.seed = 3, .sample = 5 + step, .epoch = 1 + epoch, .occurrence = 2, .view = 4, .use = 130}));
    CHECK(same(noise.now(), rng::key{.seed = 11, .sample = 5, .epoch = static_cast<std::uint32_t>(step & 0xFFFFFF), .occurrence = 2,
                                     .view = static_cast<std::uint8_t>(step >> 24), .use = 130}));
    CHECK(same(views.now(), rng::key{.seed = 11, .sample = 5, .epoch = epoch, .occurrence = 2, .view = 4, .use = 130}));
    CHECK(same(views.with_sample(8), rng::key{.seed = 11, .sample = 8, .epoch = epoch, .occurrence = 2, .view = 4, .use = 130}));
  }
  CHECK(moving_key(fixed, nullptr, moving_key::by::step).what == moving_key::by::nothing);
}
