// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/train/fit.hpp"

#include <string>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/train/trainer.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
namespace train = pretext::train;
using io_test::has;
using io_test::thrown;
using px::index_t;
using tiny::state;

namespace {
using simclr = train::trainer<tiny::simclr, px::backend::reference>;
using byol = train::trainer<tiny::byol, px::backend::reference>;

struct with_trainer {
  std::string* log;
  void on_start(simclr& t, const train::start_info& i) { *log += "S" + std::to_string(i.steps_total) + "/" + std::to_string(t.steps_done()) + " "; }
  void on_step(simclr& t, const train::step_report& r) { *log += "s" + std::to_string(r.step) + (t.steps_done() == r.step ? " " : "! "); }
  void on_epoch(simclr&, const train::step_report& r) { *log += "e" + std::to_string(r.epoch) + " "; }
  void on_end(simclr&, const train::step_report& r) { *log += "E" + std::to_string(r.step) + " "; }
};
struct without_trainer {
  std::string* log;
  void on_start(const train::start_info&) { *log += "(S) "; }
  void on_step(const train::step_report&) { *log += "(s) "; }
  void on_epoch(const train::step_report&) { *log += "(e) "; }
  void on_end(const train::step_report&) { *log += "(E) "; }
};
struct only_end {
  std::string* log;
  void on_end(const train::step_report&) { *log += "| "; }
};
struct nothing {};
struct stopper {
  std::uint64_t at;
  void on_start(simclr& t, const train::start_info&) {
    if (at == 0) t.stop();
  }
  void on_step(simclr& t, const train::step_report& r) {
    if (r.step == at) t.stop();
  }
};

/// Images of different sizes, as of a folder.
struct mixed {
  std::vector<std::vector<std::uint8_t>> pixels;
  std::vector<px::data::image_shape> shapes;
  explicit mixed(index_t n) {
    std::uint32_t r = 3;
    for (index_t i = 0; i < n; ++i) {
      shapes.push_back({5 + i * 7 % 23, 4 + i * 5 % 31, 1});
      pixels.emplace_back(static_cast<std::size_t>(shapes.back().size()));
      for (auto& b : pixels.back()) b = static_cast<std::uint8_t>((r = r * 1664525u + 1013904223u) >> 24);
    }
  }
  index_t size() const { return static_cast<index_t>(pixels.size()); }
  px::data::image_shape shape(index_t i) const { return shapes[static_cast<std::size_t>(i)]; }
  void gather(std::span<const index_t> ids, px::data::image_batch& out) const {
    out.clear();
    for (const index_t i : ids) {
      const auto s = shape(i);
      out.images.push_back({pixels[static_cast<std::size_t>(i)].data(), s.height, s.width, s.channels});
      out.ids.push_back(static_cast<std::uint64_t>(i));
      out.labels.push_back(-1);
    }
  }
};
}  // namespace

TEST_CASE("fit: callbacks of all kinds are called in order, the missing ones skipped", "[train][fit]") {
  std::string log;
  simclr t(tiny::settings<simclr>(4));
  nothing none;
  const auto data = tiny::pictures(9);  // two batches an epoch, one image left out
  t.fit(data, with_trainer{&log}, none, without_trainer{&log}, only_end{&log});
  CHECK(log == "S4/0 (S) s1 (s) s2 (s) e1 (e) s3 (s) s4 (s) e2 (e) E4 (E) | ");
  log.clear();
  t.fit(data, with_trainer{&log}, only_end{&log});  // nothing is left to do, and that is said
  CHECK(log == "S4/4 E4 | ");
}

TEST_CASE("fit: start_info and the reports have the numbers of the run", "[train][fit]") {
  struct recorder {
    train::start_info info;
    std::vector<train::step_report> reports;
    void on_start(const train::start_info& i) { info = i; }
    void on_step(const train::step_report& r) { reports.push_back(r); }
  } seen;
  auto s = tiny::settings<simclr>(4, 3);
  s.optimizer.rate = 0.01;
  simclr t(s);
  t.fit(tiny::pictures(8), seen);
  CHECK(seen.info.steps_total == 6);
  CHECK(seen.info.steps_per_epoch == 2);
  CHECK(seen.info.epochs == 3);
  CHECK(seen.info.steps_done == 0);
  REQUIRE(seen.reports.size() == 6);
  double seconds = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto& r = seen.reports[i];
    CHECK(r.step == i + 1);
    CHECK(r.steps_total == 6);
    CHECK(r.epoch == i / 2 + 1);
    CHECK(r.epochs == 3);
    CHECK(r.finite);
    CHECK(r.loss > 0);
    CHECK(r.seconds >= seconds);
    seconds = r.seconds;
  }
  // two steps of warm-up, then a cosine that falls
  CHECK(seen.reports[0].learning_rate == Approx(0.005));
  CHECK(seen.reports[1].learning_rate == Approx(0.01));
  for (std::size_t i = 3; i < 6; ++i) CHECK(seen.reports[i].learning_rate < seen.reports[i - 1].learning_rate);
}

