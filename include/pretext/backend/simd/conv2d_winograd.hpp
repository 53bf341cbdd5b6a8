// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/thread_pool.hpp"
#include "../geometry.hpp"
#include "conv2d_operands.hpp"
#include "gemm.hpp"

/// Convolutions with 3 x 3 kernels that move by one, after Winograd: F(2x2, 3x3) of Lavin and Gray 2016, arXiv:1509.09308,
/// section 4.1. A map is cut into tiles of 2 x 2 results, each seen through 4 x 4 inputs:
///   y = A' [(G g G') . (B' d B)] A,   . element by element, summed over the input channels
/// so for each of the 16 places there is one product of (tiles, in) and (in, out): 16 multiplications for 4 results where
/// the definition has 36. The coefficients are 0, 1 and 1/2, which keeps the error of a float near that of the definition.
/// The gradient of the input is the same with turned kernels; the formula is linear in g, which gives that of the weights:
///   dg = G' [sum over tiles (B' d B) . (A dy A')] G
namespace pretext::simd {

/// Whether the kernels below serve a convolution: whole vectors of channels, and enough of them to pay for transforming.
template <class T, class Arch>
constexpr bool winograd_serves(const conv2d_geometry& g) {
  constexpr index_t W = lanes<T, Arch>;
  return g.kernel_h == 3 && g.kernel_w == 3 && g.stride_h == 1 && g.stride_w == 1 && g.groups == 1 && g.pad_h <= 2 &&
         g.pad_w <= 2 && g.in_c % W == 0 && g.out_c % W == 0 && g.in_c >= 16 && g.out_c >= 16 && g.out_h > 1 && g.out_w > 1;
}

namespace detail {

inline constexpr index_t places = 16;

/// Written out, so that arrays indexed by the number become registers.
template <class Body>
inline void each_of_four(const Body& body) {
  body(0);
  body(1);
  body(2);
  body(3);
}

/// B' d B along one axis.
template <class V>
inline void winograd_input(const V& a, const V& b, const V& c, const V& d, V* to, index_t step) {
  to[0] = a - c;
  to[step] = b + c;
  to[2 * step] = c - b;
  to[3 * step] = b - d;
}

/// Maps seen as tiles: tile t of the batch covers results (2 y, 2 x) to (2 y + 1, 2 x + 1) of a map, and inputs from
/// (2 y - pad_h, 2 x - pad_w) on.
struct winograd_tiles {
  index_t height, width;  // in tiles
  index_t count;          // of the whole batch

