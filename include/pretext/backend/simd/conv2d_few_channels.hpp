// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "../../core/order.hpp"
#include "../../core/thread_pool.hpp"
#include "../geometry.hpp"
#include "conv2d_operands.hpp"
#include "gemm.hpp"
#include "partials.hpp"

/// Convolutions that read pictures: one to four channels, so that copying patches would take as long as multiplying them.
///
/// Forward and weight gradient copy the input lines under an output line, each value once, in the order (column, kernel
/// row, channel). A patch is then one run of memory and the next begins stride_w columns further on, so tiles read them in
/// place. The input gradient has too few columns for a vector; it forms the products of the weights with an output line,
/// (patch, pixels), and adds up the pixels' shares line by line.
namespace pretext::simd {

/// Whether the kernels below serve a convolution: short chains, lines long enough to fill tiles.
template <class T, class Arch>
constexpr bool few_channels_serve(const conv2d_geometry& g) {
  using plan = gemm_plan<T, Arch>;
  return g.groups == 1 && g.in_c <= 4 && g.taps() > 1 && g.out_w >= 8 && g.patch() <= plan::most_steps &&
         g.out_c <= plan::most_steps;
}

namespace detail {

template <int Channels, class T, class S>
void spread_pixels(const S* from, index_t n, index_t step, T* to) {
  for (index_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<S, T>)
      std::memcpy(to + i * step, from + i * Channels, Channels * sizeof(T));
    else
      for (index_t c = 0; c < Channels; ++c) to[i * step + c] = from[i * Channels + c];
  }
}

/// The input lines under one output line, by columns.
template <class T, class Arch>
struct picture_lines {
  static constexpr index_t R = tile_shape<T, Arch>::rows;
  const conv2d_geometry& g;
  index_t depth = g.kernel_h * g.in_c;  // values in a column
  index_t columns = (g.out_w - 1) * g.stride_w + g.kernel_w;

  /// With what the last tile reads beyond the end.
  index_t size() const { return round_up((columns + R * g.stride_w) * depth, 16); }
  index_t pixel_stride() const { return g.stride_w * depth; }

  template <class S>
  void read(const S* sample, index_t y, T* to) const {
    for (index_t ky = 0; ky < g.kernel_h; ++ky) {
      const index_t line = y * g.stride_h - g.pad_h + ky;
      index_t before = columns, inside = 0;
      if (line >= 0 && line < g.in_h && g.pad_w < columns) {
        before = g.pad_w;
        inside = columns - before < g.in_w ? columns - before : g.in_w;
      }
      T* const first = to + ky * g.in_c;
      zero(first, before);
      const S* from = sample + line * g.in_w * g.in_c;
      T* const at = first + before * depth;
      if (g.in_c == 1) spread_pixels<1>(from, inside, depth, at);
      else if (g.in_c == 2) spread_pixels<2>(from, inside, depth, at);
      else if (g.in_c == 3) spread_pixels<3>(from, inside, depth, at);
      else spread_pixels<4>(from, inside, depth, at);
      zero(at + inside * depth, columns - before - inside);
    }
  }
  void clear(T* to) const { zero_run<T, Arch>(size(), to); }
  /// Row of the weights that belongs to place p of a patch in this order.
  index_t weight_row(index_t p) const {
    const index_t kx = p / depth, ky = p % depth / g.in_c, c = p % g.in_c;
    return (ky * g.kernel_w + kx) * g.in_c + c;
  }

