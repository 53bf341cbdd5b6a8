// SPDX-License-Identifier: BSD-3-Clause
// build: avx2 avx512
#include "ops_support.hpp"

using namespace ops_test;
using pretext::pool2d_geometry;

namespace {

pool2d_geometry geometry(index_t h, index_t w, index_t c, index_t k, index_t stride, index_t pad) {
  return {h, w, c, pretext::window_extent(h, k, stride, pad), pretext::window_extent(w, k, stride, pad), k, k, stride, stride, pad, pad};
}

const pool2d_geometry geometries[] = {geometry(6, 6, 7, 2, 2, 0),  geometry(7, 5, 13, 3, 2, 1), geometry(5, 8, 31, 3, 1, 1),
                                      geometry(2, 2, 257, 2, 2, 0), geometry(1, 1, 1, 1, 1, 0),  geometry(9, 9, 33, 2, 3, 1)};

}  // namespace

TEST_CASE("max_pool2d: values, winners and gradient agree with the reference", "[backend][ops][pool]") {
  for (const index_t b : {0, 1, 5})
    for (const auto& g : geometries)
      for (const bool ties : {false, true}) {
        INFO(b << " " << g.in_h << " " << g.in_w << " " << g.channels << " ties " << ties);
        const extents x_size(b, g.in_h, g.in_w, g.channels), y_size(b, g.out_h, g.out_w, g.channels);
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          auto x = values<T>(x_size.size(), 1, -3, 0);
          if (ties)
            for (T& v : x) v = std::round(v);
          const auto dy = values<T>(y_size.size(), 2);
          auto y = stale<T>(y_size.size()), dx = stale<T>(x_size.size());
          std::vector<std::int32_t> argmax(y.size(), -7);
          run(op::max_pool2d, in(x, x_size), out(y, y_size), out(argmax, y_size), g);
          run(op::max_pool2d_backward, in(dy, y_size), in(argmax, y_size), out(dx, x_size), g);
          return outputs<T>{y, std::vector<T>(argmax.begin(), argmax.end()), dx};
        });
      }
}

TEST_CASE("avg_pool2d: values and gradient agree with the reference", "[backend][ops][pool]") {
  for (const index_t b : {0, 1, 5})
    for (const auto& g : geometries) {
      const extents x_size(b, g.in_h, g.in_w, g.channels), y_size(b, g.out_h, g.out_w, g.channels);
      agree([&](auto& run, auto zero) {
        using T = decltype(zero);
        const auto x = values<T>(x_size.size(), 1), dy = values<T>(y_size.size(), 2);
        auto y = stale<T>(y_size.size()), dx = stale<T>(x_size.size());
        run(op::avg_pool2d, in(x, x_size), out(y, y_size), g);
        run(op::avg_pool2d_backward, in(dy, y_size), out(dx, x_size), g);
        return outputs<T>{y, dx};
      });
    }
}

TEST_CASE("spatial_mean: mean and gradient agree with the reference", "[backend][ops][pool]") {
  for (const index_t b : {0, 1, 7})
    for (const index_t s : {1, 13, 257})
      for (const index_t c : {1, 7, 33}) {
        agree([&](auto& run, auto zero) {
          using T = decltype(zero);
          const auto x = values<T>(b * s * c, 1, 0, 1), dy = values<T>(b * c, 2);
          auto y = stale<T>(b * c), dx = stale<T>(b * s * c);
          run(op::spatial_mean, in(x, {b, s, 1, c}), out(y, {b, c}));
          run(op::spatial_mean_backward, in(dy, {b, c}), out(dx, {b, s, 1, c}));
          return outputs<T>{y, dx};
        });
      }
}
