// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "../../core/thread_pool.hpp"
#include "gemm_operands.hpp"
#include "gemm_tile.hpp"

namespace pretext::simd {

/// How a product of (m, k) and (k, n) is cut. `block_steps` alone touches the bits of a result (sums inside a block of
/// steps are chained, blocks are added in order) and depends on k alone; the rest decides who computes what.
/// A right operand that serves several blocks of rows is packed once, by all workers, where memory allows it (`shared`).
/// Beyond that a worker packs a block of it for a chunk of several blocks of rows, and blocks are smaller.
template <class T, class Arch>
struct gemm_plan {
  index_t block_rows, block_columns, block_steps;
  index_t row_blocks, column_blocks, step_blocks;
  index_t padded_columns;  // whole panels
  index_t packed_right;    // elements of the shared copy
  index_t chunk;           // blocks of rows in a task
  bool shared;

  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  static constexpr index_t most_steps = packed_element<T>::most_steps, tail = packed_element<T>::tail;
  static constexpr index_t most_rows = most_tiles<T, Arch> * R;
  static constexpr index_t most_columns = 4096 / static_cast<index_t>(sizeof(T));
  static constexpr index_t long_sum = 8 * most_steps;
  static constexpr index_t most_shared = (index_t{32} << 20) / static_cast<index_t>(sizeof(T));

  gemm_plan(index_t m, index_t n, index_t k) {
    step_blocks = k > 0 ? ceil_div(k, k > long_sum ? most_steps / 2 : most_steps) : 1;
    block_steps = k > 0 ? ceil_div(k, step_blocks) : 0;
    block_rows = round_up(ceil_div(m, ceil_div(m, most_rows)), R);
    row_blocks = ceil_div(m, block_rows);
    padded_columns = round_up(n, C);
    shared = row_blocks > 1 && k <= long_sum && with_tails(k) * padded_columns <= most_shared;
    block_columns = round_up(ceil_div(n, ceil_div(n, shared ? most_columns : most_columns / 2)), C);
    column_blocks = ceil_div(n, block_columns);
    if (shared && row_blocks * column_blocks < 8) {  // workers would wait for the last of a few large tasks
      const index_t even = round_up(ceil_div(m * column_blocks, 16), R), least = even < 2 * R ? 2 * R : even;
      block_rows = least < block_rows ? least : block_rows;
      row_blocks = ceil_div(m, block_rows);
    }
    packed_right = shared ? round_up(with_tails(k) * padded_columns, 16) : 0;
    // A long sum is shared out among partial products, so its tasks may be large; others have to occupy the workers.
    const index_t wanted = k > long_sum ? row_blocks : ceil_div(row_blocks * column_blocks, 16);
    chunk = shared ? 1 : wanted > 8 ? 8 : wanted;
  }

  static constexpr index_t with_tails(index_t steps) { return steps + tail * ceil_div(steps > 0 ? steps : 1, most_steps); }
  /// Where panel j / C of a block of steps begins in the shared copy.
  index_t panel(index_t block, index_t steps, index_t j) const {
    return block * (block_steps + tail) * padded_columns + j * (steps + tail);
  }
  index_t chunks() const { return ceil_div(row_blocks, chunk); }
  index_t tasks() const { return chunks() * column_blocks; }

  index_t left_size() const { return round_up(block_rows * (block_steps + 16), 16); }
  index_t right_size() const { return shared ? 0 : round_up((block_steps + tail) * block_columns, 16); }
  index_t worker_size() const { return left_size() + right_size(); }
  index_t size(int threads) const { return packed_right + threads * worker_size(); }

