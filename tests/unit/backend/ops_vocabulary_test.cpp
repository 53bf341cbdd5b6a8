// SPDX-License-Identifier: BSD-3-Clause
// build: O2 avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;

namespace {
struct sizes {
  index_t positions, slots, words, width;
};
using ids = std::vector<std::int32_t>;
/// Some positions in no order; every fourth slot is empty.
struct slots {
  ids rows, labels, count;
  explicit slots(const sizes& z) : count{static_cast<std::int32_t>(z.slots - z.slots / 5)} {
    for (index_t k = 0; k < z.slots; ++k) {
      rows.push_back(static_cast<std::int32_t>(z.positions - 1 - k));
      labels.push_back(k % 4 == 3 ? -1 : static_cast<std::int32_t>(k * 31 % z.words));
    }
  }
};
template <class Run, class T>
outputs<T> all(Run& run, T, const sizes& z, bool with_bias, bool with_count, double spread = 1) {
  const slots s(z);
  const auto hidden = values<T>(z.positions * z.width, 1, -spread, spread), weight = values<T>(z.words * z.width, 2), bias = values<T>(z.words, 3);
  auto n = stale<T>(1), losses = stale<T>(z.slots), d_hidden = stale<T>(z.positions * z.width), d_weight = values<T>(z.words * z.width, 4),
       d_bias = values<T>(z.words, 5);
  ids correct(static_cast<std::size_t>(z.slots), 7);
  const tensor_view<const std::int32_t> count = with_count ? in(s.count, {1}) : tensor_view<const std::int32_t>{};
  const tensor_view<const T> shift = with_bias ? in(bias, {z.words}) : tensor_view<const T>{};
  run(op::count_slots, in(s.labels, {z.slots}), count, out(n, {1}));
  run(op::vocabulary_loss, in(hidden, {z.positions, z.width}), in(s.rows, {z.slots}), in(s.labels, {z.slots}), count,
      in(weight, {z.words, z.width}), shift, in(n, {1}), out(losses, {z.slots}), out(correct, {z.slots}),
      out(d_hidden, {z.positions, z.width}), out(d_weight, {z.words, z.width}), with_bias ? out(d_bias, {z.words}) : tensor_view<T>{});
  // The same without gradients.
  auto alone = stale<T>(z.slots);
  run(op::vocabulary_loss, in(hidden, {z.positions, z.width}), in(s.rows, {z.slots}), in(s.labels, {z.slots}), count,
      in(weight, {z.words, z.width}), shift, in(n, {1}), out(alone, {z.slots}), tensor_view<std::int32_t>{}, tensor_view<T>{}, tensor_view<T>{},
      tensor_view<T>{});
  CHECK(same_bits(outputs<T>{alone}, outputs<T>{losses}));
  outputs<T> r{n, losses, d_hidden, d_weight, d_bias, {}};
  for (const std::int32_t c : correct) r.back().push_back(static_cast<T>(c));
  if (z.words == 1) r[1].clear(), r[2].clear();  // zero, in so far as an exponential of 0 is 1
  return r;
}
}  // namespace

TEST_CASE("vocabulary_loss: loss and gradients agree with the reference", "[backend][ops][vocabulary]") {
  for (const sizes& z : {sizes{1, 1, 1, 1}, sizes{9, 7, 13, 5}, sizes{40, 31, 257, 33}, sizes{30, 13, 31, 7}, sizes{3, 0, 5, 2}, sizes{300, 257, 7, 64}})
    for (const bool bias : {false, true})
      for (const bool count : {false, true}) {
        INFO(z.positions << " " << z.slots << " " << z.words << " " << z.width);
        agree([&](auto& run, auto zero) { return all(run, zero, z, bias, count); });
      }
}

TEST_CASE("vocabulary_loss: more slots than a slab holds", "[backend][ops][vocabulary]") {
  agree([&](auto& run, auto zero) { return all(run, zero, {450, 430, 22001, 3}, true, true); });
}

TEST_CASE("vocabulary_loss: huge logits", "[backend][ops][vocabulary]") {
  agree([&](auto& run, auto zero) { return all(run, zero, {9, 7, 31, 2}, true, false, 100); });
}

TEST_CASE("vocabulary_loss: memory does not depend on the number of positions", "[backend][ops][vocabulary]") {
  const auto bytes = [](index_t slots) {
    const tensor_view<const float> hidden{nullptr, {4 * slots, 64}}, weight{nullptr, {50257, 64}}, bias{nullptr, {50257}}, n{nullptr, {1}};
    const tensor_view<const std::int32_t> rows{nullptr, {slots}}, count{nullptr, {1}};
    const tensor_view<float> losses{nullptr, {slots}}, d_hidden{nullptr, {4 * slots, 64}}, d_weight{nullptr, {50257, 64}}, d_bias{nullptr, {50257}};
    return static_cast<double>(
        simd(1).scratch_bytes(op::vocabulary_loss, hidden, rows, rows, count, weight, bias, n, losses, tensor_view<std::int32_t>{}, d_hidden, d_weight, d_bias));
  };
  CHECK(bytes(100000) < 1.3 * bytes(2000));
  CHECK(bytes(100000) < 80e6);  // logits of all: 20 GB
}

TEST_CASE("vocabulary_loss: equal logits give log V; what is not there is refused", "[backend][ops][vocabulary]") {
  const std::vector<double> hidden{0, 0}, weight(8), n{1};
  std::vector<double> losses(1);
  const auto loss = [&](std::int32_t row, std::int32_t label) {
    const ids rows{row}, labels{label};
    runner<simd> run(1);
    run(op::vocabulary_loss, in(hidden, {1, 2}), in(rows, {1}), in(labels, {1}), tensor_view<const std::int32_t>{}, in(weight, {4, 2}),
        tensor_view<const double>{}, in(n, {1}), out(losses, {1}), tensor_view<std::int32_t>{}, tensor_view<double>{}, tensor_view<double>{},
        tensor_view<double>{});
    return losses[0];
  };
  CHECK(loss(0, 3) == Approx(std::log(4.0)));
  CHECK_THROWS_WITH(loss(0, 4), Catch::Contains("value.123"));
  CHECK_THROWS_WITH(loss(1, 0), Catch::Contains("value.123"));
}