  winograd_tiles(index_t batch, index_t out_h, index_t out_w)
      : height(ceil_div(out_h, 2)), width(ceil_div(out_w, 2)), count(batch * height * width) {}
};

/// Maps (N, h, w, c) from which 4 x 4 neighbourhoods are read, with zeros beyond their edges.
template <class T>
struct winograd_source {
  const T* data;
  index_t h, w, c;
  index_t pad_h, pad_w;
};

/// B' d B of `count` tiles from tile `first` on: place f of tile t, channel by channel, at to[f * place + t * tile].
template <class T, class Arch, class S>
void transform_inputs(const winograd_source<S>& x, const winograd_tiles& tiles, index_t first, index_t count, const T* zeros,
                      T* to, index_t place, index_t tile) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  pixel_walk at(first, tiles.height, tiles.width);
  for (index_t t = 0; t < count; ++t, at.next()) {
    const S* from[4][4];
    const S* const outside = reinterpret_cast<const S*>(zeros);
    for (index_t i = 0; i < 4; ++i)
      for (index_t j = 0; j < 4; ++j) {
        const index_t y = 2 * at.y - x.pad_h + i, z = 2 * at.x - x.pad_w + j;
        const bool inside = y >= 0 && y < x.h && z >= 0 && z < x.w;
        from[i][j] = inside ? x.data + ((at.n * x.h + y) * x.w + z) * x.c : outside;
      }
    for (index_t c = 0; c < x.c; c += O::width) {
      V half[4][4];
      const auto down = [&](int j) {
        winograd_input<V>(O::load(from[0][j] + c), O::load(from[1][j] + c), O::load(from[2][j] + c), O::load(from[3][j] + c),
                          &half[0][j], 4);
      };
      T* const out = to + t * tile + c;
      const auto across = [&](int i) {
        V whole[4];
        winograd_input<V>(half[i][0], half[i][1], half[i][2], half[i][3], whole, 1);
        T* const row = out + 4 * i * place;
        O::store(row, whole[0]);
        O::store(row + place, whole[1]);
        O::store(row + 2 * place, whole[2]);
        O::store(row + 3 * place, whole[3]);
      };
      each_of_four(down);
      each_of_four(across);
    }
  }
}

/// y (+)= A' m A (+ bias) for columns [j, j + columns) of `count` tiles: the reverse of transform_inputs' places.
template <class T, class Arch, class S>
void transform_outputs(const T* m, index_t place, index_t tile, const winograd_tiles& tiles, index_t first, index_t count,
                       index_t j, index_t columns, S* y, index_t h, index_t w, index_t c, const T* bias, bool accumulate,
                       bool streams) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  pixel_walk at(first, tiles.height, tiles.width);
  for (index_t t = 0; t < count; ++t, at.next()) {
    S* const base = y + ((at.n * h + 2 * at.y) * w + 2 * at.x) * c + j;
    const bool below = 2 * at.y + 1 < h, beside = 2 * at.x + 1 < w;
    for (index_t v = 0; v < columns; v += O::width) {
      const T* const from = m + t * tile + v;
      V half[2][4];
      each_of_four([&](int i) {
        const V a = O::load(from + i * place), b = O::load(from + (4 + i) * place), d = O::load(from + (8 + i) * place);
        half[0][i] = a + b + d;
        half[1][i] = b - d - O::load(from + (12 + i) * place);
      });
      const V shift = bias ? O::load(bias + j + v) : O::zero();
      const auto put = [&](S* to, const V& x) {
        if (streams) O::stream(to, x + shift);
        else O::store(to, accumulate ? O::load(to) + (x + shift) : x + shift);
      };
      const auto put_row = [&](S* to, int i) {
        put(to, half[i][0] + half[i][1] + half[i][2]);
        if (beside) put(to + c, half[i][1] - half[i][2] - half[i][3]);
      };
      put_row(base + v, 0);
      if (below) put_row(base + w * c + v, 1);
    }
  }
}

/// G g along one axis.
template <class T, class Arch>
inline void winograd_kernel(const vec<T, Arch>& a, const vec<T, Arch>& b, const vec<T, Arch>& c, vec<T, Arch>* to, index_t step) {
  using O = vector_ops<T, Arch>;
  const auto half = O::set(T(0.5)), ends = half * (a + c), middle = half * b;
  to[0] = a;
  to[step] = ends + middle;
  to[2 * step] = ends - middle;
  to[3 * step] = c;
}

/// G g G' of one vector of kernels, tap (p, q) at taps[(3 p + q) * stride]; turned: tap (2 - p, 2 - q) in its place.
template <class T, class Arch>
inline void transform_kernel(const T* taps, index_t stride, bool turned, T* to, index_t place) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  V half[4][3];
  for (int q = 0; q < 3; ++q) {
    V tap[3];
    for (int p = 0; p < 3; ++p) tap[p] = O::load(taps + (turned ? 8 - 3 * p - q : 3 * p + q) * stride);
    winograd_kernel<T, Arch>(tap[0], tap[1], tap[2], &half[0][q], 3);
  }
  for (int i = 0; i < 4; ++i) {
    V whole[4];
    winograd_kernel<T, Arch>(half[i][0], half[i][1], half[i][2], whole, 1);
    for (int j = 0; j < 4; ++j) O::store(to + (4 * i + j) * place, whole[j]);
  }
}