  /// No product of at most these sizes needs more than this: blocks are balanced, so a smaller product can have larger ones.
  static index_t size_bound(int threads, index_t m, index_t n, index_t k) {
    const auto smaller = [](index_t a, index_t b) { return a < b ? a : b; };
    const index_t steps = smaller(k, most_steps), rows = smaller(round_up(m, R), most_rows);
    const index_t columns = smaller(round_up(n, C), most_columns / 2);
    const index_t packed = m > most_rows ? smaller(with_tails(smaller(k, long_sum)) * round_up(n, C), most_shared) : 0;
    return round_up(packed, 16) + threads * (round_up(rows * (steps + 16), 16) + round_up((steps + tail) * columns, 16));
  }
};

namespace detail {

template <class T>
T* align_scratch(T* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return p + (((address + 63) & ~std::uintptr_t{63}) - address) / sizeof(T);
}

}  // namespace detail

/// Elements of scratch for a product of these sizes on `threads` workers; enough for every smaller product too.
template <class T, class Arch>
index_t gemm_scratch(int threads, index_t m, index_t n, index_t k) {
  if (m <= 0 || n <= 0) return 0;
  return gemm_plan<T, Arch>::size_bound(threads, m, n, k) + 64;
}

/// A left operand, a right operand and an epilogue behind pointers. They are asked once a block or tile, thousands of
/// operations apart, so the kernel is compiled once for all of them and not once for every combination.
template <class T>
class left_operand {
 public:
  template <class Left>
  left_operand(const Left& left)
      : self_(&left), block_([](const void* self, index_t i, index_t rows, index_t p, index_t steps, T* buffer) {
          return static_cast<const Left*>(self)->block(i, rows, p, steps, buffer);
        }) {}
  strided<T> block(index_t i, index_t rows, index_t p, index_t steps, T* buffer) const {
    return block_(self_, i, rows, p, steps, buffer);
  }

 private:
  const void* self_;
  strided<T> (*block_)(const void*, index_t, index_t, index_t, index_t, T*);
};

template <class T>
class right_operand {
 public:
  template <class Right>
  right_operand(const Right& right)
      : self_(&right), panels_([](const void* self, index_t p, index_t steps, index_t j, index_t columns, T* to) {
          static_cast<const Right*>(self)->panels(p, steps, j, columns, to);
        }) {
    if constexpr (requires { right.lines(); }) lines_ = right.lines();
  }
  source_lines<T> lines() const { return lines_; }
  void panels(index_t p, index_t steps, index_t j, index_t columns, T* to) const {
    panels_(self_, p, steps, j, columns, to);
  }

 private:
  const void* self_;
  void (*panels_)(const void*, index_t, index_t, index_t, index_t, T*);
  source_lines<T> lines_;
};

/// The tiles of a block under one panel of the right operand: `whole` rows of full tiles, then what is left.
template <class T>
struct tile_column {
  strided<T> body, rest;
  index_t i, whole, rows;
  index_t steps;
  index_t split;     // of which partial product
  bool first, last;  // block of steps
  read_ahead<T> ahead;   // of the first tile
  index_t ahead_stride;  // from tile to tile
  copy_ahead<T> copy = {};  // of the next panel: half by the first tile, half by the second

  read_ahead<T> ahead_of(index_t tile) const { return {ahead.from + tile * ahead_stride, ahead.step}; }
  copy_ahead<T> copy_of(index_t tile, index_t width) const {
    const index_t vector = tile * steps, second = vector % 2;
    return {copy.from + vector / 2 * copy.row + second * width, copy.to + vector * width, copy.row, second != 0 ? copy.row - width : width};
  }
};

template <class T>
class tile_epilogue {
 public:
  template <class Arch, class Epilogue>
  tile_epilogue(Arch, const Epilogue& epilogue) : self_(&epilogue), run_(run<Arch, Epilogue>), copies_(copies_ahead<T, Epilogue>()) {}
  bool copies() const { return copies_; }
  void operator()(const tile_column<T>& at, const T* panel, index_t j, index_t width) const { run_(self_, at, panel, j, width); }

