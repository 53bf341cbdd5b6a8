// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../../core/thread_pool.hpp"
#include "../geometry.hpp"
#include "conv2d_operands.hpp"
#include "gemm.hpp"
#include "winograd_scheme.hpp"

/// Convolutions with 3 x 3 kernels, after Winograd. A map is cut into tiles of a few results, each seen through its inputs:
///   y = A' [(G g G') . (B' d B)] A,   . element by element, summed over the input channels
/// so for each place of the bracket there is one product of (tiles, in) and (in, out). A scheme (winograd_scheme.hpp) says
/// what A, B and G are. The formula is linear in g, which gives the gradient of the weights:
///   dg = G' [sum over tiles (B' d B) . (A dy A')] G
namespace pretext::simd {

namespace detail {

/// Maps seen as tiles: the results of tile (y, x) begin at (results y, results x) of a map, its inputs at
/// (step y - pad_h, step x - pad_w).
struct winograd_tiles {
  index_t height, width;  // in tiles
  index_t count;          // of the whole batch

  winograd_tiles(index_t batch, index_t out_h, index_t out_w, index_t results)
      : height(ceil_div(out_h, results)), width(ceil_div(out_w, results)), count(batch * height * width) {}
};

/// Maps (N, h, w, c) from which the inputs of tiles are read, with zeros beyond their edges.
template <class T>
struct winograd_source {
  const T* data;
  index_t h, w, c;
  index_t pad_h, pad_w;
};

/// B' d B of `count` tiles from tile `first` on: place f of tile t, channel by channel, at to[f * place + t * tile].
template <class T, class Arch, class Scheme, class S>
void transform_inputs(const winograd_source<S>& x, const winograd_tiles& tiles, index_t first, index_t count, const T* zeros,
                      T* to, index_t place, index_t tile) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  constexpr int I = Scheme::inputs, P = Scheme::places;
  pixel_walk at(first, tiles.height, tiles.width);
  for (index_t t = 0; t < count; ++t, at.next()) {
    const S* from[I][I];
    const S* const outside = reinterpret_cast<const S*>(zeros);
    for (index_t i = 0; i < I; ++i)
      for (index_t j = 0; j < I; ++j) {
        const index_t y = Scheme::step * at.y - x.pad_h + i, z = Scheme::step * at.x - x.pad_w + j;
        const bool inside = y >= 0 && y < x.h && z >= 0 && z < x.w;
        from[i][j] = inside ? x.data + ((at.n * x.h + y) * x.w + z) * x.c : outside;
      }
    for (index_t c = 0; c < x.c; c += O::width) {
      V half[P][I];
      each<I>([&](int j) PRETEXT_IN_PLACE {
        V column[I];
        each<I>([&](int i) PRETEXT_IN_PLACE { column[i] = O::load(from[i][j] + c); });
        Scheme::template input<O>(column, &half[0][j], I);
      });
      T* const out = to + t * tile + c;
      each<P>([&](int i) PRETEXT_IN_PLACE {
        V whole[P];
        Scheme::template input<O>(half[i], whole, 1);
        each<P>([&](int k) PRETEXT_IN_PLACE { O::store(out + (i * P + k) * place, whole[k]); });
      });
    }
  }
}

/// y (+)= A' m A, finished, for columns [j, j + columns) of `count` tiles: the reverse of transform_inputs' places. Moments: of the
/// tiles' results, those of block `block`.
template <class T, class Arch, class Scheme, bool Moments, class S>
void transform_outputs(const T* m, index_t place, index_t tile, const winograd_tiles& tiles, index_t first, index_t count,
                       index_t j, index_t columns, S* y, index_t h, index_t w, index_t c, const finished<T>& finish,
                       bool accumulate, bool streams, [[maybe_unused]] index_t block) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  constexpr int P = Scheme::places, R = Scheme::results;
  pixel_walk at(first, tiles.height, tiles.width);
  [[maybe_unused]] index_t done = 0;  // results of a column
  for (index_t t = 0; t < count; ++t, at.next()) {
    S* const base = y + ((at.n * h + R * at.y) * w + R * at.x) * c + j;
    const index_t below = h - R * at.y, beside = w - R * at.x;
    if constexpr (Moments) done += (below < R ? below : R) * (beside < R ? beside : R);
    for (index_t v = 0; v < columns; v += O::width) {
      const T* const from = m + t * tile + v;
      V half[R][P];
      each<P>([&](int k) PRETEXT_IN_PLACE {
        V column[P];
        each<P>([&](int i) PRETEXT_IN_PLACE { column[i] = O::load(from + (i * P + k) * place); });
        Scheme::template result<O>(column, &half[0][k], P);
      });
      const V shift = finish.bias ? O::load(finish.bias + j + v) : O::zero(), least = O::set(finish.least);
      [[maybe_unused]] auto moments = [&] {
        if constexpr (Moments) {
          if (t > 0) return moment_sums<T, Arch>(finish.moments.of(block, j + v), c);
          V corner[R];
          Scheme::template result<O>(half[0], corner, 1);
          return moment_sums<T, Arch>(O::max(least, corner[0] + shift));
        } else {
          return 0;
        }
      }();
      const auto put = [&](S* to, const V& sum) {
        const V x = O::max(least, sum + shift);
        if constexpr (Moments) moments.add(x);
        if (streams) O::stream(to, x);
        else O::store(to, accumulate ? O::load(to) + x : x);
      };
      each<R>([&](int i) PRETEXT_IN_PLACE {
        if (i >= below) return;
        V whole[R];
        Scheme::template result<O>(half[i], whole, 1);
        S* const row = base + i * w * c + v;
        each<R>([&](int k) PRETEXT_IN_PLACE {
          if (k < beside) put(row + k * c, whole[k]);
        });
      });
      if constexpr (Moments) {
        if ((t & (t + 1)) == 0) moments.centre(done);
        moments.store(finish.moments.of(block, j + v), c);
      }
    }
  }
}