/// How a product is cut, from the sizes alone. Transformed kernels lie as [panel][place][in][panel column].
template <class T, class Arch>
struct winograd_plan {
  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  /// Sums over at most this many channels are chained, as in the other products.
  static constexpr index_t most_steps = 1024 / static_cast<index_t>(sizeof(T));
  index_t in, out, panels;
  index_t block;         // tiles at once
  index_t row, place;    // strides of transformed inputs
  index_t result_place;  // of products
  index_t kernel_place;  // of transformed kernels

  winograd_plan(index_t in_c, index_t out_c) : in(in_c), out(out_c), panels(ceil_div(out_c, C)) {
    // A row that is no power of two keeps the rows of a tile in different cache sets; so do the places.
    row = in + 16;
    const index_t fitting = (index_t{1} << 20) / (places * row * static_cast<index_t>(sizeof(T))) / R * R;
    block = fitting < 4 * R ? 4 * R : fitting > 8 * R ? 8 * R : fitting;
    place = block * row + 16;
    result_place = block * C + 16 < row ? row : block * C + 16;  // a tile's inputs have to fit, too
    kernel_place = in * C + 16;
  }
  index_t kernels_size() const { return places * panels * kernel_place; }
  index_t worker_size() const { return places * (place + result_place); }
};

/// Transforms the kernels w [tap][in][out] into panels; turned: [tap][out][in] turned by half a circle.
template <class T, class Arch>
void transform_kernels(thread_pool& pool, const winograd_plan<T, Arch>& plan, const T* w, bool turned, T* kernels) {
  using O = vector_ops<T, Arch>;
  constexpr index_t C = tile_shape<T, Arch>::columns, W = O::width;
  const index_t in = plan.in, out = plan.out, tap = in * out, place = plan.kernel_place;
  pool.parallel_for(ceil_div(out, W), [&](index_t strip) {
    const index_t j = strip * W;
    T* const to = kernels + j / C * places * place + j % C;
    if (!turned) {
      for (index_t i = 0; i < in; ++i) transform_kernel<T, Arch>(w + i * out + j, tap, false, to + i * C, place);
      return;
    }
    alignas(64) T square[places * W * W];
    for (index_t i = 0; i < in; i += W) {
      for (index_t r = 0; r < W; ++r) transform_kernel<T, Arch>(w + (j + r) * in + i, tap, true, square + r * W, W * W);
      for (index_t f = 0; f < places; ++f) O::transpose(square + f * W * W, W, to + f * place + i * C, C);
    }
  });
}

}  // namespace detail

/// Elements of scratch for a convolution of `in` into `out` channels, of any batch.
template <class T, class Arch>
index_t winograd_scratch(int threads, index_t in, index_t out) {
  const detail::winograd_plan<T, Arch> plan(in, out);
  return 64 + plan.kernels_size() + round_up(in, 16) + threads * plan.worker_size();
}

