// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "../../core/thread_pool.hpp"
#include "../ops/attention.hpp"
#include "../ops/elementwise.hpp"
#include "gemm_operands.hpp"
#include "philox.hpp"
#include "vector_math.hpp"

/// Attention as small products on the register tiles of the matrix kernel: a tile of queries against the keys gives scores in
/// the first-level cache, which become weights there and are multiplied by the values. docs/design/attention.md has the why.
namespace pretext::simd {

/// One call: where q, k, v of a head lie, and the cuts, which follow from the sizes alone.
template <class T, class Arch>
struct attention_plan {
  static constexpr index_t R = tile_shape<T, Arch>::rows, C = tile_shape<T, Arch>::columns;
  /// Keys of a strip of scores forward (12 KB of floats), rows and columns of a block of weights backward.
  static constexpr index_t most_keys = 256, most = 192;
  static_assert(most_keys % C == 0 && most % R == 0 && most % C == 0);
  index_t samples, length, heads, width;
  double scale;
  index_t padded_length, padded_width, row_stride, query_step, block;

  attention_plan(const extents& qkv, const op::attention_options& o)
      : samples(qkv[0]), length(qkv[1]), heads(o.heads), width(qkv.last() / (3 * o.heads)),
        scale(o.scale != 0 ? o.scale : 1 / std::sqrt(static_cast<double>(width))), padded_length(round_up(length, C)),
        padded_width(round_up(width, C)), row_stride(round_up(width, 16) + 16), query_step(length), block(length) {
    if (length <= 0 || samples <= 0) return;
    // Every task packs the keys that it sees, so few queries do not pay, unless tasks are few.
    const index_t pieces = ceil_div(length, 2 * most), wanted = ceil_div(16, samples * heads), most_pieces = ceil_div(length, 2 * R);
    query_step = round_up(ceil_div(length, wanted < pieces ? pieces : wanted < most_pieces ? wanted : most_pieces), R);
    block = round_up(ceil_div(length, ceil_div(length, most)), C);
  }
  index_t query_steps() const { return length > 0 ? ceil_div(length, query_step) : 0; }

  // Elements of T, all multiples of a line.
  index_t runs_size() const { return round_up(2 * (length + R), 16); }  // int32 in the place of T, which is no smaller
  index_t transposed_size() const { return round_up(padded_length * width, 16); }  // panels of k or v transposed
  index_t direct_size() const { return round_up(length * padded_width, 16); }      // panels of k, v, q or dy
  index_t rows_size() const { return (round_up(length, R) + R) * row_stride; }     // rows of q or dy
  index_t forward_size() const {
    return runs_size() + transposed_size() + direct_size() + R * row_stride + R * most_keys + R * round_up(padded_width, 16);
  }
  static constexpr index_t weight_stride = most + 16;  // no power of two: rows of a tile fall into different cache sets
  /// Rows in the place of those of dqkv, where that has fewer digits.
  template <class S>
  index_t sums_size() const {
    return std::is_same_v<S, T> ? 0 : 3 * length * round_up(width, 16);
  }
  template <class S>
  index_t backward_size() const {
    return runs_size() + 2 * transposed_size() + 3 * direct_size() + 2 * rows_size() + 2 * round_up(length, 16) + 2 * most * weight_stride +
           2 * R * most + sums_size<S>();
  }
};

namespace detail {

/// The keys that each query of a sample sees, and what tiles of queries see together.
template <class T, class Arch>
struct key_runs {
  std::int32_t* first;
  std::int32_t* last;

