// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

#include <algorithm>

#include "pretext/optimizer/adamw.hpp"
#include "pretext/optimizer/sgd.hpp"

using namespace ops_test;
using pretext::update_range;
namespace optimizer = pretext::optimizer;

namespace {

template <class Rule>
void check(const Rule& rule, double clip_scale) {
  INFO(Rule::name << " clip " << clip_scale);
  const index_t size = 40000;
  const std::vector<update_range> ranges{{0, 1, 1.0, 1.0, true},       {16, 7, 0.5, 0.0, false}, {32, 13, 1.0, 1.0, true},
                                         {64, 257, 0.0, 1.0, true},    {336, 0, 1.0, 1.0, true}, {352, 31, 2.0, 0.3, true},
                                         {400, 39000, 1.0, 1.0, true}};
  const extents count(static_cast<index_t>(ranges.size()));
  agree([&](auto& run, auto zero) {
    using T = decltype(zero);
    auto p = values<T>(size, 1);
    std::vector<T> s0(p.size()), s1(p.size());
    for (int step = 0; step < 3; ++step) {
      auto g = values<T>(size, static_cast<std::uint64_t>(2 + step));
      pretext::player_inputs inputs;
      inputs.rate = 0.01;
      inputs.clip_scale = clip_scale;
      inputs.updates = static_cast<std::uint64_t>(step);
      run(op::begin_update, rule, &inputs);
      CHECK(inputs.updates == static_cast<std::uint64_t>(clip_scale == 0 ? step : step + 1));
      std::vector<double> norms(ranges.size() * 2);
      run(op::range_norms, in(p, {size}), in(g, {size}), in(ranges, count), out(norms, {count[0], index_t{2}}));
      run(op::update, rule, in(ranges, count), Rule::needs_norms ? in(norms, {count[0], index_t{2}}) : tensor_view<const double>{},
          static_cast<const pretext::player_inputs*>(&inputs), out(g, {size}), out(p, {size}), out(s0, {size}),
          Rule::states > 1 ? out(s1, {size}) : tensor_view<T>{});
      CHECK(std::count(g.begin(), g.end(), T(0)) == size);  // also between the ranges, and where nothing moves
    }
    CHECK((clip_scale != 0 || p == values<T>(size, 1)));
    CHECK((clip_scale != 0 || (s0 == std::vector<T>(p.size()) && s1 == s0)));
    CHECK((p[8] == values<T>(size, 1)[8] && p[399] == values<T>(size, 1)[399]));  // between the ranges
    return outputs<T>{p, s0, s1};
  });
}

}  // namespace

TEST_CASE("update: every rule over ranges of all sizes agrees with the reference", "[backend][ops][update]") {
  for (const double clip : {1.0, 0.3, 0.0}) {
    check(optimizer::adamw{}, clip);
    check(optimizer::adam{.decay = 0.1}, clip);
    check(optimizer::sgd{.decay = 0.01, .nesterov = true}, clip);
    check(optimizer::lars{}, clip);
  }
}

TEST_CASE("update: gradients that are not finite end as zeros, with no ranges as with many", "[backend][ops][update]") {
  for (const double clip : {1.0, 0.0})
    for (const index_t size : {0, 1, 7, 257, 40001})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        auto g = clip == 0 ? stale<T>(size) : values<T>(size, 1), p = values<T>(size, 2);
        std::vector<T> state(g.size());
        const std::vector<update_range> none;
        pretext::player_inputs inputs;
        inputs.clip_scale = clip;
        run(op::update, optimizer::sgd{}, in(none, {0}), tensor_view<const double>{}, static_cast<const pretext::player_inputs*>(&inputs),
            out(g, {size}), out(p, {size}), out(state, {size}), tensor_view<T>{});
        CHECK(std::count(g.begin(), g.end(), T(0)) == size);
        CHECK(p == values<T>(size, 2));
        return outputs<T>{g, p, state};
      });
}

TEST_CASE("sum_squares, range_norms: in double, for any number of elements", "[backend][ops][update]") {
  for (const index_t n : {0, 1, 7, 257, 16385, 100003})
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(n, 1), g = values<T>(n, 2);
      auto total = stale<double>(1), norms = stale<double>(2);
      const std::vector<update_range> ranges{{0, n}};
      run(op::sum_squares, in(x, {n}), out(total, {1}));
      run(op::range_norms, in(x, {n}), in(g, {n}), in(ranges, {1}), out(norms, {1, 2}));
      return outputs<T>{{static_cast<T>(total[0])}, {static_cast<T>(norms[0]), static_cast<T>(norms[1])}};
    });
}

TEST_CASE("clip_scale: shortens long gradients, and a gradient that is not finite changes nothing", "[backend][ops][update]") {
  runner<simd> run(1);
  pretext::player_inputs inputs;
  double non_finite = 0;
  const auto norm = [&](double squares, double most) {
    const std::vector<double> s{squares};
    run(op::clip_scale, in(s, {1}), most, &inputs, &non_finite);
    return inputs.clip_scale;
  };
  CHECK(norm(16, 0) == 1);
  CHECK(norm(16, 8) == 1);
  CHECK(norm(16, 1) == 0.25);
  CHECK(inputs.gradient_norm == 4);
  CHECK(non_finite == 0);
  CHECK(norm(HUGE_VAL, 1) == 0);
  CHECK(non_finite == 1);
}