/// y (N, h, w, out) = or += x convolved with w [+ bias]; the scratch is winograd_scratch. Terms: of the products (gemm.hpp).
/// cost    4 / 9 of the definition's products and 56 additions for each tile's 4 results of a channel
/// repeat  the bits of a sample depend on neither the threads nor the other samples
template <class T, class Arch, class Terms = exact_terms, class S>
void winograd(thread_pool& pool, const detail::winograd_source<std::type_identity_t<S>>& x, index_t batch, const T* w, bool turned, const T* bias,
              S* y, index_t out_h, index_t out_w, index_t out_c, bool accumulate, T* scratch) {
  using plan_type = detail::winograd_plan<T, Arch>;
  using element = typename Terms::template element<T, Arch>;
  constexpr index_t R = plan_type::R, C = plan_type::C, places = detail::places;
  const plan_type plan(x.c, out_c);
  const auto each_block = [&](auto&& body) {
    for (index_t p = 0; p < plan.in; p += plan_type::most_steps)
      body(p, plan.in - p < plan_type::most_steps ? plan.in - p : plan_type::most_steps);
  };
  const detail::winograd_tiles tiles(batch, out_h, out_w);
  T* const kernels = detail::align_scratch(scratch);
  T* const zeros = kernels + plan.kernels_size();
  T* const slots = zeros + round_up(x.c, 16);
  detail::transform_kernels<T, Arch>(pool, plan, w, turned, kernels);
  if constexpr (Terms::template packs<T, Arch>)
    pool.parallel_for(plan.panels * places, [&](index_t panel) {
      each_block([&](index_t p, index_t n) {
        const index_t columns = out_c - panel / places * C;
        Terms::template pack_columns<Arch>(kernels + panel * plan.kernel_place + p * C, C, n, columns < C ? columns : C);
      });
    });
  zero_run<T, Arch>(x.c, zeros);
  const bool streams = !accumulate && vector_ops<T, Arch>::streams(y, batch * out_h * out_w * out_c, out_c);
  pool.parallel_for_worker(ceil_div(tiles.count, plan.block), [&](index_t task, int worker) {
    T* const inputs = slots + worker * plan.worker_size();
    T* const results = inputs + places * plan.place;
    const index_t first = task * plan.block, count = tiles.count - first < plan.block ? tiles.count - first : plan.block;
    if constexpr (Terms::template packs<T, Arch>) {
      // A few tiles at a time, packed while they are in the first-level cache; results have no use for their room yet.
      const index_t room = plan.result_place < 320 ? plan.result_place : 320;
      const index_t some = plan.row < room ? room / plan.row : 1, part = some * plan.row;
      for (index_t i = 0; i < count; i += some) {
        const index_t now = count - i < some ? count - i : some;
        detail::transform_inputs<T, Arch>(x, tiles, first + i, now, zeros, results, part, plan.row);
        for (index_t f = 0; f < places; ++f)
          for (index_t t = 0; t < now; ++t)
            each_block([&](index_t p, index_t n) {
              Terms::template pack_row<Arch>(results + f * part + t * plan.row + p, n, inputs + f * plan.place + (i + t) * plan.row + p);
            });
      }
    } else {
      detail::transform_inputs<T, Arch>(x, tiles, first, count, zeros, inputs, plan.place, plan.row);
    }
    for (index_t j = 0; j < out_c; j += C) {
      const index_t columns = out_c - j < C ? out_c - j : C;
      for (index_t f = 0; f < places; ++f)
        each_block([&](index_t p, index_t n) {
          const T* const panel = kernels + (j / C * places + f) * plan.kernel_place + p * C;
          const T* const rows = inputs + f * plan.place + p;
          const store_result<T, Arch> store{{results + f * plan.result_place, C}, p > 0, nullptr};
          for (index_t i = 0; i < count; i += R)
            run_tile<element, Arch>(Terms::template steps<T, Arch>(n),
                                    strided<element>{reinterpret_cast<const element*>(rows + i * plan.row), plan.row, 1},
                                    reinterpret_cast<const element*>(panel), store, i, 0, count - i < R ? count - i : R, columns,
                                    true, true);
        });
      detail::transform_outputs<T, Arch>(results, plan.result_place, C, tiles, first, count, j, columns, y, out_h, out_w, out_c,
                                         bias, accumulate, streams);
    }
    vector_ops<T, Arch>::end_stream();
  });
}

namespace detail {

/// How a weight gradient is cut: runs of `chunk` tiles, shared out among `parts` sums where those are small.
template <class T, class Arch>
struct winograd_gradient_plan {
  static constexpr index_t C = tile_shape<T, Arch>::columns;
  static constexpr index_t chunk = 192;
  index_t in, out, chunks, parts;
  index_t row, place;              // strides of transformed inputs
  index_t panel, gradients_place;  // of transformed gradients, which lie as [place][panel][tile][panel column]

