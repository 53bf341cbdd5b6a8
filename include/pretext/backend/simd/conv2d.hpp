// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/thread_pool.hpp"
#include "../geometry.hpp"
#include "conv2d_depthwise.hpp"
#include "conv2d_few_channels.hpp"
#include "conv2d_operands.hpp"
#include "conv2d_winograd.hpp"
#include "gemm.hpp"

/// Convolutions as products whose left operand is cut out of the maps while it is packed: no patch matrix in memory.
/// Every scratch query is enough for smaller batches too. Terms: what products make of their operands (gemm.hpp).
namespace pretext::simd {

namespace detail {

/// A 1x1 kernel that moves by one reads the map itself.
constexpr bool is_pointwise(const conv2d_geometry& g) {
  return g.taps() == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_h == 0 && g.pad_w == 0 && g.groups == 1;
}

/// Whether Winograd's kernels serve a convolution that moves by `step`: whole vectors of channels, and enough of them to pay for
/// transforming.
template <class T, class Arch, class Terms>
bool by_winograd(const conv2d_geometry& g, index_t step) {
  constexpr index_t W = lanes<T, Arch>;
  return g.kernel_h == 3 && g.kernel_w == 3 && g.stride_h == step && g.stride_w == step && g.groups == 1 && g.pad_h <= 2 &&
         g.pad_w <= 2 && g.in_c % W == 0 && g.out_c % W == 0 && g.in_c >= 16 && g.out_c >= 16 && g.out_h > 1 && g.out_w > 1 &&
         Terms::template prefers_winograd<T, Arch>();
}
/// The same by steps of two, whose tiles save less: a result of (h, w) has to fill seven eighths of its tiles.
template <class Scheme, class T, class Arch, class Terms>
bool by_winograd_two(const conv2d_geometry& g, index_t h, index_t w) {
  constexpr index_t R = Scheme::results;
  return by_winograd<T, Arch, Terms>(g, 2) && g.pad_h % 2 == g.pad_w % 2 && 8 * h * w >= 7 * round_up(h, R) * round_up(w, R);
}
template <class T, class Arch, class Terms>
bool forward_by_two(const conv2d_geometry& g) {
  return by_winograd_two<winograd_by_two, T, Arch, Terms>(g, g.out_h, g.out_w);
}
template <class T, class Arch, class Terms>
bool backward_by_two(const conv2d_geometry& g) {
  return by_winograd_two<winograd_by_two_back<true>, T, Arch, Terms>(g, g.in_h, g.in_w);
}
template <class G>
inline constexpr bool by_one = can_be<conv2d_kind::three_by_three, G>() || can_be<conv2d_kind::three_by_three_in_fours, G>();
template <class G>
inline constexpr bool by_two = can_be<conv2d_kind::three_by_three_by_two, G>();
/// Whether any convolution with a geometry of this type is left to the product over patches.
template <class T, class Arch, class Terms, class G>
inline constexpr bool can_need_patches =
    can_be<conv2d_kind::window, G>() || can_be<conv2d_kind::deep_window, G>() || by_two<G> ||
    (by_one<G> && (16 % lanes<T, Arch> != 0 || !std::is_same_v<Terms, exact_terms>));

/// Steps of one: visit(scheme) with that for a result of h x w.
template <class G, class Terms, class Visit>
decltype(auto) with_winograd_by_one(index_t h, index_t w, Visit&& visit) {
  constexpr bool fours = Terms::winograd::in_fours && can_be<conv2d_kind::three_by_three_in_fours, G>();
  constexpr bool twos = !Terms::winograd::in_fours || can_be<conv2d_kind::three_by_three, G>();
  if constexpr (fours && twos) return prefers_tiles_of_four(h, w) ? visit(winograd_in_fours{}) : visit(winograd_by_one{});
  else if constexpr (fours) return visit(winograd_in_fours{});
  else return visit(winograd_by_one{});
}
/// The gradient of the input by steps of two: scheme(winograd_by_two_back) with what padding asks for.
template <class Visit>
decltype(auto) with_winograd_back(const conv2d_geometry& g, Visit&& visit) {
  return g.pad_h % 2 != 0 ? visit(winograd_by_two_back<true>{}) : visit(winograd_by_two_back<false>{});
}

constexpr index_t larger(index_t a, index_t b) { return a > b ? a : b; }

/// Parts of the sum over pixels of a weight gradient: enough to keep threads busy where the result is small. From sizes
/// alone.
template <class T, class Arch, class Terms = exact_terms>
index_t most_weight_gradient_parts(const conv2d_geometry& g, index_t pixels) {
  const gemm_cut plan = Terms::template cut<T, Arch>(g.patch(), g.group_out(), pixels);
  const index_t wanted = ceil_div(16, plan.tasks), possible = larger(1, plan.step_blocks / 4);
  return wanted < possible ? wanted : possible;
}

/// The same rounded so that every part gets a block of steps.
template <class T, class Arch, class Terms = exact_terms>
index_t weight_gradient_parts(const conv2d_geometry& g, index_t pixels) {
  const gemm_cut plan = Terms::template cut<T, Arch>(g.patch(), g.group_out(), pixels);
  const index_t parts = most_weight_gradient_parts<T, Arch, Terms>(g, pixels);
  return ceil_div(plan.step_blocks, ceil_div(plan.step_blocks, parts));
}

}  // namespace detail

template <class T, class Arch, class Terms = exact_terms, class S = T, class G>
index_t conv2d_forward_scratch(int threads, const G& g, index_t batch) {
  if constexpr (can_be<conv2d_kind::depthwise, G>())
    if (is_depthwise(g)) return depthwise_scratch<T, Arch>(threads, g, batch);
  if constexpr (detail::by_one<G>)
    if (detail::by_winograd<T, Arch, Terms>(g, 1))
      return detail::with_winograd_by_one<G, Terms>(g.out_h, g.out_w, [&](auto scheme) {
        return winograd_scratch<T, Arch, decltype(scheme)>(threads, g.in_c, g.out_c);
      });
  if constexpr (detail::by_two<G>)
    if (detail::forward_by_two<T, Arch, Terms>(g)) return winograd_scratch<T, Arch, detail::winograd_by_two>(threads, g.in_c, g.out_c);
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g)) return few_channels_forward_scratch<T, Arch>(threads, g);
  return product_scratch<T, Arch, Terms, S>(threads, batch * g.out_h * g.out_w, g.group_out(), g.patch());
}