TEST_CASE("lerp: agrees with the reference", "[backend][ops][update]") {
  const double momentum = 0.99;
  for (const index_t n : {0, 1, 7, 31, 257, 40001})
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = values<T>(n, 1);
      auto y = values<T>(n, 2);
      run(op::lerp, &momentum, in(x, {n}), out(y, {n}));
      return outputs<T>{y};
    });
}

namespace {
struct writer {
  index_t scratch_floats;
  float* to;
  void operator()(index_t i, tensor_view<float> scratch) const {
    REQUIRE(scratch.size() == scratch_floats);
    for (int turn = 0; turn < 500; ++turn)
      for (float& v : scratch) v = static_cast<float>(i);
    float sum = 0;
    for (const float v : scratch) sum += v;
    to[i] = sum;
  }
};
}  // namespace

TEST_CASE("for_each_sample: every sample once, each worker with scratch of its own", "[backend][ops][views]") {
  for (const index_t n : {0, 1, 13, 500})
    for (const int threads : {1, 2, 3}) {
      runner<simd> run(threads);
      std::vector<float> y(static_cast<std::size_t>(n) + 1, -1.0f);
      run(op::for_each_sample, writer{33, y.data()}, n);
      for (index_t i = 0; i < n; ++i) CHECK(y[static_cast<std::size_t>(i)] == static_cast<float>(33 * i));
      CHECK(y.back() == -1.0f);
    }
}

TEST_CASE("lerp: at momentum 1 nothing is read or written", "[backend][ops][update]") {
  const double momentum = 1;
  for (const index_t n : {1, 7, 257})
    agree([&](auto& run, auto zero) {
      using T = decltype(zero);
      const auto x = stale<T>(n);
      auto y = values<T>(n, 2);
      y[0] = T(-0.0);
      run(op::lerp, &momentum, in(x, {n}), out(y, {n}));
      CHECK(std::signbit(y[0]));
      return outputs<T>{y};
    });
}

TEST_CASE("hold_momentum, put_back: only after a bad step", "[backend][ops][update]") {
  for (const double bad : {0.0, 1.0})
    for (const index_t n : {0, 1, 7, 257, 40001})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        double momentum = 0.25;
        run(op::hold_momentum, &bad, &momentum);
        CHECK(momentum == (bad != 0 ? 1 : 0.25));
        const auto kept = values<T>(n, 1);
        auto x = values<T>(n, 2);
        run(op::put_back, &bad, in(kept, {n}), out(x, {n}));
        CHECK(x == (bad != 0 ? kept : values<T>(n, 2)));
        return outputs<T>{x};
      });
}

TEST_CASE("enqueue_rows: step by step each place in turn", "[backend][ops][update]") {
  for (const index_t rows : {0, 1, 13})
    for (const std::uint64_t step : {0, 1, 2, 3, 7})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        pretext::step_inputs inputs;
        inputs.step = step;
        const auto x = values<T>(rows * 5, 1);
        auto queue = values<T>(4 * rows * 5, 2);
        run(op::enqueue_rows, in(x, {rows, 5}), static_cast<const pretext::step_inputs*>(&inputs), out(queue, {4 * rows, 5}));
        auto expected = values<T>(4 * rows * 5, 2);
        std::copy(x.begin(), x.end(), expected.begin() + static_cast<std::ptrdiff_t>(step % 4) * rows * 5);
        CHECK(queue == expected);
        return outputs<T>{queue};
      });
}

TEST_CASE("begin_step: brings what the host knows, counts a bad step, and leaves what ops count", "[backend][ops][update]") {
  runner<simd> run(1);
  pretext::step_inputs values, inputs;
  values.step = 9, values.epoch = 2, values.seed = 5, values.progress = 0.5;
  values.players[3].rate = 0.25, values.players[3].updates = 99, values.momentum[3] = 0.75, values.non_finite = 7, values.bad_steps = 7;
  inputs.players[3].updates = 4, inputs.players[3].gradient_norm = 2, inputs.non_finite = 1, inputs.bad_steps = 2;
  for (const std::uint64_t bad : {3, 3}) {
    run(op::begin_step, values, &inputs);
    CHECK(inputs.step == 9);
    CHECK(inputs.epoch == 2);
    CHECK(inputs.seed == 5);
    CHECK(inputs.progress == 0.5);
    CHECK(inputs.players[3].rate == 0.25);
    CHECK(inputs.momentum[3] == 0.75);
    CHECK(inputs.players[3].updates == 4);
    CHECK(inputs.players[3].gradient_norm == 2);
    CHECK(inputs.non_finite == 0);
    CHECK(inputs.bad_steps == bad);
  }
}