/// G g G' of one vector of kernels, tap (p, q) at taps[(3 p + q) * stride]; turned: tap (2 - p, 2 - q) in its place.
template <class T, class Arch, class Scheme>
inline void transform_kernel(const T* taps, index_t stride, bool turned, T* to, index_t place) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  constexpr int K = Scheme::kernels;
  V half[K][3];
  for (int q = 0; q < 3; ++q) {
    V tap[3];
    for (int p = 0; p < 3; ++p) tap[p] = O::load(taps + (turned ? 8 - 3 * p - q : 3 * p + q) * stride);
    Scheme::template kernel<O>(tap, &half[0][q], 3);
  }
  for (int i = 0; i < K; ++i) {
    V whole[K];
    Scheme::template kernel<O>(half[i], whole, 1);
    for (int j = 0; j < K; ++j) O::store(to + (K * i + j) * place, whole[j]);
  }
}

/// How a product is cut, from the sizes alone. Transformed kernels lie as [panel][kernel][in][panel column].
template <class T, class Arch, class Scheme>
struct winograd_plan {
  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  static constexpr index_t places = Scheme::places * Scheme::places, kernels = Scheme::kernels * Scheme::kernels;
  /// Sums over at most this many channels are chained, as in the other products.
  static constexpr index_t most_steps = 1024 / static_cast<index_t>(sizeof(T));
  index_t in, out, panels;
  index_t block;         // tiles at once, at most
  index_t row, place;    // strides of transformed inputs
  index_t result_place;  // of products
  index_t kernel_place;  // of transformed kernels

  winograd_plan(index_t in_c, index_t out_c) : in(in_c), out(out_c), panels(ceil_div(out_c, C)) {
    // A row that is no power of two keeps the rows of a tile in different cache sets; so do the places.
    row = in + 16;
    block = Scheme::template block<T>(row, R);
    place = block * row + 16;
    result_place = block * C + 16 < row ? row : block * C + 16;  // a tile's inputs have to fit, too
    kernel_place = in * C + 16;
  }
  /// Fewer tiles at once where there would be fewer than eight tasks.
  index_t block_of(index_t tiles) const {
    const index_t eighth = round_up(ceil_div(tiles, 8), R), least = eighth < 4 * R ? 4 * R : eighth;
    return least < block ? least : block;
  }
  index_t kernels_size() const { return kernels * panels * kernel_place; }
  index_t worker_size() const { return places * (place + result_place); }
};