  winograd_gradient_plan(index_t in_c, index_t out_c, index_t tiles) : in(in_c), out(out_c), chunks(ceil_div(tiles, chunk)) {
    const index_t fitting = (index_t{8} << 20) / (places * in * out * static_cast<index_t>(sizeof(T)));
    const index_t most = fitting > 16 ? 16 : fitting;
    parts = chunks < most ? chunks : most;
    if (parts < 4) parts = 1;
    row = in + 16;
    place = chunk * row + 16;
    panel = chunk * C;
    gradients_place = ceil_div(out, C) * panel + 16;
  }
  index_t sums_size() const { return places * in * out; }
  index_t worker_size() const { return places * (place + gradients_place); }
};

/// A dy A' of tiles [begin, end) of a run that begins at tile `first` of the batch.
template <class T, class Arch, class S>
void transform_gradients(const S* dy, index_t h, index_t w, index_t c, const winograd_tiles& tiles, index_t first,
                         index_t begin, index_t end, const winograd_gradient_plan<T, Arch>& plan, T* to) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  constexpr index_t C = winograd_gradient_plan<T, Arch>::C;
  const auto spread = [](const V& a, const V& b, V* out, index_t step) {
    out[0] = a;
    out[step] = a + b;
    out[2 * step] = a - b;
    out[3 * step] = O::zero() - b;
  };
  pixel_walk at(first + begin, tiles.height, tiles.width);
  for (index_t t = begin; t < end; ++t, at.next()) {
    const S* const base = dy + ((at.n * h + 2 * at.y) * w + 2 * at.x) * c;
    const bool below = 2 * at.y + 1 < h, beside = 2 * at.x + 1 < w;
    for (index_t j = 0; j < c; j += O::width) {
      const S* const from = base + j;
      V half[4][2];
      spread(O::load(from), below ? O::load(from + w * c) : O::zero(), &half[0][0], 2);
      if (beside)
        spread(O::load(from + c), below ? O::load(from + w * c + c) : O::zero(), &half[0][1], 2);
      else
        each_of_four([&](int i) { half[i][1] = O::zero(); });
      T* const out = to + j / C * plan.panel + t * C + j % C;
      each_of_four([&](int i) {
        V whole[4];
        spread(half[i][0], half[i][1], whole, 1);
        each_of_four([&](int k) { O::store(out + (4 * i + k) * plan.gradients_place, whole[k]); });
      });
    }
  }
}

/// dw += G' (sum over parts) G for one row of input channels.
template <class T, class Arch>
void add_kernel_gradient(const winograd_gradient_plan<T, Arch>& plan, const T* sums, index_t i, T* dw) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  const index_t size = plan.in * plan.out;
  const auto gather = [](const V& a, const V& b, const V& c, const V& d, V* out, index_t step) {
    const V half = O::set(T(0.5)), sum = half * (b + c);
    out[0] = a + sum;
    out[step] = half * (b - c);
    out[2 * step] = sum + d;
  };
  for (index_t j = 0; j < plan.out; j += O::width) {
    V whole[4][4];
    for (index_t f = 0; f < places; ++f) {
      const T* from = sums + f * size + i * plan.out + j;
      V sum = O::load(from);
      for (index_t part = 1; part < plan.parts; ++part) sum = sum + O::load(from += plan.sums_size());
      whole[f / 4][f % 4] = sum;
    }
    V half[3][4];
    for (int k = 0; k < 4; ++k) gather(whole[0][k], whole[1][k], whole[2][k], whole[3][k], &half[0][k], 4);
    for (index_t p = 0; p < 3; ++p) {
      V taps[3];
      gather(half[p][0], half[p][1], half[p][2], half[p][3], taps, 1);
      for (index_t q = 0; q < 3; ++q) {
        T* const to = dw + (3 * p + q) * size + i * plan.out + j;
        O::store(to, O::load(to) + taps[q]);
      }
    }
  }
}

}  // namespace detail

/// Elements of scratch for the weight gradient; enough for smaller batches too.
template <class T, class Arch>
index_t winograd_gradient_scratch(int threads, const conv2d_geometry& g, index_t batch) {
  const detail::winograd_tiles tiles(batch, g.out_h, g.out_w);
  const detail::winograd_gradient_plan<T, Arch> plan(g.in_c, g.out_c, tiles.count);
  return 64 + round_up(g.in_c, 16) + plan.parts * plan.sums_size() + threads * plan.worker_size();
}