 private:
  template <class Arch, class Epilogue>
  static void run(const void* self, const tile_column<T>& at, const T* panel, index_t j, index_t width) {
    constexpr index_t R = tile_shape<T, Arch>::rows;
    const Epilogue epilogue = static_cast<const Epilogue*>(self)->part(at.split);
    index_t i = 0;
    if constexpr (copies_ahead<T, Epilogue>())
      for (; at.copy.to != nullptr && i < 2 * R; i += R)
        run_copying_tile<T, Arch>(at.steps, at.body.tile(i / R), panel, epilogue, at.i + i, j, width, at.first, at.last,
                                  at.copy_of(i / R, lanes<T, Arch>));
    for (; i < at.whole; i += R)
      run_tile<T, Arch>(at.steps, at.body.tile(i / R), panel, epilogue, at.i + i, j, R, width, at.first, at.last,
                        at.ahead_of(i / R));
    if (at.whole < at.rows)
      run_tile<T, Arch>(at.steps, at.rest, panel, epilogue, at.i + at.whole, j, at.rows - at.whole, width, at.first, at.last);
  }
  const void* self_;
  void (*run_)(const void*, const tile_column<T>&, const T*, index_t, index_t);
  bool copies_;
};

/// The product itself; the arguments are those of multiply.
template <class T, class Arch>
void multiply_blocks(thread_pool& pool, index_t m, index_t n, index_t k, const left_operand<T>& left,
                     const right_operand<T>& right, const tile_epilogue<T>& tiles_of, T* scratch, index_t splits) {
  if (m <= 0 || n <= 0) return;
  constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  const gemm_plan<T, Arch> plan(m, n, k);
  T* const packed = detail::align_scratch(scratch);
  T* const slots = packed + plan.packed_right;
  const auto steps_of = [&](index_t pb) {
    const index_t left_over = k - pb * plan.block_steps;
    return left_over < plan.block_steps ? left_over : plan.block_steps;
  };
  if (plan.shared) {
    const index_t share = round_up(ceil_div(n, 8), C), piece = share < 8 * C ? share : 8 * C;
    const index_t pieces = ceil_div(n, piece);
    const auto pack = [&](index_t number) {
      const index_t pb = number / pieces, j = number % pieces * piece, p = pb * plan.block_steps, steps = steps_of(pb);
      right.panels(p, steps, j, n - j < piece ? n - j : piece, packed + plan.panel(pb, steps, j));
    };
    pool.parallel_for(plan.step_blocks * pieces, pack);
  }
  const index_t chunks = plan.chunks(), tasks = plan.tasks();
  const index_t split_blocks = ceil_div(plan.step_blocks, splits);
  pool.parallel_for_worker(tasks * splits, [&](index_t numbered, int worker) {
    const index_t task = numbered % tasks, split = numbered / tasks;
    const index_t first_block = split * split_blocks;
    const index_t end_block =
        plan.step_blocks - first_block < split_blocks ? plan.step_blocks : first_block + split_blocks;
    T* const left_buffer = slots + worker * plan.worker_size();
    T* const right_buffer = left_buffer + plan.left_size();
    const index_t j0 = task / chunks * plan.block_columns, columns = n - j0 < plan.block_columns ? n - j0 : plan.block_columns;
    const index_t first_row = task % chunks * plan.chunk * plan.block_rows;
    const index_t end_row = m - first_row < plan.chunk * plan.block_rows ? m : first_row + plan.chunk * plan.block_rows;
    for (index_t pb = first_block; pb < end_block; ++pb) {
      const index_t p0 = pb * plan.block_steps, steps = steps_of(pb);
      const T* const panels = plan.shared ? packed + plan.panel(pb, steps, j0) : right_buffer;
      // A block of rows that is the only one packs on its way: while it multiplies by a panel, two of its tiles copy the next
      // one. Two panels take turns and stay in the nearest caches.
      const source_lines<T> lines = right.lines();
      const index_t own_rows = end_row - first_row;
      const bool copies = tiles_of.copies() && !plan.shared && lines.data != nullptr && columns > C && own_rows >= 2 * R &&
                          own_rows <= plan.block_rows;
      const auto panel_at = [&](index_t j) { return copies ? j / C % 2 * C * steps : j * (steps + plan.tail); };
      if (!plan.shared) right.panels(p0, steps, j0, copies ? C : columns, right_buffer);
      for (index_t i0 = first_row; i0 < end_row; i0 += plan.block_rows) {
        const index_t rows = m - i0 < plan.block_rows ? m - i0 : plan.block_rows, whole = rows / R * R;
        tile_column<T> at{{}, {}, i0, whole, rows, steps, split, pb == first_block, pb + 1 == end_block, {}, 0};
        if (whole > 0) at.body = left.block(i0, whole, p0, steps, left_buffer);
        if (whole < rows)
          at.rest = left.block(i0 + whole, rows - whole, p0, steps, left_buffer + whole * (plan.block_steps + 16));
        const index_t tiles = whole / R;
        const bool in_place = tiles > 0 && at.body.data != left_buffer;
        for (index_t j = 0; j < columns; j += C) {
          const T* const panel = panels + panel_at(j);
          at.copy = {};
          if (copies && j + C < columns) {
            T* const next = right_buffer + panel_at(j + C);
            at.ahead = {};
            at.ahead_stride = 0;
            if (columns - j >= 2 * C)
              at.copy = {lines.data + p0 * lines.stride + j0 + j + C, next, lines.stride};
            else
              right.panels(p0, steps, j0 + j + C, columns - j - C, next);
          } else if (in_place) {  // each panel asks for its share of the next tile's rows
            const index_t share = at.body.tile_stride / ceil_div(columns, C);
            at.ahead = {at.body.tile(1).data + j / C * share, steps > 0 ? share / steps : 0};
            at.ahead_stride = at.body.tile_stride;
          } else {  // the tiles under a panel ask for the next one
            const bool more = plan.shared && pb + 1 < end_block;
            const T* const next = j + C < columns ? panel + C * (steps + plan.tail)
                                  : more          ? packed + plan.panel(pb + 1, steps_of(pb + 1), j0)
                                                  : panel;
            at.ahead = {next, tiles > 0 ? C / tiles : 0};
            at.ahead_stride = tiles > 0 ? C * steps / tiles : 0;
          }
          tiles_of(at, panel, j0 + j, columns - j < C ? columns - j : C);
        }
      }
    }
    vector_ops<T, Arch>::end_stream();
  });
}

/// epilogue(left (m, k) times right (k, n)): every product of the back end. See gemm_operands.hpp for what the two
/// operands offer and store_result for an epilogue. With `splits` > 1 the blocks of steps are shared out among that many
/// partial products, and part s goes to epilogue.part(s): for long sums with a small result.
/// repeat  the bits of a result row depend on neither the threads nor the other rows
template <class T, class Arch, class Left, class Right, class Epilogue>
void multiply(thread_pool& pool, index_t m, index_t n, index_t k, const Left& left, const Right& right,
              const Epilogue& epilogue, T* scratch, index_t splits = 1) {
  multiply_blocks<T, Arch>(pool, m, n, k, left_operand<T>(left), right_operand<T>(right), tile_epilogue<T>(Arch{}, epilogue),
                           scratch, splits);
}

/// What sharing out a long sum depends on: how many tasks there are without, and blocks of steps.
struct gemm_cut {
  index_t tasks, step_blocks;
  template <class Plan>
  explicit gemm_cut(const Plan& plan) : tasks(plan.tasks()), step_blocks(plan.step_blocks) {}
};

/// How products treat what they multiply; `exact` takes the operands as they are. Others round them while they are packed
/// (gemm_bfloat16.hpp). The kernels of linear layers and convolutions are templates over it.
struct exact_terms {
  static constexpr bool copies = false;  // rows of a left operand are never read in place
  using winograd = exact_terms;          // of the products between Winograd's transforms
  /// Whether those may be for tiles of 4x4 results, which make rounding errors some three times as large.
  static constexpr bool in_fours = true;
  /// What the kernel is given there, and the steps that n terms are. Where Terms `packs`, it is made of rows
  /// by pack_row(from, n, to) or in place of lines of columns by pack_columns(from, stride, n, columns).
  template <class T, class Arch>
  using element = T;
  template <class T, class Arch>
  static constexpr bool packs = false;
  template <class T, class Arch>
  static constexpr index_t steps(index_t n) {
    return n;
  }
  /// Whether a 3 x 3 convolution is better computed by Winograd's method than by its definition.
  template <class T, class Arch>
  static constexpr bool prefers_winograd() {
    return true;
  }
  template <class T, class Arch>
  static constexpr index_t most_terms() {  // of a sum that reaches the result in one piece
    return gemm_plan<T, Arch>::most_steps;
  }
  template <class T, class Arch>
  static gemm_cut cut(index_t m, index_t n, index_t k) {
    return gemm_cut(gemm_plan<T, Arch>(m, n, k));
  }
  template <class T, class Arch>
  static index_t scratch(int threads, index_t m, index_t n, index_t k) {
    return gemm_scratch<T, Arch>(threads, m, n, k);
  }
  template <class T, class Arch, class Left, class Right, class Epilogue>
  static void multiply(thread_pool& pool, index_t m, index_t n, index_t k, const Left& left, const Right& right,
                       const Epilogue& epilogue, T* scratch, index_t splits = 1) {
    simd::multiply<T, Arch>(pool, m, n, k, left, right, epilogue, scratch, splits);
  }
};

/// Whether a product's sums of k terms reach the result in one piece.
template <class T, class Arch, class Terms = exact_terms>
constexpr bool one_block(index_t k) {
  return k <= Terms::template most_terms<T, Arch>();
}

namespace detail {

/// Rows of a result that is summed apart before it is rounded: some 4 MiB, whole blocks.
template <class T, class Arch>
index_t slab_rows(index_t m, index_t n) {
  constexpr index_t block = most_tiles<T, Arch> * tile_shape<T, Arch>::rows;
  const index_t rows = round_up(ceil_div(index_t{1} << 20, n > 0 ? n : 1), block);
  return m < rows ? m : rows;
}

/// A left operand from row `first` on.
template <class Left>
struct rows_from {
  using stored = typename Left::stored;
  const Left& left;
  index_t first;

