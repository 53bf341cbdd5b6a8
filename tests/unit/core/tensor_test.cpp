// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/tensor.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pretext/core/extent.hpp"
#include "pretext/core/image.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::extents;
using px::index_t;
using px::tensor_view;

namespace {
template <class Call>
std::string thrown(Call&& call) {
  try {
    call();
  } catch (const px::error& e) {
    return e.id();
  }
  return "nothing";
}
constexpr int sum(tensor_view<const int> v) {
  int s = 0;
  for (const int x : v) s += x;
  return s;
}
constexpr int in_constant_evaluation() {
  int values[6]{1, 2, 3, 4, 5, 6};
  const tensor_view<int> v{values, extents(3, 2)};
  v(2, 1) = 60;
  return sum(v.slice(1, 3)) + 1000 * v.matrix().rows() + 100 * static_cast<int>(v.slice(0, 0).size());
}
static_assert(in_constant_evaluation() == 3 + 4 + 5 + 60 + 3000);
static_assert(px::advance(static_cast<int*>(nullptr), 1000) == nullptr);
}  // namespace

TEST_CASE("tensor_view: elements, matrix form and slices", "[core][tensor]") {
  std::vector<int> values(24);
  for (int i = 0; i < 24; ++i) values[static_cast<std::size_t>(i)] = i;
  const tensor_view<int> v{values.data(), extents(2, 3, 4)};
  CHECK(v.size() == 24);
  CHECK(v.rank() == 3);
  CHECK(v.rows() == 6);
  CHECK(v.columns() == 4);
  CHECK(v.matrix().shape == extents(6, 4));
  CHECK(v.flat().shape == extents(24));
  CHECK(v(5, 2) == 22);
  CHECK(v.slice(1, 2)[0] == 12);
  CHECK(v.slice(1, 2).shape == extents(1, 3, 4));
  CHECK(v.slice(2, 2).size() == 0);
  CHECK(v.reshape({4, 6})(1, 5) == 11);
  CHECK(v.end() - v.begin() == 24);
  const tensor_view<const int> c = px::as_const(v);
  CHECK(c.data == v.data);
}

TEST_CASE("tensor_view: a slice or reshape that does not fit is refused", "[core][tensor]") {
  int values[6]{};
  const tensor_view<int> v{values, extents(3, 2)};
  CHECK(thrown([&] { (void)v.slice(-1, 2); }) == "shape.121");
  CHECK(thrown([&] { (void)v.slice(2, 1); }) == "shape.121");
  CHECK(thrown([&] { (void)v.slice(0, 4); }) == "shape.121");
  CHECK(thrown([&] { (void)v.reshape({4, 2}); }) == "shape.102");
  CHECK(thrown([&] { (void)v.reshape({6}); }) == "nothing");
}

TEST_CASE("tensor_view: views of memory that is only planned stay null", "[core][tensor]") {
  const tensor_view<float> v{nullptr, extents(8, 4)};
  CHECK(!v);
  CHECK(v.slice(2, 5).data == nullptr);
  CHECK(v.slice(2, 5).size() == 12);
  CHECK(v.flat().data == nullptr);
  const tensor_view<float> empty{nullptr, extents(0, 4)};
  CHECK(empty.size() == 0);
  CHECK(empty.slice(0, 0).size() == 0);
  CHECK(tensor_view<float>{}.rank() == 0);
}

TEST_CASE("buffer: aligned, zeroed, movable, and nothing where it is empty", "[core][tensor]") {
  for (const index_t n : {index_t{1}, index_t{7}, index_t{16}, index_t{257}, index_t{100003}}) {
    px::buffer<float> b(n);
    CHECK(reinterpret_cast<std::uintptr_t>(b.data()) % 64 == 0);
    CHECK(b.size() == n);
    CHECK(b.bytes() == static_cast<std::size_t>(n) * 4);
    bool zero = true;
    for (const float v : b) zero = zero && v == 0;
    CHECK(zero);
    b[n - 1] = 3;
    px::buffer<float> moved(std::move(b));
    CHECK(moved[n - 1] == 3);
    px::buffer<float> assigned(2);
    assigned = std::move(moved);
    CHECK(assigned.size() == n);
    CHECK(assigned[n - 1] == 3);
    CHECK(assigned.view().shape == extents(n));
  }
  CHECK(px::buffer<float>().size() == 0);
  CHECK(px::buffer<float>(0).data() == nullptr);
  static_assert(!std::is_copy_constructible_v<px::buffer<float>>);
}

TEST_CASE("activations: the structure travels with the view, also to const", "[core][tensor][extent]") {
  float x[4]{1, 2, 3, 4};
  const px::extent structure{.samples = 2, .length = 2};
  const px::activations<float> a(tensor_view<float>{x, extents(2, 2)}, &structure);
  const px::activations<const float> c = a;
  CHECK(c.structure == &structure);
  CHECK(c(1, 0) == 3);
  CHECK(px::activations<float>().structure == nullptr);
}

TEST_CASE("image_view: rows of interleaved pixels", "[core][image]") {
  std::uint8_t p[12];
  for (std::uint8_t i = 0; i < 12; ++i) p[i] = i;
  const px::image_view<std::uint8_t> v{p, 2, 2, 3};
  CHECK(v.size() == 12);
  CHECK(v(1, 0, 2) == 8);
  v(0, 1, 0) = 99;
  const px::image_view<const std::uint8_t> c = v;
  CHECK(c(0, 1, 0) == 99);
}