/// Transforms the kernels w [tap][in][out] into panels; turned: [tap][out][in] turned by half a circle.
template <class T, class Arch, class Scheme>
void transform_kernels(thread_pool& pool, const winograd_plan<T, Arch, Scheme>& plan, const T* w, bool turned, T* to) {
  using O = vector_ops<T, Arch>;
  constexpr index_t C = tile_shape<T, Arch>::columns, W = O::width, kernels = winograd_plan<T, Arch, Scheme>::kernels;
  const index_t in = plan.in, out = plan.out, tap = in * out, place = plan.kernel_place;
  pool.parallel_for(ceil_div(out, W), [&](index_t strip) {
    const index_t j = strip * W;
    T* const strip_to = to + j / C * kernels * place + j % C;
    if (!turned) {
      for (index_t i = 0; i < in; ++i) transform_kernel<T, Arch, Scheme>(w + i * out + j, tap, false, strip_to + i * C, place);
      return;
    }
    alignas(64) T square[kernels * W * W];
    for (index_t i = 0; i < in; i += W) {
      for (index_t r = 0; r < W; ++r) transform_kernel<T, Arch, Scheme>(w + (j + r) * in + i, tap, true, square + r * W, W * W);
      for (index_t f = 0; f < kernels; ++f) O::transpose(square + f * W * W, W, strip_to + f * place + i * C, C);
    }
  });
}

}  // namespace detail

/// Elements of scratch for a convolution of `in` into `out` channels, of any batch.
template <class T, class Arch, class Scheme>
index_t winograd_scratch(int threads, index_t in, index_t out) {
  const detail::winograd_plan<T, Arch, Scheme> plan(in, out);
  return 64 + plan.kernels_size() + round_up(in, 16) + threads * plan.worker_size();
}

/// How winograd cuts its result.
template <class T, class Arch, class Scheme>
result_blocks winograd_blocks(index_t batch, index_t in, index_t out_h, index_t out_w, index_t out) {
  const index_t tiles = detail::winograd_tiles(batch, out_h, out_w, Scheme::results).count;
  const detail::winograd_plan<T, Arch, Scheme> plan(in, out);
  const index_t most = ceil_div(tiles, plan.block);  // blocks are smaller only where there would be fewer than eight
  return {out_h, out_w, Scheme::results, Scheme::results, tiles, plan.block_of(tiles), most > 8 ? most : 8};
}

