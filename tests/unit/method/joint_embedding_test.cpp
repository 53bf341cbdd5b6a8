// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/recipe/joint_embedding.hpp"

#include <cmath>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/nn/layer_norm.hpp"
#include "support/catch.hpp"

namespace {
namespace px = pretext;
namespace nn = pretext::nn;
using px::index_t;

template <class Base>
struct tiny : Base {
  using input = px::image<1, 8, 8>;
  using encoder = nn::sequential<nn::conv2d<4, 3, nn::stride<2>>, nn::relu, nn::global_avg_pool, nn::layer_norm>;
  using head = nn::mlp<6, 5>;
  using predictor = nn::identity;
  using views = px::augment::chain<px::augment::horizontal_flip, px::augment::gaussian_noise>;
  using precision = px::train::f64;
};
struct simclr : tiny<px::recipe::simclr> {};
struct byol : tiny<px::recipe::byol> {
  using predictor = nn::mlp<6, 5>;
};
struct moco : tiny<px::recipe::moco> {};
struct with_statistics : tiny<px::recipe::simclr> {
  using encoder = nn::sequential<nn::conv2d<4, 3>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
};
template <class R>
using trainer = px::train::trainer<R, px::backend::reference>;

struct pictures {
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(16 * 64);
  std::vector<px::image_view<const std::uint8_t>> views;
  std::vector<std::uint64_t> ids;
  pictures() {
    px::rng::stream draw(px::rng::key{.seed = 2});
    for (auto& b : bytes) b = static_cast<std::uint8_t>(draw.below(256));
    for (index_t i = 0; i < 16; ++i) views.push_back({bytes.data() + 64 * i, 8, 8, 1}), ids.push_back(static_cast<std::uint64_t>(i));
  }
  px::image_list batch(index_t begin, index_t n) const { return {views.data() + begin, ids.data() + begin, n}; }
};
template <class T>
std::vector<double> copy(const px::buffer<T>& b) {
  return {b.begin(), b.end()};
}
template <class R>
std::vector<double> after(typename trainer<R>::settings_type settings, int steps) {
  const pictures data;
  trainer<R> t(settings);
  t.set_steps_total(10);
  for (int s = 0; s < steps; ++s) t.step(data.batch(s % 3 * 4, settings.batch_size));
  return copy(t.players()[0].parameters);
}
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(a[i] - b[i]));
  return worst;
}
struct queue_of {
  std::vector<double> rows;
  void counter(const std::string&, std::uint64_t&) {}
  template <class T>
  void entries(const std::string&, const std::vector<px::parameter_entry>&, T*) {}
  template <class T>
  void array(const std::string& name, px::tensor_view<T> v) {
    if (name == "queue") rows.assign(v.begin(), v.end());
  }
};
}  // namespace

TEST_CASE("joint_embedding: parts of a batch train as the whole batch", "[method][micro_batch]") {
  const std::vector<double> whole = after<simclr>({.batch_size = 6}, 4);
  for (const index_t part : {1, 5, 6, 12}) CHECK(difference(after<simclr>({.batch_size = 6, .micro_batch = part}, 4), whole) < 1e-12);
  CHECK(difference(after<byol>({.batch_size = 6, .micro_batch = 5}, 4), after<byol>({.batch_size = 6}, 4)) < 1e-12);
  CHECK(difference(after<simclr>({.batch_size = 5}, 4), whole) > 1e-6);
}

TEST_CASE("joint_embedding: parts of a batch are refused where batch statistics make them inexact, unless asked for", "[method][micro_batch]") {
  CHECK_THROWS_WITH(trainer<with_statistics>({.batch_size = 6, .micro_batch = 4}), Catch::Contains("pretext[value.303]"));
  CHECK_NOTHROW(trainer<with_statistics>({.batch_size = 6, .micro_batch = 4, .allow_inexact = true}));
}

TEST_CASE("joint_embedding: a target follows by its momentum, encoder and head and not the predictor", "[method][target]") {
  const pictures data;
  trainer<byol> t({.target = {.momentum = 0.9, .last_momentum = 1.0}, .batch_size = 4});
  t.set_steps_total(8);
  std::vector<double> expected = copy(t.targets()[0].parameters);
  REQUIRE(expected.size() < copy(t.players()[0].parameters).size());
  for (int s = 0; s < 5; ++s) {
    t.step(data.batch(s, 4));
    const double m = 1 - 0.1 * (std::cos(3.14159265358979323846 * s / 8) + 1) / 2;
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = m * expected[i] + (1 - m) * t.players()[0].parameters[static_cast<index_t>(i)];
    CHECK(difference(copy(t.targets()[0].parameters), expected) < 1e-14);
  }
}

TEST_CASE("joint_embedding: a queue holds the newest rows, the oldest leave first", "[method][queue]") {
  const pictures data;
  trainer<moco> t({.negatives = {.size = 24}, .batch_size = 4});  // three steps of 8 rows of 5
  for (int s = 0; s < 5; ++s) {
    queue_of before, now;
    t.visit_state(before);
    t.step(data.batch(s, 4));
    t.visit_state(now);
    REQUIRE(now.rows.size() == 24 * 5);
    for (int place = 0; place < 3; ++place) {
      const bool same = std::equal(now.rows.begin() + place * 40, now.rows.begin() + (place + 1) * 40, before.rows.begin() + place * 40);
      CHECK(same == (place != s % 3));
    }
  }
  CHECK_THROWS_WITH(trainer<moco>({.negatives = {.size = 20}, .batch_size = 4}), Catch::Contains("pretext[value.304]"));
  CHECK_THROWS_WITH(trainer<moco>({.negatives = {.size = 4}, .batch_size = 4}), Catch::Contains("pretext[value.304]"));
}

TEST_CASE("joint_embedding: the same seed gives the same bits, another seed others", "[method]") {
  CHECK(after<simclr>({.batch_size = 4}, 3) == after<simclr>({.batch_size = 4}, 3));
  CHECK(difference(after<simclr>({.batch_size = 4, .seed = 1}, 3), after<simclr>({.batch_size = 4}, 3)) > 1e-6);
}

TEST_CASE("joint_embedding: a batch larger than planned and a batch of none are named", "[method]") {
  const pictures data;
  trainer<simclr> t({.batch_size = 4});
  CHECK_THROWS_WITH(t.step(data.batch(0, 9)), Catch::Contains("pretext[memory.100]"));
  CHECK_THROWS_WITH(t.step(data.batch(0, 0)), Catch::Contains("pretext["));
  CHECK(t.step(data.batch(0, 1)).finite);  // one sample: nothing to tell apart, but no harm
  CHECK_THROWS_WITH(trainer<simclr>({.batch_size = 0}), Catch::Contains("pretext[value.301]"));
}