 private:
  void zero(T* to, index_t n) const {
    for (index_t i = 0; i < n; ++i)
      for (index_t c = 0; c < g.in_c; ++c) to[i * depth + c] = T(0);
  }
};

/// Which of a tile's pixels count in the moments of a block: those from `first` on, of which `done` stand before them.
struct picture_moments {
  index_t block, first, done;
};

/// Results of R pixels and two vectors of channels: a chain of one patch is so short that a tile's way through memory to
/// an epilogue would show.
template <class T, class Arch, int R, class S>
void picture_tile(index_t patch, const T* a, index_t pixel_stride, const T* b, const finished<T>& finish, S* y, index_t out_c,
                  bool streams, const picture_moments& of) {
  using O = vector_ops<T, Arch>;
  constexpr index_t W = O::width;
  vec<T, Arch> sum[R][2];
  const auto each = [](auto&& body) {
    [&]<std::size_t... n>(std::index_sequence<n...>) { (body(n / 2, n % 2), ...); }(std::make_index_sequence<2 * R>{});
  };
  each([&](std::size_t r, std::size_t v) { sum[r][v] = O::zero(); });
  for (index_t left = patch; left > 0; --left) {
    const vec<T, Arch> right[2] = {O::load(b), O::load(b + W)};
    each([&](std::size_t r, std::size_t v) {
      sum[r][v] = O::fma(O::set(a[static_cast<index_t>(r) * pixel_stride]), right[v], sum[r][v]);
    });
    ++a;
    b += 2 * W;
  }
  if (finish.bias)
    each([&](std::size_t r, std::size_t v) { sum[r][v] = sum[r][v] + O::load(finish.bias + static_cast<index_t>(v) * W); });
  if (finish.clamps()) {
    const auto least = O::set(finish.least);
    each([&](std::size_t r, std::size_t v) { sum[r][v] = O::max(least, sum[r][v]); });
  }
  if constexpr (std::is_same_v<S, T>)
    if (finish.moments) {
      const auto kept = [&](std::size_t v) { return finish.moments.of(of.block, static_cast<index_t>(v) * W); };
      const auto begun = [&](std::size_t v) {
        return of.done == 0 ? moment_sums<T, Arch>(sum[R - 1][v]) : moment_sums<T, Arch>(kept(v), out_c);
      };
      moment_sums<T, Arch> moments[2] = {begun(0), begun(1)};
      each([&](std::size_t r, std::size_t v) {
        if (static_cast<index_t>(r) >= of.first) moments[v].add(sum[r][v]);
      });
      const index_t after = of.done + R - of.first, tiles = after / R;
      for (std::size_t v = 0; v < 2; ++v) {
        if ((tiles & (tiles - 1)) == 0) moments[v].centre(after);
        moments[v].store(kept(v), out_c);
      }
    }
  const auto at = [&](std::size_t r, std::size_t v) { return y + static_cast<index_t>(r) * out_c + static_cast<index_t>(v) * W; };
  if (streams) each([&](std::size_t r, std::size_t v) { O::stream(at(r, v), sum[r][v]); });
  else each([&](std::size_t r, std::size_t v) { O::store(at(r, v), sum[r][v]); });
}

template <class T>
inline constexpr index_t cache_line = 64 / static_cast<index_t>(sizeof(T));

/// Lines from p on, whatever lies there: nothing is read.
template <class T, class S>
read_ahead<T> ahead_of(const S* p) {
  return {reinterpret_cast<const T*>(p), cache_line<T>};
}

inline constexpr index_t picture_lines_at_once = 8;   // in a task of the forward pass
inline constexpr index_t gradient_lines_at_once = 32;  // of the input gradient, which repeats kernel_h - 1 of them
inline constexpr index_t columns_in_chain = 256;       // of the weight gradient, at least one line

/// The sum over all lines of a weight gradient is cut into parts, by sizes alone.
inline index_t picture_parts(const conv2d_geometry& g, index_t batch) {
  const index_t possible = ceil_div(batch * g.out_h, 16);
  return possible < 16 ? possible : 16;
}

/// The output lines that one chain of the weight gradient runs over. They follow each other a whole number of pixels apart, and
/// where a patch would hang over from one line into the next the gradient is zero.
template <class T, class Arch>
struct picture_chain {
  picture_lines<T, Arch> lines;
  index_t pixels = ceil_div(lines.columns, lines.g.stride_w);  // from a line to the next
  index_t count = columns_in_chain > pixels ? columns_in_chain / pixels : 1;

  index_t steps(index_t n) const { return (n - 1) * pixels + lines.g.out_w; }
  index_t line_stride() const { return pixels * lines.pixel_stride(); }
  index_t inputs_size() const { return (count - 1) * round_up(line_stride(), 16) + lines.size(); }
  index_t worker_size() const {
    return inputs_size() + round_up(steps(count) * round_up(lines.g.out_c, tile_shape<T, Arch>::columns), 16);
  }
};

/// What the input gradient holds of an output line: the products (patch, pixels), zero beside the pixels.
template <class T, class Arch>
struct picture_shares {
  const conv2d_geometry& g;
  index_t margin = g.kernel_w - 1;
  index_t stride = round_up(g.out_w + 2 * margin + g.pad_w + lanes<T, Arch>, 16);
  index_t slots = ceil_div(g.kernel_h, g.stride_h);  // output lines that an input line sees
  index_t plane = round_up(g.in_w, lanes<T, Arch>);

