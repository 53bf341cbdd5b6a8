// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/fine_tune.hpp"

#include "../train/tiny.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace eval = pretext::eval;
using io_test::has;
using io_test::thrown;
using px::index_t;

namespace {
using trainer = px::train::trainer<tiny::simclr, px::backend::simd<>>;

/// Bars in three places: easy from pixels. The encoder is not trained: only what is measured here is asked of it.
struct fixture {
  px::data::image_set train = tiny::bars(30, 5), test = tiny::bars(45, 77);
  trainer t = trainer([] {
    auto s = tiny::settings<trainer>(10);
    s.threads = 2;
    return s;
  }());
  fixture() { t.encoder().update_statistics(train, 30); }
};
eval::fine_tune_options options(std::uint64_t steps = 60) {
  eval::fine_tune_options o;
  o.steps = steps;
  o.rate = 5e-3;
  return o;
}
}  // namespace

TEST_CASE("fine_tune: it learns what can be learned, and the encoder given stays as it is", "[eval][fine_tune]") {
  fixture f;
  const std::string before = tiny::state(f.t);
  const auto r = eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, options());
  CHECK(r.accuracy > 0.9);
  CHECK(r.train_accuracy > 0.9);
  CHECK(r.last_loss < 0.7f);
  CHECK(tiny::state(f.t) == before);
}

TEST_CASE("fine_tune: the probe it starts from is the linear probe, and with no steps it is the result", "[eval][fine_tune]") {
  fixture f;
  const auto r = eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, options(0));
  const auto train = eval::features(f.t.encoder(), f.train), test = eval::features(f.t.encoder(), f.test);
  const auto fit = eval::fit_logistic_regression(train, {.l2 = options().probe_l2, .classes = 3});
  const auto head = fit.model.head();
  index_t right = 0;
  for (index_t i = 0; i < test.rows; ++i) {
    int best = 0;
    double best_score = -1e300;
    for (int c = 0; c < 3; ++c) {
      double s = static_cast<double>(head.bias[static_cast<std::size_t>(c)]);
      for (index_t j = 0; j < test.columns; ++j)
        s += static_cast<double>(head.weights[static_cast<std::size_t>(c * test.columns + j)]) * static_cast<double>(test.values[static_cast<std::size_t>(i * test.columns + j)]);
      if (s > best_score) best_score = s, best = c;
    }
    right += best == test.labels[static_cast<std::size_t>(i)];
  }
  CHECK(r.probe_accuracy == static_cast<double>(right) / 45);
  CHECK(r.accuracy == r.probe_accuracy);
}

TEST_CASE("fine_tune: same seed, same result; from scratch does not depend on the encoder's weights", "[eval][fine_tune]") {
  fixture f;
  const auto a = eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, options(20)), b = eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, options(20));
  CHECK(a.accuracy == b.accuracy);
  CHECK(a.last_loss == b.last_loss);
  const auto scratch = eval::train_from_scratch<tiny::simclr>(f.t.encoder(), f.train, f.test, options(20));
  for (float& w : f.t.players()[0].parameters) w *= 0.5f;
  const auto again = eval::train_from_scratch<tiny::simclr>(f.t.encoder(), f.train, f.test, options(20));
  CHECK(again.last_loss == scratch.last_loss);
  CHECK(again.accuracy == scratch.accuracy);
  CHECK(scratch.probe_accuracy == 0);
  auto o = options(20);
  o.seed = 1;
  CHECK(eval::train_from_scratch<tiny::simclr>(f.t.encoder(), f.train, f.test, o).last_loss != scratch.last_loss);
}

TEST_CASE("train_from_scratch: it learns what can be learned", "[eval][fine_tune]") {
  fixture f;
  auto o = options(200);
  o.encoder_rate = o.layer_decay = 1;
  const auto r = eval::train_from_scratch<tiny::simclr>(f.t.encoder(), f.train, f.test, o);
  CHECK(r.accuracy > 0.9);
  CHECK(r.train_accuracy > 0.9);
}

TEST_CASE("fine_tune: fewer images than a batch, one a class", "[eval][fine_tune]") {
  fixture f;
  const auto few = f.train.first(3);
  auto o = options(20);
  o.least_per_class = 1;
  const auto r = eval::fine_tune<tiny::simclr>(f.t.encoder(), few, f.test, o);
  CHECK(r.accuracy > 0.34);
  CHECK(std::isfinite(r.last_loss));
}

TEST_CASE("fine_tune: with too few images a class the result is the probe, and no step was made", "[eval][fine_tune]") {
  fixture f;
  auto o = options(20);
  o.least_per_class = 11;
  const auto left = eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, o);  // 10 images a class
  CHECK(left.accuracy == left.probe_accuracy);
  CHECK(left.last_loss == 0);
  o.least_per_class = 10;
  CHECK(eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, o).last_loss > 0);
}

TEST_CASE("fine_tune: blend is the share of the trained weights", "[eval][fine_tune]") {
  fixture f;
  auto o = options(60);
  o.blend = 0;
  const auto none = eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, f.test, o);
  CHECK(none.accuracy == none.probe_accuracy);
  CHECK(none.last_loss > 0);
  const std::vector<float> before{1, 2, 0};
  std::vector<float> after{3, 2, -4};
  eval::detail::blend(0.25, before, after.data());
  CHECK(after == std::vector<float>{1.5f, 2, -1});
  eval::detail::blend(1.0, before, after.data());
  CHECK(after == std::vector<float>{1.5f, 2, -1});
}

TEST_CASE("fine_tune: missing labels are one sentence", "[eval][fine_tune]") {
  fixture f;
  const auto unlabelled = tiny::pictures(12);
  CHECK(has(thrown([&] { eval::fine_tune<tiny::simclr>(f.t.encoder(), unlabelled, f.test, options(1)); }), "value.306"));
  CHECK(has(thrown([&] { eval::fine_tune<tiny::simclr>(f.t.encoder(), f.train, unlabelled, options(1)); }), "eval.004"));
  CHECK(has(thrown([&] { eval::train_from_scratch<tiny::simclr>(f.t.encoder(), f.train, unlabelled, options(1)); }), "eval.004"));
  CHECK(thrown([&] { eval::train_from_scratch<tiny::simclr>(f.t.encoder(), f.train.first(0), f.test, options(1)); }) != "nothing");
}