/// The blocks of which conv2d_forward takes the moments (finished::moments); none where its kernel takes none: only those do that keep a
/// block of rows with one worker.
template <class T, class Arch, class Terms = exact_terms, class G>
result_blocks forward_blocks(const G& g, index_t batch) {
  const auto of_scheme = [&](auto scheme) {
    return winograd_blocks<T, Arch, decltype(scheme)>(batch, g.in_c, g.out_h, g.out_w, g.out_c);
  };
  if constexpr (detail::by_one<G>)
    if (detail::by_winograd<T, Arch, Terms>(g, 1)) return detail::with_winograd_by_one<G, Terms>(g.out_h, g.out_w, of_scheme);
  if constexpr (detail::by_two<G>)
    if (detail::forward_by_two<T, Arch, Terms>(g)) return of_scheme(detail::winograd_by_two{});
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g) && g.out_c % tile_shape<T, Arch>::columns == 0) return few_channels_blocks(g, batch);
  return {};
}
/// Elements that their moments take, also for smaller batches.
template <class T, class Arch, class Terms = exact_terms, class G>
index_t block_moments_scratch(const G& g, index_t batch) {
  return round_up(block_moments<T>::size(forward_blocks<T, Arch, Terms>(g, batch).most, g.out_c), 16);
}

