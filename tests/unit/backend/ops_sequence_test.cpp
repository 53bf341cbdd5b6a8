// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;
using pretext::extent;

namespace {
/// Three sequences of different lengths, in samples of their own or one row behind the other, with holes.
struct text {
  std::vector<std::int32_t> lengths, blocks;
  extent structure;
  text(index_t length, bool packed) {
    lengths = {static_cast<std::int32_t>(length), 0, static_cast<std::int32_t>(length / 2)};
    if (packed)
      for (index_t i = 0; i < 3 * length; ++i) blocks.push_back(static_cast<std::int32_t>(i % 11 == 10 ? -1 : i / 13));
    structure = {.samples = 3, .length = length, .lengths = lengths.data(), .blocks = packed ? blocks.data() : nullptr};
  }
};
template <class Id>
std::vector<Id> some_ids(index_t m) {
  std::vector<Id> ids(static_cast<std::size_t>(m));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<Id>(i * 7 % 31);
    if constexpr (std::is_signed_v<Id>)
      if (i % 5 == 4) ids[i] = -1;
  }
  return ids;
}
template <class Id>
void check_ids() {
  for (const index_t m : {0, 1, 13, 700})
    for (const index_t n : {1, 7, 33, 257})
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto table = values<T>(31 * n, 1), dy = values<T>(m * n, 2);
        const auto ids = some_ids<Id>(m);
        auto y = stale<T>(m * n), added = values<T>(m * n, 3), first = added, d = values<T>(31 * n, 4);
        run(op::gather_rows, in(table, {31, n}), in(ids, {m}), out(y, {m, n}));
        run(op::add_gathered_rows, in(table, {31, n}), in(ids, {m}), out(added, {m, n}));
        run(op::add_gathered_rows, in(table, {31, n}), tensor_view<const Id>{}, out(first, {m, n}));
        run(op::scatter_add_rows, in(dy, {m, n}), in(ids, {m}), out(d, {31, n}));
        return outputs<T>{y, added, first, d};
      });
}
}  // namespace

TEST_CASE("rows by ids of any integer type: gathered, added and added back", "[backend][ops][sequence]") {
  check_ids<std::int32_t>();
  check_ids<std::int64_t>();
  check_ids<std::uint16_t>();
  check_ids<std::uint8_t>();
}

TEST_CASE("scatter_add_rows: rows add up in the order of their ids, bit for bit", "[backend][ops][sequence]") {
  // 2^24 + 1 - 2^24 is 0 in float, 2^24 - 2^24 + 1 is 1.
  const std::vector<float> dy{0x1p24f, 1, -0x1p24f};
  const std::vector<std::int32_t> ids{1, 1, 1}, other{1, 0, 1};
  runner<simd> run(2);
  std::vector<float> d(2), e(2);
  run(op::scatter_add_rows, in(dy, {3, 1}), in(ids, {3}), out(d, {2, 1}));
  run(op::scatter_add_rows, in(dy, {3, 1}), in(other, {3}), out(e, {2, 1}));
  CHECK(d == std::vector<float>{0, 0});
  CHECK(e == std::vector<float>{1, 0});
}

TEST_CASE("positions: a learned table is added and gets its gradient", "[backend][ops][sequence]") {
  for (const index_t length : {0, 1, 7, 31, 130})
    for (const index_t n : {1, 13, 70})
      for (const bool packed : {false, true})
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          const text t(length, packed);
          const auto table = values<T>((length + 3) * n, 1), dy = values<T>(3 * length * n, 2);
          auto y = values<T>(3 * length * n, 3), d = values<T>((length + 3) * n, 4);
          run(op::add_positions, in(table, {length + 3, n}), t.structure, out(y, {3, length, n}));
          run(op::add_positions_gradient, in(dy, {3, length, n}), t.structure, out(d, {length + 3, n}));
          return outputs<T>{y, d};
        });
  runner<simd> run(1);
  const std::vector<float> table(4);
  std::vector<float> y(6);
  CHECK_THROWS_WITH(run(op::add_positions, in(table, {2, 2}), extent{}, out(y, {1, 3, 2})), Catch::Contains("value.122"));
  const std::vector<std::int32_t> lengths{4};
  CHECK_THROWS_WITH(run(op::add_positions, in(table, {2, 2}), extent{.samples = 1, .length = 3, .lengths = lengths.data()}, out(y, {1, 3, 2})),
                    Catch::Contains("value.124"));
}

TEST_CASE("positions: packed sequences begin at 0", "[backend][ops][sequence]") {
  const std::vector<std::int32_t> blocks{4, 4, 4, 2, 2, -1};
  const extent structure{.samples = 1, .length = 6, .blocks = blocks.data()};
  const std::vector<double> table{1, 10, 100};
  std::vector<double> y(6);
  runner<simd> run(1);
  run(op::add_positions, in(table, {3, 1}), structure, out(y, {1, 6, 1}));
  CHECK(y == std::vector<double>{1, 10, 100, 1, 10, 0});
}

TEST_CASE("positions: sines and rotations agree with the reference", "[backend][ops][sequence]") {
  for (const index_t length : {1, 7, 31, 130}) {
    for (const index_t n : {1, 7, 64})
      agree([&](auto& run, auto zero) {
        auto y = stale<decltype(zero)>(length * n);
        run(op::sinusoidal_positions, out(y, {length, n}));
        return outputs<decltype(zero)>{y};
      });
    for (const index_t d : {2, 6, 32})
      for (const bool packed : {false, true})
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          const text t(length, packed);
          const extents size(3, length, 6 * d);
          auto x = values<T>(size.size(), 1), back = x;
          run(op::rotate_positions, t.structure, index_t{2}, 10000.0, false, out(x, size));
          run(op::rotate_positions, t.structure, index_t{2}, 500.0, true, out(back, size));
          return outputs<T>{x, back};
        });
  }
}

TEST_CASE("rotations: turned forth and back is the same, and keeps lengths", "[backend][ops][sequence]") {
  const extents size(1, 50, 24);
  const auto x = values<double>(size.size(), 1);
  auto y = x;
  runner<simd> run(1);
  run(op::rotate_positions, extent{}, index_t{2}, 10000.0, false, out(y, size));
  CHECK(y[5] == x[5]);  // position 0
  double before = 0, after = 0;
  for (std::size_t i = 0; i < x.size(); ++i) before += x[i] * x[i], after += y[i] * y[i];
  CHECK(after == Approx(before).epsilon(1e-13));
  run(op::rotate_positions, extent{}, index_t{2}, 10000.0, true, out(y, size));
  CHECK(relative_error(y, x) <= 1e-14);
}