  index_t line_size() const { return g.patch() * stride; }
  index_t size() const { return round_up(slots * line_size() + g.in_c * plane, 16); }
  const T* at(const T* shares, index_t y, index_t ky, index_t kx, index_t c) const {
    return shares + y % slots * line_size() + ((ky * g.kernel_w + kx) * g.in_c + c) * stride + margin;
  }

  /// Adds up input line `line`, channel by channel.
  void sum(const T* shares, index_t line, T* planes) const {
    using O = vector_ops<T, Arch>;
    zero_run<T, Arch>(g.in_c * plane, planes);
    for (index_t ky = 0; ky < g.kernel_h; ++ky) {
      const index_t moved = line + g.pad_h - ky, y = moved / g.stride_h;
      if (moved < 0 || moved % g.stride_h != 0 || y >= g.out_h) continue;
      for (index_t c = 0; c < g.in_c; ++c) {
        T* const to = planes + c * plane;
        if (g.stride_w == 1) {
          for (index_t x = 0; x < g.in_w; x += O::width) {
            auto all = O::load(to + x);
            for (index_t kx = 0; kx < g.kernel_w; ++kx) all = all + O::load(at(shares, y, ky, kx, c) + x + g.pad_w - kx);
            O::store(to + x, all);
          }
          continue;
        }
        for (index_t kx = 0; kx < g.kernel_w; ++kx) {
          const T* from = at(shares, y, ky, kx, c);
          for (index_t ox = 0; ox < g.out_w; ++ox) {
            const index_t x = ox * g.stride_w - g.pad_w + kx;
            if (x >= 0 && x < g.in_w) to[x] += from[ox];
          }
        }
      }
    }
  }
};

}  // namespace detail

template <class T, class Arch>
index_t few_channels_forward_scratch(int threads, const conv2d_geometry& g) {
  return g.patch() * round_up(g.out_c, tile_shape<T, Arch>::columns) + threads * detail::picture_lines<T, Arch>{g}.size() + 64;
}

/// How few_channels_forward cuts its result.
inline result_blocks few_channels_blocks(const conv2d_geometry& g, index_t batch) {
  constexpr index_t lines = detail::picture_lines_at_once;
  const index_t blocks = batch * ceil_div(g.out_h, lines);
  return {g.out_h, g.out_w, lines, g.out_w, blocks, 1, blocks};
}

