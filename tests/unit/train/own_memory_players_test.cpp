// SPDX-License-Identifier: BSD-3-Clause
// A family that is not of the library on a device played by the host: two players, noise by steps, states, several updates a step.
#include "../proofs/adversarial.hpp"
#include "pretext/backend/cuda/cuda_on_host.hpp"
#include "pretext/backend/cuda/device_on_host.hpp"

namespace {
using namespace proof;
template <class B>
using gan = px::train::trainer<ring_gan, B>;
using device = px::backend::device_on_host;
using host = px::backend::cuda_on_host;

template <class T>
everything trained(T& t, int from, int to) {
  for (int s = from; s < to; ++s) {
    const auto xy = ring(s, 16);
    t.step({xy.data(), 16});
  }
  return held(t);
}
}  // namespace

TEST_CASE("own_memory: two players train as in memory of the host, launched anew or replayed", "[train][own_memory][cuda][adversarial]") {
  gan<host> on_host({.batch_size = 16});
  const everything expected = trained(on_host, 0, 12);
  CHECK(expected.counters == std::vector<std::uint64_t>{12, 0, 36, 12});  // step, epoch, updates of critic and generator
  for (const bool records : {false, true}) {
    gan<device> t({.batch_size = 16});
    t.record_steps(records);
    CHECK(trained(t, 0, 12) == expected);
    CHECK(t.loss() == on_host.loss());
  }
  // The reference's plain loops: the same but for the order of sums.
  gan<px::backend::reference> plain({.batch_size = 16});
  const everything near = trained(plain, 0, 12);
  REQUIRE(near.numbers.size() == expected.numbers.size());
  double worst = 0;
  for (std::size_t i = 0; i < near.numbers.size(); ++i) worst = std::max(worst, std::fabs(near.numbers[i] - expected.numbers[i]));
  CHECK(worst < 1e-11);
}

TEST_CASE("own_memory: what a visitor writes counts from the next step on", "[train][own_memory][cuda][adversarial]") {
  gan<device> t({.batch_size = 16}), u({.batch_size = 16});
  const everything at_four = trained(t, 0, 4), at_eight = trained(t, 4, 8);
  trained(u, 20, 23);  // elsewhere
  restore(u, at_four);
  CHECK(held(u) == at_four);  // seen before it was put
  CHECK(trained(u, 4, 8) == at_eight);
}

TEST_CASE("own_memory: ranges changed between steps are those of the next step", "[train][own_memory][cuda][adversarial]") {
  const auto frozen = [](auto& t) {
    trained(t, 0, 3);
    for (auto& r : t.players()[0].ranges) r.rate_multiplier = 0;
    const everything before = held(t);
    const everything after = trained(t, 3, 5);
    return std::pair(before, after);
  };
  gan<device> t({.batch_size = 16});
  gan<host> on_host({.batch_size = 16});
  const auto [before, after] = frozen(t);
  const auto [host_before, host_after] = frozen(on_host);
  CHECK(before == host_before);
  CHECK(after == host_after);
  const auto critic = static_cast<std::ptrdiff_t>(t.players()[0].table.parameter_count());
  CHECK(std::equal(before.numbers.begin(), before.numbers.begin() + critic, after.numbers.begin()));
  CHECK(!(before == after));
}
