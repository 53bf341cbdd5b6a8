// SPDX-License-Identifier: BSD-3-Clause
// build: O2 avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;
using pretext::extent;

namespace {
struct sizes {
  index_t samples, length, units;
};
/// Both ops and the outputs that each step went on from; y has two columns before and one behind those of the layer.
template <class Cell, class Run, class T>
outputs<T> all(Run& run, T, const sizes& z, const extent& s, bool reverse) {
  constexpr index_t G = Cell::gates;
  const index_t h = z.units, n = z.samples * z.length, p = h + 3;
  const op::recurrent_way way{reverse, 2};
  const auto each = [&](index_t width) { return extents(z.samples, z.length, width); };
  const auto x = values<T>(n * G * h, 1), weight = values<T>(G * h * h, 2, -0.4, 0.4), bias = values<T>(G * h, 3), dy = values<T>(n * p, 4);
  auto y = std::vector<T>(static_cast<std::size_t>(n * p), T(0.25)), saved = stale<T>(n * 4 * h), cells = stale<T>(n * h), dx = stale<T>(n * G * h), dr = dx,
       before = stale<T>(n * h);
  const tensor_view<T> cell_view = Cell::has_cells ? out(cells, each(h)) : tensor_view<T>{};
  run(op::recurrent, Cell{}, in(x, each(G * h)), in(weight, {G * h, h}), reverse ? tensor_view<const T>{} : in(bias, {G * h}), s, way, out(y, each(p)),
      out(saved, each(4 * h)), cell_view);
  run(op::recurrent_gradient, Cell{}, in(weight, {G * h, h}), s, way, in(y, each(p)), in(saved, each(4 * h)), as_const(cell_view), in(dy, each(p)),
      out(dx, each(G * h)), Cell::same_gradient ? tensor_view<T>{} : out(dr, each(G * h)));
  run(op::previous_outputs, in(y, each(p)), s, way, out(before, each(h)));
  outputs<T> r{y, saved, dx, before};
  if (Cell::has_cells) r.push_back(cells);
  if (!Cell::same_gradient) r.push_back(dr);
  return r;
}
template <class Cell>
void check(const sizes& z, const extent& s = {}) {
  for (const bool reverse : {false, true}) {
    INFO(Cell::name << " " << z.samples << " " << z.length << " " << z.units << (reverse ? " reverse" : ""));
    agree([&](auto& run, auto zero) { return all<Cell>(run, zero, z, s, reverse); });
  }
}
template <class Cell>
void check_all() {
  for (const sizes& z : {sizes{1, 1, 1}, sizes{3, 4, 7}, sizes{13, 5, 13}, sizes{31, 3, 33}, sizes{2, 31, 65}, sizes{0, 3, 4}, sizes{2, 0, 4}}) check<Cell>(z);
  const std::vector<std::int32_t> lengths{4, 0, 1, 6, 3};
  check<Cell>({5, 6, 35}, {.samples = 5, .length = 6, .lengths = lengths.data()});
  // One sample above the rows that a panel is used for before the next, and units above a block.
  std::vector<std::int32_t> many;
  for (int b = 0; b < 50; ++b) many.push_back(b * 3 % 5);
  check<Cell>({50, 4, 35}, {.samples = 50, .length = 4, .lengths = many.data()});
  const std::vector<std::int32_t> blocks{0, 0, 1, 1, 1, 2, -1, 3, 3, 4, 4, 4, 4, -1};
  check<Cell>({2, 7, 9}, {.samples = 2, .length = 7, .blocks = blocks.data()});
}
}  // namespace

TEST_CASE("recurrent: lstm and its gradient agree with the reference", "[backend][ops][recurrent]") { check_all<pretext::cell::lstm>(); }
TEST_CASE("recurrent: gru and its gradient agree with the reference", "[backend][ops][recurrent]") { check_all<pretext::cell::gru>(); }

TEST_CASE("recurrent: padding is neither read nor left unwritten", "[backend][ops][recurrent]") {
  const std::vector<std::int32_t> lengths{2};
  const extent s{.samples = 1, .length = 3, .lengths = lengths.data()};
  runner<simd> run(1);
  for (const bool reverse : {false, true}) {
    std::vector<float> x(3 * 4, 0.5f), weight(4, 0.3f), y(3, 7), saved(12, 7), cells(3, 7);
    for (std::size_t i = 8; i < 12; ++i) x[i] = std::numeric_limits<float>::quiet_NaN();
    run(op::recurrent, pretext::cell::lstm{}, in(x, {1, 3, 4}), in(weight, {4, 1}), tensor_view<const float>{}, s, op::recurrent_way{reverse, 0},
        out(y, {1, 3, 1}), out(saved, {1, 3, 4}), out(cells, {1, 3, 1}));
    CHECK((y[2] == 0 && saved[11] == 0 && cells[2] == 0));
    CHECK((std::isfinite(y[0]) && std::isfinite(y[1])));
    // The first step from nothing: sigmoid(0.5) tanh(0.5) as the cell.
    CHECK(cells[reverse ? 1 : 0] == Approx(0.6224593f * 0.4621172f));
  }
}

TEMPLATE_TEST_CASE("recurrent: the bits of a sample do not depend on the lengths of the others", "[backend][ops][recurrent]", float, double) {
  using T = TestType;
  constexpr index_t samples = 29, length = 5;
  std::vector<std::int32_t> some, others;  // every third sample has the same in both
  for (int b = 0; b < samples; ++b) {
    some.push_back(b % 6);
    others.push_back(b % 3 == 0 ? b % 6 : 5 - b % 6);
  }
  runner<simd> run(2);
  const auto compare = [&](auto cell, bool reverse) {
    const sizes z{samples, length, 35};
    const auto a = all<decltype(cell)>(run, T{}, z, {.samples = samples, .length = length, .lengths = some.data()}, reverse);
    const auto b = all<decltype(cell)>(run, T{}, z, {.samples = samples, .length = length, .lengths = others.data()}, reverse);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t width = a[i].size() / samples;
      for (std::size_t sample = 0; sample < samples; sample += 3)
        CHECK(std::memcmp(a[i].data() + sample * width, b[i].data() + sample * width, width * sizeof(T)) == 0);
    }
  };
  for (const bool reverse : {false, true}) {
    compare(pretext::cell::lstm{}, reverse);
    compare(pretext::cell::gru{}, reverse);
  }
}

TEST_CASE("recurrent: a sample longer than its row is refused", "[backend][ops][recurrent]") {
  const std::vector<std::int32_t> lengths{2, 3};
  const extent structure{.samples = 2, .length = 2, .lengths = lengths.data()};
  std::vector<float> y(2 * 2), x(2 * 2 * 4), weight(4), bias(4), cells(2 * 2);
  const auto refused = [&](auto&& run) {
    CHECK_THROWS_WITH(run(op::recurrent, pretext::cell::lstm{}, in(x, {2, 2, 4}), in(weight, {4, 1}), in(bias, {4}), structure, op::recurrent_way{},
                          out(y, {2, 2, 1}), out(x, {2, 2, 4}), out(cells, {2, 2, 1})),
                      Catch::Contains("value.124"));
    CHECK_THROWS_WITH(run(op::previous_outputs, in(y, {2, 2, 1}), structure, op::recurrent_way{}, out(cells, {2, 2, 1})), Catch::Contains("value.124"));
  };
  refused(runner<simd>(1));
  refused(runner<pretext::backend::reference>());
}