  key_runs(const attention_plan<T, Arch>& p, const extent& s, bool causal, index_t b, T* memory)
      : first(reinterpret_cast<std::int32_t*>(memory)), last(first + p.length) {
    // The run of a packed sequence is looked up once and not once for each of its positions.
    op::key_run run;
    const std::int32_t* const block = s.blocks != nullptr ? s.blocks + b * p.length : nullptr;
    for (index_t t = 0; t < p.length; ++t) {
      if (t == 0 || block == nullptr || block[t] != block[t - 1]) run = op::keys_of(s, false, p.length, b, t);
      if (t >= run.last) run = {};
      first[t] = static_cast<std::int32_t>(run.first);
      last[t] = static_cast<std::int32_t>(run.empty() ? run.first : causal ? t + 1 : run.last);
    }
  }
  op::key_run of(index_t t) const { return {first[t], last[t]}; }
  op::key_run of_rows(index_t t, index_t rows) const {
    op::key_run all{};
    for (index_t r = t; r < t + rows; ++r) {
      const op::key_run one = of(r);
      if (one.empty()) continue;
      if (all.empty()) all = one;
      all.first = one.first < all.first ? one.first : all.first;
      all.last = one.last > all.last ? one.last : all.last;
    }
    return all;
  }
};

/// `rows` rows of `width` numbers times a factor, `to_stride` apart, zeros up to `padded` rows.
template <class T, class Arch, class S>
inline void copy_rows(const S* from, index_t stride, index_t rows, index_t width, T factor, T* to, index_t to_stride, index_t padded) {
  using O = vector_ops<T, Arch>;
  const auto times = O::set(factor);
  for (index_t r = 0; r < rows; ++r)
    for (index_t c = 0; c < width; c += O::width) {
      const index_t n = width - c < O::width ? width - c : O::width;
      O::store(to + r * to_stride + c, times * O::load_some(from + r * stride + c, n));
    }
  for (index_t r = rows; r < padded; ++r)
    for (index_t c = 0; c < width; c += O::width) O::store(to + r * to_stride + c, O::zero());
}

/// Panels of rows [0, rows) transposed: columns are the rows, steps their width.
template <class T, class Arch, class S>
inline void transpose_rows(const S* from, index_t stride, index_t rows, index_t width, T* panels) {
  constexpr index_t C = tile_shape<T, Arch>::columns;
  for (index_t j = 0; j < rows; j += C)
    transpose_panel<T, Arch>(from + j * stride, stride, width, rows - j < C ? rows - j : C, panels + j * width);
}

/// Which weights of a row dropout keeps, and what they are multiplied by then.
template <class T, class Arch>
struct weight_dropout {
  const op::attention_options& o;
  rng::key key;
  index_t length, b, h;
  T keep;
  std::uint64_t least;