/// y (N, h, w, out) = or += x convolved with w, finished; the scratch is winograd_scratch. Terms: of the products (gemm.hpp).
/// cost    of the 9 products of a result by the definition, 4 in tiles of 2 x 2, 2.25 in those of 4 x 4, 6.25 by steps of two
/// repeat  the bits of a sample depend on neither the threads nor the other samples
template <class T, class Arch, class Scheme, class Terms = exact_terms, class S>
void winograd(thread_pool& pool, const detail::winograd_source<std::type_identity_t<S>>& x, index_t batch, const T* w, bool turned,
              const finished<T>& finish, S* y, index_t out_h, index_t out_w, index_t out_c, bool accumulate, T* scratch) {
  using plan_type = detail::winograd_plan<T, Arch, Scheme>;
  using element = typename Terms::template element<T, Arch>;
  constexpr index_t R = plan_type::R, C = plan_type::C, P = Scheme::places, K = Scheme::kernels, places = P * P;
  const plan_type plan(x.c, out_c);
  const auto each_block = [&](auto&& body) {
    for (index_t p = 0; p < plan.in; p += plan_type::most_steps)
      body(p, plan.in - p < plan_type::most_steps ? plan.in - p : plan_type::most_steps);
  };
  const detail::winograd_tiles tiles(batch, out_h, out_w, Scheme::results);
  T* const kernels = detail::align_scratch(scratch);
  T* const zeros = kernels + plan.kernels_size();
  T* const slots = zeros + round_up(x.c, 16);
  detail::transform_kernels(pool, plan, w, turned, kernels);
  if constexpr (Terms::template packs<T, Arch>)
    pool.parallel_for(plan.panels * K * K, [&](index_t panel) {
      each_block([&](index_t p, index_t n) {
        const index_t columns = out_c - panel / (K * K) * C;
        Terms::template pack_columns<Arch>(kernels + panel * plan.kernel_place + p * C, C, n, columns < C ? columns : C);
      });
    });
  zero_run<T, Arch>(x.c, zeros);
  // Not where a vector is half a line: a tile writes to many lines by turns, and the halves would go to memory apart.
  const bool streams = std::is_same_v<S, T> && !accumulate && vector_ops<T, Arch>::streams(y, batch * out_h * out_w * out_c, out_c);
  const index_t block = plan.block_of(tiles.count);
  pool.parallel_for_worker(ceil_div(tiles.count, block), [&](index_t task, int worker) {
    T* const inputs = slots + worker * plan.worker_size();
    T* const results = inputs + places * plan.place;
    const index_t first = task * block, count = tiles.count - first < block ? tiles.count - first : block;
    if constexpr (Terms::template packs<T, Arch>) {
      // A few tiles at a time, packed while they are in the first-level cache; results have no use for their room yet.
      const index_t room = plan.result_place < 320 ? plan.result_place : 320;
      const index_t some = plan.row < room ? room / plan.row : 1, part = some * plan.row;
      for (index_t i = 0; i < count; i += some) {
        const index_t now = count - i < some ? count - i : some;
        detail::transform_inputs<T, Arch, Scheme>(x, tiles, first + i, now, zeros, results, part, plan.row);
        for (index_t f = 0; f < places; ++f)
          for (index_t t = 0; t < now; ++t)
            each_block([&](index_t p, index_t n) {
              Terms::template pack_row<Arch>(results + f * part + t * plan.row + p, n, inputs + f * plan.place + (i + t) * plan.row + p);
            });
      }
    } else {
      detail::transform_inputs<T, Arch, Scheme>(x, tiles, first, count, zeros, inputs, plan.place, plan.row);
    }
    for (index_t j = 0; j < out_c; j += C) {
      const index_t columns = out_c - j < C ? out_c - j : C;
      for (index_t f = 0; f < places; ++f)
        each_block([&](index_t p, index_t n) {
          const index_t kernel = Scheme::kernel_of(f / P) * K + Scheme::kernel_of(f % P);
          const T* const panel = kernels + (j / C * K * K + kernel) * plan.kernel_place + p * C;
          const T* const rows = inputs + f * plan.place + p;
          const store_result<T, Arch> store{{results + f * plan.result_place, C}, p > 0};
          for (index_t i = 0; i < count; i += R)
            run_tile<element, Arch>(Terms::template steps<T, Arch>(n),
                                    strided<element>{reinterpret_cast<const element*>(rows + i * plan.row), plan.row, 1},
                                    reinterpret_cast<const element*>(panel), store, i, 0, count - i < R ? count - i : R, columns,
                                    true, true);
        });
      const auto put = [&](auto moments) {
        detail::transform_outputs<T, Arch, Scheme, decltype(moments)::value>(results, plan.result_place, C, tiles, first, count, j, columns, y,
                                                                             out_h, out_w, out_c, finish, accumulate, streams, task);
      };
      if (std::is_same_v<S, T> && finish.moments) put(std::bool_constant<std::is_same_v<S, T>>{});
      else put(std::false_type{});
    }
    vector_ops<T, Arch>::end_stream();
  });
}