/// y (N, out_h, out_w, out_c) = x (N, in_h, in_w, in_c) convolved with w, finished (gemm_tile.hpp).
/// cost    2 N out_h out_w out_c patch; scratch conv2d_forward_scratch
/// repeat  the bits of a sample depend on neither the threads nor the other samples
template <class T, class Arch, class Terms = exact_terms, class G, class S>
void conv2d_forward(thread_pool& pool, const G& g, index_t batch, const S* x, const T* w, const finished<T>& finish, S* y,
                    T* scratch) {
  if constexpr (can_be<conv2d_kind::depthwise, G>())
    if (is_depthwise(g)) return depthwise_forward<T, Arch>(pool, g, batch, x, w, finish, y, scratch);
  if constexpr (detail::by_one<G> || detail::by_two<G>) {
    const auto by_winograd = [&](auto scheme) {
      winograd<T, Arch, decltype(scheme), typename Terms::winograd>(pool, {x, g.in_h, g.in_w, g.in_c, g.pad_h, g.pad_w}, batch, w, false,
                                                                    finish, y, g.out_h, g.out_w, g.out_c, false, scratch);
    };
    if constexpr (detail::by_one<G>)
      if (detail::by_winograd<T, Arch, Terms>(g, 1)) return detail::with_winograd_by_one<G, Terms>(g.out_h, g.out_w, by_winograd);
    if constexpr (detail::by_two<G>)
      if (detail::forward_by_two<T, Arch, Terms>(g)) return by_winograd(detail::winograd_by_two{});
  }
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g)) return few_channels_forward<T, Arch>(pool, g, batch, x, w, finish, y, scratch);
  const index_t pixels = batch * g.out_h * g.out_w;
  if constexpr (can_be<conv2d_kind::pointwise, G>())
    if (detail::is_pointwise(g))
      return gemm<T, Arch, Terms>(pool, pixels, g.out_c, g.in_c, x, g.in_c, false, w, g.out_c, false, y, g.out_c, false, scratch,
                           finish);
  if constexpr (detail::can_need_patches<T, Arch, Terms, G>)
    for (index_t group = 0; group < g.groups; ++group) {
      const conv_patches<T, Arch, S> left{x, g, group};
      const dense_right<T, Arch> right{w + group * g.patch() * g.group_out(), g.group_out(), false};
      const store_result<T, Arch, S> epilogue{
          {y + group * g.group_out(), g.out_c}, false, finish.from(group * g.group_out()),
          g.groups == 1 && one_block<T, Arch, Terms>(g.patch()) && vector_ops<T, Arch>::streams(y, pixels * g.out_c, g.out_c)};
      multiply_into<T, Arch, Terms>(pool, pixels, g.group_out(), g.patch(), left, right, epilogue, scratch);
    }
}

template <class T, class Arch, class Terms = exact_terms, class S = T, class G>
index_t conv2d_input_gradient_scratch(int threads, const G& g, index_t batch) {
  if constexpr (can_be<conv2d_kind::depthwise, G>())
    if (is_depthwise(g)) return depthwise_scratch<T, Arch>(threads, g, batch);
  if constexpr (detail::by_one<G>)
    if (detail::by_winograd<T, Arch, Terms>(g, 1))
      return detail::with_winograd_by_one<G, Terms>(g.in_h, g.in_w, [&](auto scheme) {
        return winograd_scratch<T, Arch, decltype(scheme)>(threads, g.out_c, g.in_c);
      });
  if constexpr (detail::by_two<G>)
    if (detail::backward_by_two<T, Arch, Terms>(g))
      return winograd_scratch<T, Arch, detail::winograd_by_two_back<false>>(threads, g.out_c, g.in_c);
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g)) return few_channels_input_gradient_scratch<T, Arch>(threads, g);
  if constexpr (can_be<conv2d_kind::pointwise, G>())
    if (detail::is_pointwise(g)) return product_scratch<T, Arch, Terms, S>(threads, batch * g.in_h * g.in_w, g.in_c, g.out_c);
  index_t most = 0;
  if constexpr (detail::can_need_patches<T, Arch, Terms, G>)
    for (index_t ry = 0; ry < g.stride_h && ry < g.in_h; ++ry)
      for (index_t rx = 0; rx < g.stride_w && rx < g.in_w; ++rx) {
        const stride_class c(g, ry, rx);
        most = detail::larger(most, product_scratch<T, Arch, Terms, S>(threads, batch * c.height * c.width, g.group_in(),
                                                                       c.taps_y * c.taps_x * g.group_out()));
      }
  return g.weights() + most;
}