/// dw += the gradient of the kernels.
/// cost    4 / 9 of the definition's products; scratch winograd_gradient_scratch
template <class T, class Arch, class Terms = exact_terms, class S>
void winograd_gradient(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const S* dy, T* dw, T* scratch) {
  using plan_type = detail::winograd_gradient_plan<T, Arch>;
  using element = typename Terms::template element<T, Arch>;
  constexpr index_t R = tile_shape<T, Arch>::rows, C = plan_type::C, chunk = plan_type::chunk, places = detail::places;
  const detail::winograd_tiles tiles(batch, g.out_h, g.out_w);
  const plan_type plan(g.in_c, g.out_c, tiles.count);
  const detail::winograd_source<S> source{x, g.in_h, g.in_w, g.in_c, g.pad_h, g.pad_w};
  T* const zeros = detail::align_scratch(scratch);
  T* const sums = zeros + round_up(g.in_c, 16);
  T* const slots = sums + plan.parts * plan.sums_size();
  zero_run<T, Arch>(g.in_c, zeros);
  // A part is a row of chunks. With one part for all, the pool shares out the inside of a chunk; in a part of several, whose
  // sums are small, the loops inside run where they are.
  const auto run_part = [&](index_t part, int worker) {
    T* const inputs = slots + worker * plan.worker_size();
    T* const gradients = inputs + places * plan.place;
    T* const sum = sums + part * plan.sums_size();
    const index_t begin = part * plan.chunks / plan.parts, end = (part + 1) * plan.chunks / plan.parts;
    // The last tile of channels reads a few beyond them. What it makes of those is dropped, but if what lies there reads as tiny
    // numbers the processor takes twice the time for all.
    for (index_t f = 0; f < places; ++f)
      for (index_t t = 0; t < chunk; ++t) zero_run<T, Arch>(plan.row - plan.in, inputs + f * plan.place + t * plan.row + plan.in);
    for (index_t c = begin; c < end; ++c) {
      const index_t first = c * chunk, count = tiles.count - first < chunk ? tiles.count - first : chunk;
      pool.parallel_for(count, index_t{12}, [&](index_t from, index_t to) {
        detail::transform_inputs<T, Arch>(source, tiles, first + from, to - from, zeros, inputs + from * plan.row, plan.place,
                                          plan.row);
        detail::transform_gradients<T, Arch>(dy, g.out_h, g.out_w, g.out_c, tiles, first, from, to, plan, gradients);
      });
      pool.parallel_for(places, [&](index_t f) {
        T* const rows = inputs + f * plan.place;
        T* const panels = gradients + f * plan.gradients_place;
        if constexpr (Terms::template packs<T, Arch>) {
          Terms::template pack_columns<Arch>(rows, plan.row, count, g.in_c);
          for (index_t j = 0; j < g.out_c; j += C)
            Terms::template pack_columns<Arch>(panels + j / C * plan.panel, C, count, g.out_c - j < C ? g.out_c - j : C);
        }
        const store_result<T, Arch> store{{sum + f * g.in_c * g.out_c, g.out_c}, c > begin, nullptr};
        for (index_t i = 0; i < g.in_c; i += R)
          for (index_t j = 0; j < g.out_c; j += C)
            run_tile<element, Arch>(Terms::template steps<T, Arch>(count),
                                    strided<element>{reinterpret_cast<const element*>(rows + i), 1, plan.row},
                                    reinterpret_cast<const element*>(panels + j / C * plan.panel), store, i, j,
                                    g.in_c - i < R ? g.in_c - i : R, g.out_c - j < C ? g.out_c - j : C, true, true);
      });
    }
  };
  if (plan.parts == 1)
    run_part(0, 0);
  else
    pool.parallel_for_worker(plan.parts, run_part);
  pool.parallel_for(g.in_c, [&](index_t i) { detail::add_kernel_gradient<T, Arch>(plan, sums, i, dw); });
}

}  // namespace pretext::simd