/// conv2d_forward for few channels; the chain of a result runs over (kernel column, kernel row, channel).
template <class T, class Arch, class S>
void few_channels_forward(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const T* w,
                          const finished<T>& finish, S* y, T* scratch) {
  constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  const detail::picture_lines<T, Arch> lines{g};
  const index_t patch = g.patch();
  T* const packed = detail::align_scratch(scratch);
  T* const slots = packed + patch * round_up(g.out_c, C);
  for (index_t j = 0; j < g.out_c; j += C)
    for (index_t p = 0; p < patch; ++p)
      copy_panels<T, Arch>(w + lines.weight_row(p) * g.out_c + j, g.out_c, 1, g.out_c - j < C ? g.out_c - j : C,
                           packed + j * patch + p * C);
  const store_result<T, Arch, S> epilogue{{y, g.out_c}, false, finish,
                                       vector_ops<T, Arch>::streams(y, batch * g.out_h * g.out_w * g.out_c, g.out_c)};
  const index_t blocks = ceil_div(g.out_h, detail::picture_lines_at_once);
  pool.parallel_for_worker(batch * blocks, [&](index_t task, int worker) {
    T* const buffer = slots + worker * lines.size();
    lines.clear(buffer);
    const index_t sample = task / blocks, begin = task % blocks * detail::picture_lines_at_once;
    const index_t end = g.out_h - begin < detail::picture_lines_at_once ? g.out_h : begin + detail::picture_lines_at_once;
    for (index_t line = begin; line < end; ++line) {
      lines.read(x + sample * g.in_h * g.in_w * g.in_c, line, buffer);
      const index_t first = (sample * g.out_h + line) * g.out_w;
      if (g.out_c % C == 0) {
        constexpr index_t P = R * 2 / 3;  // divides the lines of usual pictures; where it does not, pixels are computed twice
        for (index_t i = 0; i < g.out_w; i += P) {
          const index_t x0 = i + P <= g.out_w ? i : g.out_w - P;
          for (index_t j = 0; j < g.out_c; j += C)
            detail::picture_tile<T, Arch, P>(patch, buffer + x0 * lines.pixel_stride(), lines.pixel_stride(), packed + j * patch,
                                             finish.from(j), y + (first + x0) * g.out_c + j, g.out_c, epilogue.streams,
                                             {task, i - x0, (line - begin) * g.out_w + i});
        }
        continue;
      }
      for (index_t i = 0; i < g.out_w; i += R)
        for (index_t j = 0; j < g.out_c; j += C)
          run_tile<T, Arch>(patch, {buffer + i * lines.pixel_stride(), lines.pixel_stride(), 1}, packed + j * patch, epilogue,
                            first + i, j, g.out_w - i < R ? g.out_w - i : R, g.out_c - j < C ? g.out_c - j : C, true, true);
    }
    vector_ops<T, Arch>::end_stream();
  });
}

template <class T, class Arch>
index_t few_channels_input_gradient_scratch(int threads, const conv2d_geometry& g) {
  constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  const index_t worker = round_up(g.out_c * C, 16) + detail::picture_shares<T, Arch>{g}.size();
  return round_up(round_up(g.patch(), R) * (g.out_c + 16), 16) + threads * worker + 64;
}

/// conv2d_input_gradient for few channels.
template <class T, class Arch, class S>
void few_channels_input_gradient(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* dy, const T* w, S* dx,
                                 bool accumulate, T* scratch) {
  constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  const detail::picture_shares<T, Arch> shares_of{g};
  const index_t patch = g.patch(), padded = round_up(patch, R), stride = g.out_c + 16;
  // A stride that is no power of two keeps the rows of a tile in different cache sets.
  T* const rows = detail::align_scratch(scratch);
  zero_run<T, Arch>(padded * stride, rows);
  for (index_t p = 0; p < patch; ++p) copy_run<T, Arch>(w + p * g.out_c, g.out_c, rows + p * stride);
  T* const slots = rows + round_up(padded * stride, 16);
  const index_t panel_size = round_up(g.out_c * C, 16), worker_size = panel_size + shares_of.size();
  const index_t blocks = ceil_div(g.in_h, detail::gradient_lines_at_once);
  pool.parallel_for_worker(batch * blocks, [&](index_t task, int worker) {
    T* const panel = slots + worker * worker_size;
    T* const shares = panel + panel_size;
    T* const planes = shares + shares_of.slots * shares_of.line_size();
    zero_run<T, Arch>(shares_of.size(), shares);
    const index_t sample = task / blocks, begin = task % blocks * detail::gradient_lines_at_once;
    const index_t end = g.in_h - begin < detail::gradient_lines_at_once ? g.in_h : begin + detail::gradient_lines_at_once;
    const auto multiply_line = [&](index_t y) {
      const S* from = dy + (sample * g.out_h + y) * g.out_w * g.out_c;
      const S* next = from + g.out_w * g.out_c;  // line, which the tiles ask for
      const bool more = y + 1 < g.out_h;
      const store_result<T, Arch> epilogue{
          {shares + y % shares_of.slots * shares_of.line_size() + shares_of.margin, shares_of.stride}};
      for (index_t j = 0; j < g.out_w; j += C) {
        const index_t columns = g.out_w - j < C ? g.out_w - j : C;
        transpose_panel<T, Arch>(from + j * g.out_c, g.out_c, g.out_c, columns, panel);
        for (index_t i = 0; i < patch; i += R, next += g.out_c * detail::cache_line<S>)
          run_tile<T, Arch>(g.out_c, {rows + i * stride, stride, 1}, panel, epilogue, i, j, patch - i < R ? patch - i : R,
                            columns, true, true, more ? detail::ahead_of<T>(next) : read_ahead<T>{});
      }
    };
    const index_t unseen = begin + g.pad_h - g.kernel_h + 1;
    index_t next = unseen <= 0 ? 0 : ceil_div(unseen, g.stride_h);
    for (index_t line = begin; line < end; ++line) {
      for (; next < g.out_h && next <= (line + g.pad_h) / g.stride_h; ++next) multiply_line(next);
      shares_of.sum(shares, line, planes);
      S* const to = dx + (sample * g.in_h + line) * g.in_w * g.in_c;
      for (index_t c = 0; c < g.in_c; ++c) {
        const T* from = planes + c * shares_of.plane;
        if (accumulate) for (index_t x = 0; x < g.in_w; ++x) to[x * g.in_c + c] = static_cast<S>(to[x * g.in_c + c] + from[x]);
        else for (index_t x = 0; x < g.in_w; ++x) to[x * g.in_c + c] = static_cast<S>(from[x]);
      }
    }
  });
}