  weight_dropout(const op::attention_options& options, index_t l, index_t sample, index_t head)
      : o(options), key(options.key.now()), length(l), b(sample), h(head), keep(options.dropout < 1 ? static_cast<T>(1 / (1 - options.dropout)) : T(0)),
        least(least_kept(options.dropout)) {}
  explicit operator bool() const { return o.dropout > 0; }
  /// For keys [j0, j0 + n) of query i, at most `most` of them: to[j] is the factor of key j0 + j; room for a vector more.
  template <index_t most>
  PRETEXT_APART void factors(index_t i, index_t j0, index_t n, T* to) const {
    using O = vector_ops<T, Arch>;
    std::uint32_t memory[draw_room<Arch>(most)];
    const std::uint32_t* const words = draw_words<Arch>(key, op::attention_draw(o, length, b, h, i, j0), n, memory);
    for (index_t j = 0; j < n; j += O::width) O::store(to + j, keep_lanes<T, Arch>(O::set(keep), words + j, least));
  }
};

/// exp(x) for x <= 0, 0 below the least number that its short form knows.
template <class T, class Arch>
inline vec<T, Arch> exp_of_negative(const vec<T, Arch>& x) {
  using O = vector_ops<T, Arch>;
  return O::select(x < O::set(sizeof(T) == 4 ? T(-87) : T(-708)), O::zero(), vector_math<T, Arch>::exp_near(x));
}

template <class T>
inline void fill_run(T* to, index_t begin, index_t end, T value) {
  for (index_t j = begin; j < end; ++j) to[j] = value;
}

/// Products of `rows` rows at `a` with columns [begin, end) of panels, to rows `stride` apart. begin is a multiple of a panel.
template <class T, class Arch>
inline void multiply_panels(const strided<T>& a, index_t rows, index_t steps, const T* panels, index_t begin, index_t end, T* to, index_t stride) {
  constexpr index_t C = tile_shape<T, Arch>::columns;
  const store_result<T, Arch> store{{to, stride}, false};
  for (index_t j = begin; j < end; j += C) run_tile<T, Arch>(steps, a, panels + j * steps, store, 0, j, rows, C, true, true);
}

}  // namespace detail

/// Elements of scratch for attend on `threads` workers.
template <class T, class Arch>
index_t attention_scratch(int threads, const extents& qkv, const op::attention_options& o) {
  return threads * attention_plan<T, Arch>(qkv, o).forward_size();
}
template <class T, class Arch, class S>
index_t attention_gradient_scratch(int threads, const extents& qkv, const op::attention_options& o) {
  return threads * attention_plan<T, Arch>(qkv, o).template backward_size<S>();
}

/// The contract of op::attention, maps stored as S.
/// repeat  work is cut by (sample, head, queries) from the sizes; a row's bits depend on neither the threads nor other samples
template <class T, class Arch, class S>
void attend(thread_pool& pool, const extents& size, const S* qkv, const extent& structure, const op::attention_options& o, S* y, T* lse,
            T* scratch) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  using plan_type = attention_plan<T, Arch>;
  constexpr index_t R = plan_type::R, C = plan_type::C, K = plan_type::most_keys, W = O::width;
  const plan_type p(size, o);
  const index_t d = p.width, stride = 3 * p.heads * d, y_stride = p.heads * d, pieces = p.query_steps();
  pool.parallel_for_worker(p.samples * p.heads * pieces, [&](index_t task, int worker) {
    const index_t piece = task % pieces, h = task / pieces % p.heads, b = task / pieces / p.heads;
    T* const memory = scratch + worker * p.forward_size();
    T* const keys = memory + p.runs_size();
    T* const values = keys + p.transposed_size();
    T* const query = values + p.direct_size();
    T* const strip = query + R * p.row_stride;
    T* const sums = strip + R * K;
    const index_t sum_stride = round_up(p.padded_width, 16);
    const detail::key_runs<T, Arch> runs(p, structure, o.causal, b, memory);
    const detail::weight_dropout<T, Arch> dropped(o, p.length, b, h);
    const S* const q = qkv + b * p.length * stride + h * d;
    S* const out = y + b * p.length * y_stride + h * d;
    T* const own_lse = lse != nullptr ? lse + (b * p.heads + h) * p.length : nullptr;
    const index_t begin = piece * p.query_step, end = p.length - begin < p.query_step ? p.length : begin + p.query_step;
    const op::key_run seen = runs.of_rows(begin, end - begin);
    const index_t from = seen.first / C * C;  // where the packed keys begin
    const index_t packed = seen.empty() ? 0 : seen.last - from;
    detail::transpose_rows<T, Arch>(q + y_stride + from * stride, stride, packed, d, keys);
    copy_panels<T, Arch>(q + 2 * y_stride + from * stride, stride, packed, d, values);
    for (index_t t = begin; t < end; t += R) {
      const index_t rows = end - t < R ? end - t : R;
      const op::key_run tile = runs.of_rows(t, rows);
      detail::copy_rows<T, Arch>(q + t * stride, stride, rows, d, static_cast<T>(p.scale), query, p.row_stride, R);
      T highest[R], total[R];
      for (index_t r = 0; r < rows; ++r) {
        highest[r] = -std::numeric_limits<T>::infinity();
        total[r] = T(0);
      }
      bool first = true;
      for (index_t j0 = tile.first / C * C; j0 < tile.last; j0 += K) {
        const index_t n = tile.last - j0 < K ? tile.last - j0 : K, at = j0 - from;
        detail::multiply_panels<T, Arch>({query, p.row_stride, 1}, rows, d, keys + at * d, 0, n, strip, K);
        for (index_t r = 0; r < rows; ++r) {
          T* const s = strip + r * K;
          const op::key_run run = runs.of(t + r);
          const index_t a = run.first > j0 ? run.first - j0 : 0, e = run.last - j0 < n ? run.last - j0 : n;
          if (a >= e) {
            detail::fill_run(s, 0, n, T(0));
            continue;
          }
          const index_t a0 = a / W * W, e1 = round_up(e, W);
          detail::fill_run(s, a0, a, -std::numeric_limits<T>::infinity());
          detail::fill_run(s, e, e1, -std::numeric_limits<T>::infinity());
          V top = O::load(s + a0);
          for (index_t j = a0 + W; j < e1; j += W) top = O::max(top, O::load(s + j));
          const T before = highest[r], most = O::largest(top);
          if (most > before) highest[r] = most;
          const V shift = O::set(highest[r]);
          V sum = O::zero();
          for (index_t j = a0; j < e1; j += W) {
            const V x = detail::exp_of_negative<T, Arch>(O::load(s + j) - shift);
            sum = sum + x;
            O::store(s + j, x);
          }
          if (!first && highest[r] != before) {
            const T less = std::exp(before - highest[r]);
            total[r] *= less;
            for (index_t c = 0; c < d; c += W) O::store(sums + r * sum_stride + c, O::set(less) * O::load(sums + r * sum_stride + c));
          }
          total[r] += O::sum(sum);
          detail::fill_run(s, 0, a0, T(0));
          detail::fill_run(s, e1, n, T(0));
          if (dropped) {
            T factors[K + W];
            dropped.template factors<K>(t + r, j0 + a0, e - a0, factors);
            for (index_t j = a0; j < e1; j += W) O::store(s + j, O::load(s + j) * O::load(factors + j - a0));
          }
        }
        const store_result<T, Arch> add{{sums, sum_stride}, !first};
        const index_t own = tile.first > j0 ? tile.first - j0 : 0;  // what lies before is not even multiplied by 0
        for (index_t c = 0; c < d; c += C)
          run_tile<T, Arch>(n - own, strided<T>{strip + own, K, 1}, values + c * packed + (at + own) * C, add, 0, c, rows, d - c < C ? d - c : C, true,
                            true);
        first = false;
      }
      for (index_t r = 0; r < rows; ++r) {
        S* const to = out + (t + r) * y_stride;
        const bool none = runs.of(t + r).empty();
        const V share = O::set(none ? T(0) : T(1) / total[r]);
        for (index_t c = 0; c < d; c += W) {
          const index_t n = d - c < W ? d - c : W;
          O::store_some(to + c, none ? O::zero() : share * O::load_some(sums + r * sum_stride + c, n), n);
        }
        if (own_lse != nullptr) own_lse[t + r] = none ? -std::numeric_limits<T>::infinity() : highest[r] + std::log(total[r]);
      }
    }
  });
}