namespace detail {

/// derivation  dx(y, x, i) = sum over kernel (p, q) and output o of dy((y + pad - p) / stride, ...) w(p, q, i, o), over the
/// taps where the division has no rest: one product for each class of rests.
template <class T, class Arch, class Terms, class S>
void input_gradient_by_patches(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* dy, const T* w, S* dx,
                               bool accumulate, T* scratch) {
  const index_t rows = g.group_in(), columns = g.group_out();
  T* const turned = scratch;
  pool.parallel_for(g.groups * g.taps(), [&](index_t tap) {
    const T* from = w + tap * rows * columns;
    T* to = turned + tap * rows * columns;
    using O = vector_ops<T, Arch>;
    constexpr index_t W = O::width;
    for (index_t r = 0; r < rows; r += W)
      for (index_t c = 0; c < columns; c += W) {
        if (r + W <= rows && c + W <= columns) {
          O::transpose(from + r * columns + c, columns, to + c * rows + r, rows);
        } else {
          for (index_t rr = r; rr < rows && rr < r + W; ++rr)
            for (index_t cc = c; cc < columns && cc < c + W; ++cc) to[cc * rows + rr] = from[rr * columns + cc];
        }
      }
  });
  for (index_t group = 0; group < g.groups; ++group)
    for (index_t ry = 0; ry < g.stride_h && ry < g.in_h; ++ry)
      for (index_t rx = 0; rx < g.stride_w && rx < g.in_w; ++rx) {
        const stride_class c(g, ry, rx);
        const conv_gradient_patches<T, Arch, S> left{dy, g, group, c};
        const conv_gradient_weights<T, Arch> right{turned + group * g.patch() * columns, g, c};
        const bool streams = g.groups == 1 && one_block<T, Arch, Terms>(c.taps_y * c.taps_x * columns) &&
                             vector_ops<T, Arch>::streams(dx, batch * g.in_h * g.in_w * g.in_c, g.in_c);
        const store_result<T, Arch, S> epilogue{class_rows(dx + group * rows, g, c), accumulate, {}, streams};
        multiply_into<T, Arch, Terms>(pool, batch * c.height * c.width, rows, c.taps_y * c.taps_x * columns, left, right, epilogue,
                                      scratch + g.weights());
      }
}

}  // namespace detail

/// dx = or += what dy sends back through the convolution.
template <class T, class Arch, class Terms = exact_terms, class G, class S>
void conv2d_input_gradient(thread_pool& pool, const G& g, index_t batch, const S* dy, const T* w, S* dx,
                           bool accumulate, T* scratch) {
  if constexpr (can_be<conv2d_kind::depthwise, G>())
    if (is_depthwise(g)) return depthwise_input_gradient<T, Arch>(pool, g, batch, dy, w, dx, accumulate, scratch);
  if constexpr (detail::by_one<G> || detail::by_two<G>) {
    const auto by_winograd = [&](auto scheme, index_t pad_h, index_t pad_w) {
      winograd<T, Arch, decltype(scheme), typename Terms::winograd>(pool, {dy, g.out_h, g.out_w, g.out_c, pad_h, pad_w}, batch, w, true,
                                                                    {}, dx, g.in_h, g.in_w, g.in_c, accumulate, scratch);
    };
    if constexpr (detail::by_one<G>)
      if (detail::by_winograd<T, Arch, Terms>(g, 1))
        return detail::with_winograd_by_one<G, Terms>(g.in_h, g.in_w,
                                                      [&](auto scheme) { by_winograd(scheme, 2 - g.pad_h, 2 - g.pad_w); });
    if constexpr (detail::by_two<G>)
      if (detail::backward_by_two<T, Arch, Terms>(g))
        return detail::with_winograd_back(g, [&](auto scheme) { by_winograd(scheme, scheme.padding(g.pad_h), scheme.padding(g.pad_w)); });
  }
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g))
      return few_channels_input_gradient<T, Arch>(pool, g, batch, dy, w, dx, accumulate, scratch);
  if constexpr (can_be<conv2d_kind::pointwise, G>())
    if (detail::is_pointwise(g))
      return gemm<T, Arch, Terms>(pool, batch * g.in_h * g.in_w, g.in_c, g.out_c, dy, g.out_c, false, w, g.out_c, true, dx,
                           g.in_c, accumulate, scratch);
  if constexpr (detail::can_need_patches<T, Arch, Terms, G>)
    detail::input_gradient_by_patches<T, Arch, Terms>(pool, g, batch, dy, w, dx, accumulate, scratch);
}