namespace detail {

/// How a weight gradient is cut: runs of `chunk` tiles, shared out among `parts` sums where those are small.
template <class T, class Arch, class Scheme>
struct winograd_gradient_plan {
  static constexpr index_t C = tile_shape<T, Arch>::columns;
  static constexpr index_t places = Scheme::places * Scheme::places, kernels = Scheme::kernels * Scheme::kernels;
  static constexpr index_t chunk = Scheme::run;
  index_t in, out, chunks, parts;
  index_t row, place;              // strides of transformed inputs
  index_t panel, gradients_place;  // of transformed gradients, which lie as [place][panel][tile][panel column]

  winograd_gradient_plan(index_t in_c, index_t out_c, index_t tiles) : in(in_c), out(out_c), chunks(ceil_div(tiles, chunk)) {
    const index_t fitting = (index_t{8} << 20) / (kernels * in * out * static_cast<index_t>(sizeof(T)));
    const index_t most = fitting > 16 ? 16 : fitting;
    parts = chunks < most ? chunks : most;
    if (parts < 4) parts = 1;
    row = in + 16;
    place = chunk * row + 16;
    panel = chunk * C;
    gradients_place = ceil_div(out, C) * panel + 16;
  }
  index_t sums_size() const { return kernels * in * out; }
  index_t worker_size() const { return places * (place + gradients_place); }
};

/// A dy A' of tiles [begin, end) of a run that begins at tile `first` of the batch.
template <class T, class Arch, class Scheme, class S>
void transform_gradients(const S* dy, index_t h, index_t w, index_t c, const winograd_tiles& tiles, index_t first,
                         index_t begin, index_t end, const winograd_gradient_plan<T, Arch, Scheme>& plan, T* to) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  constexpr index_t C = tile_shape<T, Arch>::columns;
  constexpr int P = Scheme::places, R = Scheme::results;
  pixel_walk at(first + begin, tiles.height, tiles.width);
  for (index_t t = begin; t < end; ++t, at.next()) {
    const S* const base = dy + ((at.n * h + R * at.y) * w + R * at.x) * c;
    const index_t below = h - R * at.y, beside = w - R * at.x;
    for (index_t j = 0; j < c; j += O::width) {
      V half[P][R];
      each<R>([&](int k) PRETEXT_IN_PLACE {
        V column[R];
        each<R>([&](int i) PRETEXT_IN_PLACE {
          column[i] = i < below && k < beside ? O::load(base + (i * w + k) * c + j) : O::zero();
        });
        Scheme::template spread<O>(column, &half[0][k], R);
      });
      T* const out = to + j / C * plan.panel + t * C + j % C;
      each<P>([&](int i) PRETEXT_IN_PLACE {
        V whole[P];
        Scheme::template spread<O>(half[i], whole, 1);
        each<P>([&](int k) PRETEXT_IN_PLACE { O::store(out + (i * P + k) * plan.gradients_place, whole[k]); });
      });
    }
  }
}

/// dw += G' (sum over parts) G for one row of input channels.
template <class T, class Arch, class Scheme>
void add_kernel_gradient(const winograd_gradient_plan<T, Arch, Scheme>& plan, const T* sums, index_t i, T* dw) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  constexpr int K = Scheme::kernels;
  const index_t size = plan.in * plan.out;
  for (index_t j = 0; j < plan.out; j += O::width) {
    V half[3][K];
    for (int k = 0; k < K; ++k) {
      V column[K];
      for (int f = 0; f < K; ++f) {
        const T* from = sums + (f * K + k) * size + i * plan.out + j;
        column[f] = O::load(from);
        for (index_t part = 1; part < plan.parts; ++part) column[f] = column[f] + O::load(from += plan.sums_size());
      }
      Scheme::template kernel_gradient<O>(column, &half[0][k], K);
    }
    for (index_t p = 0; p < 3; ++p) {
      V taps[3];
      Scheme::template kernel_gradient<O>(half[p], taps, 1);
      for (index_t q = 0; q < 3; ++q) {
        T* const to = dw + (3 * p + q) * size + i * plan.out + j;
        O::store(to, O::load(to) + taps[q]);
      }
    }
  }
}

}  // namespace detail