/// The contract of op::attention_gradient, maps stored as S. A head of a sample belongs to one worker, who adds its blocks of
/// queries and keys up in a fixed order.
/// repeat  same bits for any number of threads
template <class T, class Arch, class S>
void attend_backward(thread_pool& pool, const extents& size, const S* qkv, const extent& structure, const op::attention_options& o, const S* y,
                     const T* lse, const S* dy, S* dqkv, T* scratch) {
  using O = vector_ops<T, Arch>;
  using V = vec<T, Arch>;
  using plan_type = attention_plan<T, Arch>;
  constexpr index_t R = plan_type::R, C = plan_type::C, L = plan_type::weight_stride, W = O::width, M = plan_type::most;
  const plan_type p(size, o);
  const index_t d = p.width, stride = 3 * p.heads * d, y_stride = p.heads * d, T_ = p.length;
  const T scale = static_cast<T>(p.scale);
  pool.parallel_for_worker(p.samples * p.heads, [&](index_t task, int worker) {
    const index_t h = task % p.heads, b = task / p.heads;
    T* const memory = scratch + worker * p.template backward_size<S>();
    T* const keys = memory + p.runs_size();               // k transposed
    T* const values = keys + p.transposed_size();         // v transposed
    T* const keys_direct = values + p.transposed_size();  // k times scale
    T* const query_direct = keys_direct + p.direct_size();
    T* const dy_direct = query_direct + p.direct_size();
    T* const query = dy_direct + p.direct_size();         // rows of q times scale
    T* const dy_rows = query + p.rows_size();
    T* const along = dy_rows + p.rows_size();             // dy . y of each row
    T* const row_lse = along + round_up(T_, 16);
    T* const weights = row_lse + round_up(T_, 16);
    T* const slopes = weights + M * L;
    T* const dots = slopes + M * L;
    T* const dvalues = dots + R * M;
    T* const sums = dvalues + R * M;
    const detail::key_runs<T, Arch> runs(p, structure, o.causal, b, memory);
    const detail::weight_dropout<T, Arch> dropped(o, T_, b, h);
    const S* const q = qkv + b * T_ * stride + h * d;
    const S* const own_y = y + b * T_ * y_stride + h * d;
    const S* const own_dy = dy + b * T_ * y_stride + h * d;
    S* const to = dqkv + b * T_ * stride + h * d;

    // Where the three gradients are added up: in place, or in all digits first.
    T *dq, *dk, *dv;
    index_t d_stride;
    if constexpr (std::is_same_v<S, T>) {
      dq = to, dk = to + y_stride, dv = to + 2 * y_stride, d_stride = stride;
    } else {
      d_stride = round_up(d, 16);
      dq = sums, dk = sums + T_ * d_stride, dv = sums + 2 * T_ * d_stride;
    }
    for (T* const each : {dq, dk, dv})
      for (index_t t = 0; t < T_; ++t)
        for (index_t c = 0; c < d; c += W) O::store_some(each + t * d_stride + c, O::zero(), d - c < W ? d - c : W);

    const op::key_run seen = runs.of_rows(0, T_);
    const index_t from = seen.first / C * C, packed = seen.empty() ? 0 : seen.last - from;
    if (packed > 0) {
      detail::copy_rows<T, Arch>(q, stride, T_, d, scale, query, p.row_stride, T_ + R);
      detail::copy_rows<T, Arch>(own_dy, y_stride, T_, d, T(1), dy_rows, p.row_stride, T_ + R);
      copy_panels<T, Arch>(query, p.row_stride, T_, d, query_direct);
      copy_panels<T, Arch>(dy_rows, p.row_stride, T_, d, dy_direct);
      detail::transpose_rows<T, Arch>(q + y_stride + from * stride, stride, packed, d, keys);
      detail::transpose_rows<T, Arch>(q + 2 * y_stride + from * stride, stride, packed, d, values);
      copy_panels<T, Arch>(q + y_stride + from * stride, stride, packed, d, keys_direct);
      for (index_t i = 0; i < packed * p.padded_width; i += W) O::store(keys_direct + i, O::set(scale) * O::load(keys_direct + i));
      for (index_t t = 0; t < T_; ++t) {
        V sum = O::zero();
        for (index_t c = 0; c < d; c += W) {
          const index_t n = d - c < W ? d - c : W;
          sum = O::fma(O::load_some(own_y + t * y_stride + c, n), O::load_some(own_dy + t * y_stride + c, n), sum);
        }
        along[t] = O::sum(sum);
        row_lse[t] = lse[(b * p.heads + h) * T_ + t];
      }
    }
    index_t present = T_;  // behind the last query that sees a key: what stands beyond is not even multiplied by 0
    while (present > 0 && runs.of(present - 1).empty()) --present;
    for (index_t j0 = from; j0 < from + packed; j0 += p.block) {
      const index_t jn = from + packed - j0 < p.block ? from + packed - j0 : p.block, at = j0 - from;
      const index_t columns = round_up(jn, R);  // tiles of keys multiply whole columns of weights, also beyond the last key
      for (index_t i0 = 0; i0 < T_; i0 += p.block) {
        const index_t in = T_ - i0 < p.block ? T_ - i0 : p.block;
        const op::key_run met = runs.of_rows(i0, in);
        if (met.empty() || met.first >= j0 + jn || met.last <= j0) continue;
        for (index_t t = 0; t < in; t += R) {
          const index_t rows = in - t < R ? in - t : R;
          const op::key_run tile = runs.of_rows(i0 + t, rows);
          const index_t a_tile = tile.first > j0 ? tile.first - j0 : 0, e_tile = tile.last - j0 < jn ? tile.last - j0 : jn;
          if (tile.empty() || a_tile >= e_tile) {
            for (index_t r = t; r < t + rows; ++r) {
              detail::fill_run(weights + r * L, 0, columns, T(0));
              detail::fill_run(slopes + r * L, 0, columns, T(0));
            }
            continue;
          }
          const strided<T> q_rows{query + (i0 + t) * p.row_stride, p.row_stride, 1}, dy_tile{dy_rows + (i0 + t) * p.row_stride, p.row_stride, 1};
          detail::multiply_panels<T, Arch>(q_rows, rows, d, keys + at * d, a_tile / C * C, e_tile, dots, M);
          detail::multiply_panels<T, Arch>(dy_tile, rows, d, values + at * d, a_tile / C * C, e_tile, dvalues, M);
          for (index_t r = 0; r < rows; ++r) {
            T* const w = weights + (t + r) * L;
            T* const g = slopes + (t + r) * L;
            const op::key_run run = runs.of(i0 + t + r);
            const index_t a = run.first > j0 ? run.first - j0 : 0, e = run.last - j0 < jn ? run.last - j0 : jn;
            if (a >= e) {
              detail::fill_run(w, 0, columns, T(0));
              detail::fill_run(g, 0, columns, T(0));
              continue;
            }
            const V shift = O::set(row_lse[i0 + t + r]), own = O::set(along[i0 + t + r]);
            const T *const s = dots + r * M, *const v = dvalues + r * M;
            if (dropped) {
              const index_t a0 = a / W * W;
              T factors[M + W];
              dropped.template factors<M>(i0 + t + r, j0 + a0, e - a0, factors);
              for (index_t j = a0; j < e; j += W) {
                const V weight = detail::exp_of_negative<T, Arch>(O::load(s + j) - shift), kept = O::load(factors + j - a0);
                O::store(w + j, weight * kept);
                O::store(g + j, weight * (kept * O::load(v + j) - own));
              }
            } else {
              for (index_t j = a / W * W; j < e; j += W) {
                const V weight = detail::exp_of_negative<T, Arch>(O::load(s + j) - shift);
                O::store(w + j, weight);
                O::store(g + j, weight * (O::load(v + j) - own));
              }
            }
            // What was computed beside the run may be anything: it is set, not multiplied away.
            for (T* const each : {w, g}) {
              detail::fill_run(each, 0, a, T(0));
              detail::fill_run(each, e, columns, T(0));
            }
          }
          const store_result<T, Arch> add{{dq + (i0 + t) * d_stride, d_stride}, true};
          for (index_t c = 0; c < d; c += C)
            run_tile<T, Arch>(e_tile - a_tile, strided<T>{slopes + t * L + a_tile, L, 1}, keys_direct + c * packed + (at + a_tile) * C, add, 0, c, rows,
                              d - c < C ? d - c : C, true, true);
        }
        // The same weights for the keys' rows.
        for (index_t u = 0; u < jn; u += R) {
          const index_t rows = jn - u < R ? jn - u : R;
          index_t begin = in, end = 0;
          for (index_t t = 0; t < in && i0 + t < present; t += R) {
            const op::key_run tile = runs.of_rows(i0 + t, in - t < R ? in - t : R);
            if (tile.empty() || tile.first >= j0 + u + rows || tile.last <= j0 + u) continue;
            begin = t < begin ? t : begin;
            end = in - t < R ? in : t + R;
            end = end < present - i0 ? end : present - i0;
          }
          if (begin >= end) continue;
          const store_result<T, Arch> add_v{{dv + (j0 + u) * d_stride, d_stride}, true}, add_k{{dk + (j0 + u) * d_stride, d_stride}, true};
          for (index_t c = 0; c < d; c += C) {
            const index_t n = d - c < C ? d - c : C;
            run_tile<T, Arch>(end - begin, strided<T>{weights + begin * L + u, 1, L}, dy_direct + c * T_ + (i0 + begin) * C, add_v, 0, c, rows, n, true, true);
            run_tile<T, Arch>(end - begin, strided<T>{slopes + begin * L + u, 1, L}, query_direct + c * T_ + (i0 + begin) * C, add_k, 0, c, rows, n, true, true);
          }
        }
      }
    }
    if constexpr (!std::is_same_v<S, T>)
      for (index_t which = 0; which < 3; ++which)
        for (index_t t = 0; t < T_; ++t)
          for (index_t c = 0; c < d; c += W)
            O::store_some(to + which * y_stride + t * stride + c, O::load(sums + (which * T_ + t) * d_stride + c), d - c < W ? d - c : W);
  });
}

}  // namespace pretext::simd
