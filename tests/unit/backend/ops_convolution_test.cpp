// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "pretext/nn/activation.hpp"
#include "ops_support.hpp"

using namespace ops_test;
using pretext::conv2d_geometry;

namespace {

conv2d_geometry geometry(index_t h, index_t w, index_t in_c, index_t out_c, index_t k, index_t stride, index_t pad, index_t groups) {
  return {h, w, in_c, pretext::window_extent(h, k, stride, pad), pretext::window_extent(w, k, stride, pad), out_c,
          k, k, stride, stride, pad, pad, groups};
}

void check(index_t b, const conv2d_geometry& g) {
  INFO("batch " << b << " " << g.in_h << "x" << g.in_w << "x" << g.in_c << " -> " << g.out_c << " kernel " << g.kernel_h
                << " stride " << g.stride_h << " pad " << g.pad_h << " groups " << g.groups);
  const extents x_size(b, g.in_h, g.in_w, g.in_c), y_size(b, g.out_h, g.out_w, g.out_c),
      w_size(g.groups, g.kernel_h, g.kernel_w, g.group_in(), g.group_out());
  agree([&](auto& run, auto zero) {
    using T = decltype(zero);
    const auto x = values<T>(x_size.size(), 1), w = values<T>(w_size.size(), 2), bias = values<T>(g.out_c, 3),
               dy = values<T>(y_size.size(), 4);
    auto y = stale<T>(y_size.size()), plain = y, clamped = y, mapped = y, dx = stale<T>(x_size.size()), dw = values<T>(w_size.size(), 5);
    run(op::conv2d, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(y, y_size), g);
    run(op::conv2d, in(x, x_size), in(w, w_size), tensor_view<const T>{}, out(plain, y_size), g);
    run(op::conv2d_map, pretext::nn::functor::relu{}, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(clamped, y_size), g);
    run(op::conv2d_map, pretext::nn::functor::tanh{}, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(mapped, y_size), g);
    run(op::conv2d_input_gradient, in(dy, y_size), in(w, w_size), out(dx, x_size), g);
    run(op::conv2d_weight_gradient, in(x, x_size), in(dy, y_size), out(dw, w_size), g);
    auto measured = stale<T>(y_size.size()), mean = stale<T>(g.out_c), m2 = stale<T>(g.out_c);
    run(op::conv2d_moments, in(x, x_size), in(w, w_size), in(bias, {g.out_c}), out(measured, y_size), out(mean, {g.out_c}), out(m2, {g.out_c}), g);
    return outputs<T>{y, plain, clamped, mapped, dx, dw, measured, mean, m2};
  });
}

}  // namespace

TEST_CASE("conv2d: value and both gradients agree with the reference", "[backend][ops][conv2d]") {
  for (const index_t b : {0, 1, 3}) {
    check(b, geometry(7, 6, 3, 7, 3, 1, 1, 1));
    check(b, geometry(9, 8, 13, 31, 3, 2, 1, 1));
    check(b, geometry(5, 5, 31, 13, 1, 1, 0, 1));
    check(b, geometry(5, 7, 7, 5, 1, 2, 0, 1));
    check(b, geometry(4, 5, 2, 3, 7, 1, 3, 1));
    check(b, geometry(6, 6, 6, 9, 3, 1, 1, 3));
    check(b, geometry(7, 5, 33, 33, 3, 2, 1, 33));
    check(b, geometry(5, 5, 8, 16, 5, 3, 0, 4));
    check(b, geometry(9, 7, 16, 32, 3, 1, 1, 1));
    check(b, geometry(14, 12, 16, 16, 3, 2, 1, 1));
  }
}

TEST_CASE("conv2d: more pixels, taps and channels than any tile", "[backend][ops][conv2d]") {
  check(2, geometry(13, 13, 33, 70, 3, 1, 1, 1));
  check(4, geometry(20, 20, 1, 32, 3, 1, 1, 1));
}

TEMPLATE_TEST_CASE("conv2d: a sample has the same bits in any batch", "[backend][ops][conv2d]", float, double) {
  const conv2d_geometry g = geometry(9, 7, 5, 33, 3, 1, 1, 1);
  const index_t b = 6, in_size = 9 * 7 * 5, out_size = 9 * 7 * 33;
  const auto x = values<TestType>(b * in_size, 1), w = values<TestType>(g.weights(), 2), bias = values<TestType>(33, 3);
  const extents w_size(1, 3, 3, 5, 33);
  auto all = stale<TestType>(b * out_size);
  runner<simd> run(2);
  run(op::conv2d, in(x, {b, 9, 7, 5}), in(w, w_size), in(bias, {33}), out(all, {b, 9, 7, 33}), g);
  for (index_t i = 0; i < b; ++i) {
    auto y = stale<TestType>(out_size);
    run(op::conv2d, tensor_view<const TestType>{x.data() + i * in_size, {1, 9, 7, 5}}, in(w, w_size), in(bias, {33}), out(y, {1, 9, 7, 33}), g);
    CHECK(std::memcmp(y.data(), all.data() + i * out_size, y.size() * sizeof(TestType)) == 0);
  }
}