template <class T, class Arch>
index_t few_channels_weight_gradient_scratch(int threads, const conv2d_geometry& g, index_t batch) {
  const detail::picture_chain<T, Arch> chain{{g}};
  return round_up(detail::picture_parts(g, batch) * g.weights(), 16) + threads * chain.worker_size() + 64;
}

/// conv2d_weight_gradient for few channels: dw += sum over pixels of patch times dy.
template <class T, class Arch, class S>
void few_channels_weight_gradient(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const S* dy, T* dw,
                                  T* scratch) {
  constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  const detail::picture_chain<T, Arch> chain{{g}};
  const auto& lines = chain.lines;
  const index_t patch = g.patch(), all = batch * g.out_h, parts = detail::picture_parts(g, batch);
  if (all == 0) return;
  T* const sums = detail::align_scratch(scratch);
  T* const slots = sums + round_up(parts * g.weights(), 16);
  pool.parallel_for_worker(parts, [&](index_t part, int worker) {
    T* const buffer = slots + worker * chain.worker_size();
    T* const packed = buffer + chain.inputs_size();
    zero_run<T, Arch>(chain.worker_size(), buffer);
    const store_result<T, Arch> epilogue{{sums + part * g.weights(), g.out_c}};
    const index_t begin = part * all / parts, end = (part + 1) * all / parts;
    for (index_t line = begin; line < end; line += chain.count) {
      const index_t count = end - line < chain.count ? end - line : chain.count, steps = chain.steps(count);
      for (index_t l = 0; l < count; ++l) {
        const index_t number = line + l, x_line = number % g.out_h;
        lines.read(x + number / g.out_h * g.in_h * g.in_w * g.in_c, x_line, buffer + l * chain.line_stride());
        for (index_t j = 0; j < g.out_c; j += C)
          copy_panels<T, Arch>(dy + number * g.out_w * g.out_c + j, g.out_c, g.out_w, g.out_c - j < C ? g.out_c - j : C,
                               packed + j * chain.steps(chain.count) + l * chain.pixels * C);
      }
      const S* next = dy + (line + count) * g.out_w * g.out_c;  // of the next chain: tiles ask for its gradients
      for (index_t j = 0; j < g.out_c; j += C)
        for (index_t i = 0; i < patch; i += R, next += steps * detail::cache_line<S>)
          run_tile<T, Arch>(steps, {buffer + i, 1, lines.pixel_stride()}, packed + j * chain.steps(chain.count), epilogue, i, j,
                            patch - i < R ? patch - i : R, g.out_c - j < C ? g.out_c - j : C, line == begin, true,
                            line + count < end ? detail::ahead_of<T>(next) : read_ahead<T>{});
    }
  });
  pool.parallel_for(patch, [&](index_t p) {
    T* const row = sums + p * g.out_c;
    combine_in_tree(parts, [&](index_t into, index_t from) {
      add_run<T, Arch>(row + into * g.weights(), row + from * g.weights(), g.out_c);
    });
    add_run<T, Arch>(dw + lines.weight_row(p) * g.out_c, row, g.out_c);
  });
}

}  // namespace pretext::simd