/// Elements of scratch for the weight gradient; enough for smaller batches too.
template <class T, class Arch, class Scheme>
index_t winograd_gradient_scratch(int threads, const conv2d_geometry& g, index_t batch) {
  const detail::winograd_tiles tiles(batch, g.out_h, g.out_w, Scheme::results);
  const detail::winograd_gradient_plan<T, Arch, Scheme> plan(g.in_c, g.out_c, tiles.count);
  return 64 + round_up(g.in_c, 16) + plan.parts * plan.sums_size() + threads * plan.worker_size();
}

/// dw += the gradient of the kernels.
/// cost    the products of the forward pass; scratch winograd_gradient_scratch
template <class T, class Arch, class Scheme, class Terms = exact_terms, class S>
void winograd_gradient(thread_pool& pool, const conv2d_geometry& g, index_t batch, const S* x, const S* dy, T* dw, T* scratch) {
  using plan_type = detail::winograd_gradient_plan<T, Arch, Scheme>;
  using element = typename Terms::template element<T, Arch>;
  constexpr index_t R = tile_shape<T, Arch>::rows, C = plan_type::C, chunk = plan_type::chunk, P = Scheme::places, K = Scheme::kernels;
  const detail::winograd_tiles tiles(batch, g.out_h, g.out_w, Scheme::results);
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
    T* const gradients = inputs + P * P * plan.place;
    T* const sum = sums + part * plan.sums_size();
    const index_t begin = part * plan.chunks / plan.parts, end = (part + 1) * plan.chunks / plan.parts;
    // The last tile of channels reads a few beyond them. What it makes of those is dropped, but if what lies there reads as tiny
    // numbers the processor takes twice the time for all.
    for (index_t f = 0; f < P * P; ++f)
      for (index_t t = 0; t < chunk; ++t) zero_run<T, Arch>(plan.row - plan.in, inputs + f * plan.place + t * plan.row + plan.in);
    for (index_t c = begin; c < end; ++c) {
      const index_t first = c * chunk, count = tiles.count - first < chunk ? tiles.count - first : chunk;
      pool.parallel_for(count, index_t{12}, [&](index_t from, index_t to) {
        detail::transform_inputs<T, Arch, Scheme>(source, tiles, first + from, to - from, zeros, inputs + from * plan.row, plan.place,
                                          plan.row);
        detail::transform_gradients<T, Arch>(dy, g.out_h, g.out_w, g.out_c, tiles, first, from, to, plan, gradients);
      });
      const auto add_place = [&](index_t f, index_t kernel, bool more) {
        T* const rows = inputs + f * plan.place;
        T* const panels = gradients + f * plan.gradients_place;
        if constexpr (Terms::template packs<T, Arch>) {
          Terms::template pack_columns<Arch>(rows, plan.row, count, g.in_c);
          for (index_t j = 0; j < g.out_c; j += C)
            Terms::template pack_columns<Arch>(panels + j / C * plan.panel, C, count, g.out_c - j < C ? g.out_c - j : C);
        }
        const store_result<T, Arch> store{{sum + kernel * g.in_c * g.out_c, g.out_c}, more};
        for (index_t i = 0; i < g.in_c; i += R)
          for (index_t j = 0; j < g.out_c; j += C)
            run_tile<element, Arch>(Terms::template steps<T, Arch>(count),
                                    strided<element>{reinterpret_cast<const element*>(rows + i), 1, plan.row},
                                    reinterpret_cast<const element*>(panels + j / C * plan.panel), store, i, j,
                                    g.in_c - i < R ? g.in_c - i : R, g.out_c - j < C ? g.out_c - j : C, true, true);
      };
      // From the last kernel on, which most places may share.
      pool.parallel_for(K * K, [&](index_t turned) {
        const index_t kernel = K * K - 1 - turned;
        bool more = c > begin;
        for (index_t f = 0; f < P * P; ++f)
          if (Scheme::kernel_of(f / P) * K + Scheme::kernel_of(f % P) == kernel) {
            add_place(f, kernel, more);
            more = true;
          }
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