TEST_CASE("fit: stop() ends it after the step, and the next fit goes on", "[train][fit]") {
  std::string log;
  simclr t(tiny::settings<simclr>(4)), whole(tiny::settings<simclr>(4));
  const auto data = tiny::pictures(8);
  t.fit(data, stopper{1}, with_trainer{&log});
  CHECK(log == "S4/0 s1 E1 ");
  log.clear();
  t.fit(data, stopper{3}, with_trainer{&log});
  CHECK(log == "S4/1 s2 e1 s3 E3 ");
  log.clear();
  t.fit(data, with_trainer{&log});
  CHECK(log == "S4/3 s4 e2 E4 ");
  whole.fit(data);
  CHECK(state(t) == state(whole));
  log.clear();
  simclr never(tiny::settings<simclr>(4));
  never.fit(data, stopper{0}, with_trainer{&log});
  CHECK(log == "S4/0 E0 ");
}

TEST_CASE("fit: it is the loop over step() that it says it is", "[train][fit]") {
  const auto data = tiny::pictures(13);
  byol t(tiny::settings<byol>(4)), by_hand(tiny::settings<byol>(4));
  t.fit(data);
  px::data::epoch_sampler sampler(data.size(), {.batch_size = 4, .seed = 7});
  px::data::image_batch batch;
  by_hand.set_steps_total(6);
  for (index_t i = 0; i < 6; ++i) {
    by_hand.set_epoch(static_cast<std::uint64_t>(i / 3), 2);
    data.gather(sampler.indices(i), batch);
    by_hand.step({batch.images.data(), batch.ids.data(), batch.size()});
  }
  CHECK(state(t) == state(by_hand));
  CHECK(t.loss() == by_hand.loss());
}

TEST_CASE("fit: images of mixed sizes, larger and smaller than the network's input, are planned for", "[train][fit]") {
  const mixed data(13);
  simclr t(tiny::settings<simclr>(4));
  t.fit(data);
  CHECK(t.steps_done() == 6);
  CHECK(t.report().finite);
  const auto largest = train::detail::bounds_of(data);
  CHECK((largest.height > 20 && largest.width > 20));
  CHECK(t.family().source_size() == px::augment::image_size{largest.height, largest.width, 1});
  CHECK(t.planned_batch() == 4);
  simclr again(tiny::settings<simclr>(4));
  again.fit(data);
  CHECK(state(t) == state(again));
}

TEST_CASE("fit: data that does not fit is one sentence before the first step", "[train][fit]") {
  simclr t(tiny::settings<simclr>(4));
  const std::string before = state(t);
  const std::string colour = thrown([&] { t.fit(tiny::pictures(8, 9, 7, 3)); });
  CHECK(has(colour, "train.101"));
  CHECK(has(colour, "3 channels and the network takes 1"));
  const std::string few = thrown([&] { t.fit(tiny::pictures(3)); });
  CHECK(has(few, "data.090"));
  CHECK(has(few, "a batch of 4 is larger than the 3 images"));
  CHECK(has(thrown([&] { t.fit(px::data::image_set()); }), "data.090"));
  CHECK(state(t) == before);
  t.fit(tiny::pictures(4));  // exactly one batch
  CHECK(t.steps_done() == 2);
}

TEST_CASE("fit: an exception of a callback comes out and the trainer can go on", "[train][fit]") {
  struct thrower {
    void on_step(const train::step_report& r) {
      if (r.step == 2) throw px::error("user.001", "enough");
    }
  };
  simclr t(tiny::settings<simclr>(4)), whole(tiny::settings<simclr>(4));
  const auto data = tiny::pictures(8);
  CHECK(has(thrown([&] { t.fit(data, thrower{}); }), "user.001"));
  CHECK(t.steps_done() == 2);
  t.fit(data);
  whole.fit(data);
  CHECK(state(t) == state(whole));
}