  bool by_steps() const { return left.by_steps(); }
  template <class T>
  strided<T> block(index_t i, index_t rows, index_t p, index_t steps, T* buffer) const {
    return left.block(first + i, rows, p, steps, buffer);
  }
};

}  // namespace detail

/// Elements of scratch for multiply_into with results stored as Y; enough for every smaller product too.
template <class T, class Arch, class Terms, class Y>
index_t product_scratch(int threads, index_t m, index_t n, index_t k) {
  index_t size = Terms::template scratch<T, Arch>(threads, m, n, k);
  if constexpr (!std::is_same_v<Y, T>)
    if (!one_block<T, Arch, Terms>(k)) size += round_up(detail::slab_rows<T, Arch>(m, n) * n, 16);
  return size;
}

/// Terms::multiply, also into rows stored in fewer digits than T: every result is rounded once, when its sum is whole.
template <class T, class Arch, class Terms, class Left, class Right, class Y>
void multiply_into(thread_pool& pool, index_t m, index_t n, index_t k, const Left& left, const Right& right,
                   const store_result<T, Arch, Y>& to, T* scratch) {
  if constexpr (!std::is_same_v<Y, T>)
    if (!one_block<T, Arch, Terms>(k)) {
      using O = vector_ops<T, Arch>;
      const index_t most = detail::slab_rows<T, Arch>(m, n);
      T* const rest = scratch + round_up(most * n, 16);
      const auto least = O::set(to.finish.least);
      for (index_t first = 0; first < m; first += most) {
        const index_t rows = m - first < most ? m - first : most;
        Terms::template multiply<T, Arch>(pool, rows, n, k, detail::rows_from<Left>{left, first}, right,
                                          store_result<T, Arch>{{scratch, n}, false, to.accumulate ? finished<T>(to.finish.bias) : to.finish}, rest);
        pool.parallel_for(rows, ceil_div(16384, n), [&](index_t begin, index_t end) {
          for (index_t i = begin; i < end; ++i) {
            const T* from = scratch + i * n;
            Y* const row = to.row(first + i);
            for (index_t j = 0; j < n; j += O::width) {
              const index_t lanes_left = n - j < O::width ? n - j : O::width;
              auto sum = O::load_some(from + j, lanes_left);
              if (to.accumulate) sum = O::max(least, O::load_some(row + j, lanes_left) + sum);
              O::store_some(row + j, sum, lanes_left);
            }
          }
        });
      }
      return;
    }
  Terms::template multiply<T, Arch>(pool, m, n, k, left, right, to, scratch);
}

/// c (m, n) = or += op(a) (m, k) times op(b) (k, n), finished, all row-major; op transposes when told. The three may
/// be stored in types that T is the master of.
/// cost    2 m n k; scratch product_scratch(pool.size(), m, n, k) elements, no allocation
/// repeat  the bits of a row depend on neither the number of threads nor the number of rows
template <class T, class Arch, class Terms = exact_terms, class A, class B, class Y>
void gemm(thread_pool& pool, index_t m, index_t n, index_t k, const A* a, index_t lda, bool trans_a, const B* b,
          index_t ldb, bool trans_b, Y* c, index_t ldc, bool accumulate, T* scratch, const finished<T>& finish = {}) {
  constexpr index_t C = tile_shape<T, Arch>::columns;
  // Few columns reuse a packed row too seldom to pay for copying it, unless its rows fall into one cache set.
  const bool in_place = !trans_a && (Terms::copies || (n <= 4 * C && (lda * static_cast<index_t>(sizeof(T))) % 4096 != 0));
  const dense_left<T, Arch, A> left{a, trans_a ? 1 : lda, trans_a ? lda : 1, in_place};
  const dense_right<T, Arch, B> right{b, ldb, trans_b};
  const store_result<T, Arch, Y> epilogue{{c, ldc}, accumulate, finish, one_block<T, Arch, Terms>(k) && vector_ops<T, Arch>::streams(c, m * n, ldc)};
  multiply_into<T, Arch, Terms>(pool, m, n, k, left, right, epilogue, scratch);
}

}  // namespace pretext::simd
