// SPDX-License-Identifier: BSD-3-Clause
// The same bits for any number of threads, and after any interruption.
#include "pretext/backend/simd/simd.hpp"
#include "pretext/train/checkpoint.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
namespace train = pretext::train;
using px::index_t;
using tiny::state;

namespace {
template <class R>
using trainer = train::trainer<R, px::backend::simd<>>;

struct stop_at {
  std::uint64_t step;
  template <class Trainer>
  void on_step(Trainer& t, const train::step_report& r) {
    if (r.step == step) t.stop();
  }
};

template <class R>
void check_threads() {
  const auto data = tiny::pictures(40);
  const auto run = [&](int threads) {
    auto s = tiny::settings<trainer<R>>(13);
    s.threads = threads;
    trainer<R> t(s);
    REQUIRE(t.backend().threads() == threads);
    t.fit(data);
    CHECK(t.steps_done() == 6);
    return state(t);
  };
  const std::string one = run(1);
  for (const int threads : {2, 3, 5, 1}) {
    INFO(threads << " threads");
    CHECK(tiny::differences(run(threads), one) == 0);
  }
}

template <class R>
void check_resume() {
  const auto data = tiny::pictures(40);  // three batches of 13 an epoch
  auto s = tiny::settings<trainer<R>>(13, 3);
  s.threads = 2;
  trainer<R> whole(s);
  whole.fit(data);
  const std::string expected = state(whole);
  for (const std::uint64_t at : {1, 3, 4, 6, 8}) {  // inside an epoch and at its end
    INFO("interrupted after step " << at);
    const io_test::scratch place;
    {
      trainer<R> first(s);
      first.fit(data, stop_at{at}, train::checkpoint(place / "run"));
      REQUIRE(first.steps_done() == at);
    }
    auto other = s;
    other.threads = 3;
    trainer<R> second(other);
    const auto found = second.resume(place / "run");
    REQUIRE(found.resumed);
    REQUIRE(found.step == at);
    std::vector<train::step_report> reports;
    struct recorder {
      std::vector<train::step_report>* reports;
      void on_step(const train::step_report& r) { reports->push_back(r); }
    };
    second.fit(data, recorder{&reports});
    CHECK(tiny::differences(state(second), expected) == 0);
    CHECK(tiny::differences(tiny::memory(second), tiny::memory(whole)) == 0);
    CHECK(second.loss() == whole.loss());
    REQUIRE(reports.size() == 9 - at);
    CHECK(reports.front().step == at + 1);
    CHECK(reports.front().epoch == at / 3 + 1);
    CHECK(reports.back().learning_rate == whole.report().learning_rate);
  }
}
}  // namespace

TEST_CASE("same seed: simclr has the same bits for 1, 2, 3 and 5 threads", "[train][threads]") { check_threads<tiny::simclr>(); }
TEST_CASE("same seed: byol has the same bits for 1, 2, 3 and 5 threads", "[train][threads]") { check_threads<tiny::byol>(); }
TEST_CASE("same seed: moco has the same bits for 1, 2, 3 and 5 threads", "[train][threads]") { check_threads<tiny::moco>(); }

TEST_CASE("resume: simclr ends with the bytes of an uninterrupted run", "[train][checkpoint][resume]") { check_resume<tiny::simclr>(); }
TEST_CASE("resume: byol does, its moving average and predictor included", "[train][checkpoint][resume]") { check_resume<tiny::byol>(); }
TEST_CASE("resume: moco does, its queue included", "[train][checkpoint][resume]") { check_resume<tiny::moco>(); }