template <class T, class Arch, class Terms = exact_terms, class G>
index_t conv2d_weight_gradient_scratch(int threads, const G& g, index_t batch) {
  if constexpr (can_be<conv2d_kind::depthwise, G>())
    if (is_depthwise(g)) return depthwise_scratch<T, Arch>(threads, g, batch);
  if constexpr (detail::by_one<G>)
    if (detail::by_winograd<T, Arch, Terms>(g, 1))
      return detail::with_winograd_by_one<G, Terms>(g.out_h, g.out_w, [&](auto scheme) {
        return winograd_gradient_scratch<T, Arch, decltype(scheme)>(threads, g, batch);
      });
  if constexpr (detail::by_two<G>)
    if (detail::forward_by_two<T, Arch, Terms>(g)) return winograd_gradient_scratch<T, Arch, detail::winograd_by_two>(threads, g, batch);
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g)) return few_channels_weight_gradient_scratch<T, Arch>(threads, g, batch);
  const index_t pixels = batch * g.out_h * g.out_w;
  const index_t parts = detail::most_weight_gradient_parts<T, Arch, Terms>(g, pixels);
  return Terms::template scratch<T, Arch>(threads, g.patch(), g.group_out(), pixels) +
         (parts > 1 ? parts * g.patch() * g.group_out() : 0);
}

namespace detail {

template <class T, class Arch, class Terms, class S>
void weight_gradient_by_patches(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const S* dy, T* dw,
                                T* scratch) {
  const index_t pixels = batch * g.out_h * g.out_w, size = g.patch() * g.group_out();
  if (pixels == 0) return;
  const index_t parts = weight_gradient_parts<T, Arch, Terms>(g, pixels);
  for (index_t group = 0; group < g.groups; ++group) {
    T* const to = dw + group * size;
    const conv_patches_transposed<T, Arch, S> left{{x, g, group}};
    const dense_right<T, Arch, S> right{dy + group * g.group_out(), g.out_c, false};
    if (parts == 1) {
      const store_result<T, Arch> epilogue{{to, g.group_out()}, true};
      Terms::template multiply<T, Arch>(pool, g.patch(), g.group_out(), pixels, left, right, epilogue, scratch);
      continue;
    }
    const store_result<T, Arch> epilogue{{scratch, g.group_out(), size}, false};
    Terms::template multiply<T, Arch>(pool, g.patch(), g.group_out(), pixels, left, right, epilogue, scratch + parts * size, parts);
    add_partials<T, Arch>(pool, parts, size, scratch, to);
  }
}

}  // namespace detail

/// dw += sum over pixels of patch times dy.
template <class T, class Arch, class Terms = exact_terms, class G, class S>
void conv2d_weight_gradient(thread_pool& pool, const G& g, index_t batch, const S* x, const S* dy, T* dw,
                            T* scratch) {
  if constexpr (can_be<conv2d_kind::depthwise, G>())
    if (is_depthwise(g)) return depthwise_weight_gradient<T, Arch>(pool, g, batch, x, dy, dw, scratch);
  if constexpr (detail::by_one<G> || detail::by_two<G>) {
    const auto by_winograd = [&](auto scheme) {
      if (batch > 0) winograd_gradient<T, Arch, decltype(scheme), typename Terms::winograd>(pool, g, batch, x, dy, dw, scratch);
    };
    if constexpr (detail::by_one<G>)
      if (detail::by_winograd<T, Arch, Terms>(g, 1)) return detail::with_winograd_by_one<G, Terms>(g.out_h, g.out_w, by_winograd);
    if constexpr (detail::by_two<G>)
      if (detail::forward_by_two<T, Arch, Terms>(g)) return by_winograd(detail::winograd_by_two{});
  }
  if constexpr (can_be<conv2d_kind::window, G>())
    if (few_channels_serve<T, Arch>(g)) return few_channels_weight_gradient<T, Arch>(pool, g, batch, x, dy, dw, scratch);
  if constexpr (detail::can_need_patches<T, Arch, Terms, G> || can_be<conv2d_kind::pointwise, G>())
    detail::weight_gradient_by_patches<T, Arch, Terms>(pool, g, batch, x, dy, dw, scratch);
}

}  // namespace pretext::simd
