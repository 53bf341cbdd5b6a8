// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "../ops/contrastive.hpp"
#include "contrastive.hpp"
#include "simd_math.hpp"
#include "vector_math.hpp"

/// Contrastive losses without their matrix of scores, for any pair functor score(dot, |row|^2, |column|^2): strips of scores
/// are computed, used and forgotten. Memory is linear in the rows; a gradient row belongs to one thread; no atomics.
namespace pretext::simd {

/// Rows q (M, D) against columns k (N, D), both dense, under a mask and a pair functor.
template <class T, class Pair>
struct pair_sweep {
  const Pair& pair;
  contrast<T> sizes;
  op::pair_mask mask;
  T inverse_temperature;
  const std::int32_t* row_positives = nullptr;     // (M), column of each row
  const std::int32_t* column_positives = nullptr;  // (N), row of each column

  bool is_self(index_t i, index_t j) const { return mask.self_offset >= 0 && j == i + mask.self_offset; }

  /// Scores of a row with the columns of a strip, from their dots; `it` is the inverse temperature.
  template <class Arch>
  vec<T, Arch> score(const vec<T, Arch>& dot, const vec<T, Arch>& row_norm, const vec<T, Arch>& column_norm,
                     const vec<T, Arch>& it) const {
    return pair.template score<simd_math<T, Arch>>(dot, row_norm, column_norm) * it;
  }
};

namespace detail {

/// Cuts of a sweep's scratch, in elements of T.
template <class T, class Arch, bool UsesNorms>
struct pair_plan : contrast_plan<T, Arch> {
  using base = contrast_plan<T, Arch>;
  index_t rows, columns;
  bool gradient;

  pair_plan(index_t m, index_t n, index_t d, bool g) : base(n, d), rows(m), columns(n), gradient(g) {}
  index_t norms_size() const { return UsesNorms ? round_up(this->padded_columns, 16) : 0; }
  index_t panels_size() const { return round_up(this->transposed_size(), 16); }
  index_t direct_panels_size() const { return gradient ? round_up(this->direct_size(), 16) : 0; }
  /// Positives sorted by row: where each row's begin, and the columns. int32 in the place of T, which is no smaller.
  index_t sorted_size() const { return gradient ? round_up(rows + 2 + columns, 16) : 0; }
  index_t slot_size() const {
    return round_up(this->worker_size(gradient) + (gradient ? (base::R + 1) * base::strip : 0), 16);
  }
  index_t size(int threads) const {
    return norms_size() + panels_size() + direct_panels_size() + sorted_size() + threads * slot_size();
  }
};

template <class T, class Arch>
T squared_norm(const T* row, index_t width) {
  using O = vector_ops<T, Arch>;
  auto sum = O::zero();
  for (index_t d = 0; d < width; d += O::width) {
    const auto v = O::load_some(row + d, width - d < O::width ? width - d : O::width);
    sum = O::fma(v, v, sum);
  }
  return O::sum(sum);
}

template <class T, class Arch>
void squared_norms(thread_pool& pool, const contrast<T>& p, T* norms) {
  pool.parallel_for(p.columns, index_t{256}, [&](index_t begin, index_t end) {
    for (index_t j = begin; j < end; ++j) norms[j] = squared_norm<T, Arch>(p.k + j * p.k_stride, p.width);
  });
  for (index_t j = p.columns; j < round_up(p.columns, tile_shape<T, Arch>::columns); ++j) norms[j] = T(0);
}

}  // namespace detail

/// Elements of scratch for pair_lse and pair_gradient.
template <class T, class Arch, class Pair>
index_t pair_scratch(int threads, index_t rows, index_t columns, index_t width, bool gradient) {
  return detail::pair_plan<T, Arch, Pair::uses_norms>(rows, columns, width, gradient).size(threads);
}

/// lse (M) = log of the sum of exp(s_ij) over the candidates of row i; positive_scores (M) = s at row_positives where that
/// is a column. A running maximum keeps every exponent at or below zero; no candidate gives minus infinity.
/// cost    2 M N D + M N exp; scratch linear in N
/// repeat  same bits for any number of threads; a row's bits do not depend on the other rows
template <class T, class Arch, class Pair>
void pair_lse(thread_pool& pool, const pair_sweep<T, Pair>& p, T* lse, T* positive_scores, T* scratch) {
  using O = vector_ops<T, Arch>;
  using plan_type = detail::pair_plan<T, Arch, Pair::uses_norms>;
  using V = vec<T, Arch>;
  const contrast<T>& c = p.sizes;
  if (c.rows <= 0) return;
  constexpr index_t R = plan_type::R, S = plan_type::strip, most = plan_type::rows_per_task;
  constexpr T lowest = std::numeric_limits<T>::lowest(), infinity = std::numeric_limits<T>::infinity();
  const plan_type plan(c.rows, c.columns, c.width, false);
  T* const norms = scratch;
  T* const panels = norms + plan.norms_size();
  T* const slots = panels + plan.panels_size();
  detail::pack_transposed<T, Arch>(pool, c, panels);
  if constexpr (Pair::uses_norms) detail::squared_norms<T, Arch>(pool, c, norms);
  const dense_left<T, Arch> left{c.q, c.q_stride, 1, false};
  pool.parallel_for_worker(ceil_div(c.rows, most), [&](index_t task, int worker) {
    T* const strip = slots + worker * plan.slot_size();
    const index_t i0 = task * most, count = c.rows - i0 < most ? c.rows - i0 : most;
    const strided<T> rows = left.block(i0, count, 0, c.width, strip + R * S);
    const V it = O::set(p.inverse_temperature);
    V highest[most], sum[most], own[most];
    for (index_t r = 0; r < count; ++r) {
      highest[r] = O::set(lowest);
      sum[r] = O::zero();
      own[r] = O::set(Pair::uses_norms ? detail::squared_norm<T, Arch>(c.q + (i0 + r) * c.q_stride, c.width) : T(0));
    }
    for (index_t j0 = 0; j0 < c.columns; j0 += S) {
      const index_t columns = c.columns - j0 < S ? c.columns - j0 : S;
      for (index_t t = 0; t < count; t += R) {
        const index_t tile_rows = count - t < R ? count - t : R;
        detail::dot_strip<T, Arch>(rows.tile(t / R), tile_rows, columns, c.width, panels + j0 * c.width, strip);
        for (index_t r = 0; r < tile_rows; ++r) {
          T* const s = strip + r * S;
          const index_t i = i0 + t + r, self = p.mask.self_offset < 0 ? -1 : i + p.mask.self_offset - j0;
          const index_t positive = p.row_positives[i] - j0;
          for (index_t j = 0; j < columns; j += O::width) {
            V other = O::zero();
            if constexpr (Pair::uses_norms) other = O::load(norms + j0 + j);
            O::store(s + j, p.template score<Arch>(O::load(s + j), own[t + r], other, it));
          }
          for (index_t j = columns; j < round_up(columns, O::width); ++j) s[j] = -infinity;
          if (positive >= 0 && positive < columns && p.row_positives[i] >= 0) {
            positive_scores[i] = s[positive];
            if (p.mask.drop_positive) s[positive] = -infinity;
          }
          if (self >= 0 && self < columns) s[self] = -infinity;
          V top = highest[t + r];
          for (index_t j = 0; j < columns; j += O::width) top = O::max(top, O::load(s + j));
          V total = sum[t + r] * vector_math<T, Arch>::exp(highest[t + r] - top);
          for (index_t j = 0; j < columns; j += O::width)
            total = total + vector_math<T, Arch>::exp(O::load(s + j) - top);
          highest[t + r] = top;
          sum[t + r] = total;
        }
      }
    }
    for (index_t r = 0; r < count; ++r) {
      const T top = O::largest(highest[r]);
      const T total = O::sum(sum[r] * vector_math<T, Arch>::exp(highest[r] - O::set(top)));
      lse[i0 + r] = total == T(0) ? -infinity : top + std::log(total);
    }
  });
}

/// What a gradient sweep reads beside the scores; a null lse leaves that side out.
template <class T>
struct pair_weights {
  const T* row_lse;
  const T* column_lse;
  T factor;            // of the whole sum
  T* expected = nullptr;
};

namespace detail {

/// begin (M + 1) and list: the columns whose positive is row i are list[begin[i]] .. list[begin[i + 1]], ascending.
inline void sort_by_row(const std::int32_t* row_of, index_t rows, index_t columns, std::int32_t* begin, std::int32_t* list) {
  for (index_t i = 0; i < rows + 2; ++i) begin[i] = 0;
  for (index_t j = 0; j < columns; ++j)
    if (row_of[j] >= 0 && row_of[j] < rows) ++begin[row_of[j] + 2];
  for (index_t i = 2; i < rows + 2; ++i) begin[i] += begin[i - 1];
  for (index_t j = 0; j < columns; ++j)
    if (row_of[j] >= 0 && row_of[j] < rows) list[begin[row_of[j] + 1]++] = static_cast<std::int32_t>(j);
}

/// Whether and how one exponential a pair is enough for both sides of a gradient: scores known to lie in [least, greatest]
/// split into exp(s - row_lse_i) + exp(s - column_lse_j) = exp(s - middle) (a_i + a_j),  a = exp(middle - lse).
template <class Pair>
concept HasRange = requires {
  { Pair::least } -> std::convertible_to<double>;
  { Pair::greatest } -> std::convertible_to<double>;
};
template <class T>
struct shared_exponential {
  T middle = 0;
  bool safe = false;

  /// Half the range of the scores is the largest exponent. It must leave room for a log of the number of columns below it,
  /// or the a would lose bits as denormal numbers: a low temperature takes two exponentials.
  template <class Pair>
  static shared_exponential of(T inverse_temperature) {
    if constexpr (HasRange<Pair>) {
      constexpr double most = sizeof(T) == 4 ? 70 : 600;
      const double it = static_cast<double>(inverse_temperature);
      return {static_cast<T>((Pair::greatest + Pair::least) / 2 * it), (Pair::greatest - Pair::least) / 2 * it <= most};
    } else {
      return {};
    }
  }
};

}  // namespace detail

/// dq (M, D) += factor / temperature times sum over j of w_ij ds_ij/dq_i, the contract of op::contrastive_gradient. Weights of
/// pairs that are masked or positive are set one by one: what stood there may be infinite.
/// cost    4 M N D + M N exp for each lse, or for both together where the pair's scores have a range and the temperature
///         is not too low for it; scratch linear in M and N
/// repeat  same bits for any number of threads
template <class T, class Arch, class Pair>
void pair_gradient(thread_pool& pool, const pair_sweep<T, Pair>& p, const pair_weights<T>& w, T* dq, T* scratch) {
  using O = vector_ops<T, Arch>;
  using M = vector_math<T, Arch>;
  using plan_type = detail::pair_plan<T, Arch, Pair::uses_norms>;
  using V = vec<T, Arch>;
  const contrast<T>& c = p.sizes;
  if (c.rows <= 0) return;
  constexpr index_t R = plan_type::R, C = plan_type::C, S = plan_type::strip, most = plan_type::rows_per_task;
  const plan_type plan(c.rows, c.columns, c.width, true);
  T* const norms = scratch;
  T* const panels = norms + plan.norms_size();
  T* const direct = panels + plan.panels_size();
  auto* const begin = reinterpret_cast<std::int32_t*>(direct + plan.direct_panels_size());
  std::int32_t* const list = begin + c.rows + 2;
  T* const slots = direct + plan.direct_panels_size() + plan.sorted_size();
  detail::pack_transposed<T, Arch>(pool, c, panels);
  pool.parallel_for(c.columns, S, [&](index_t from, index_t to) {
    copy_panels<T, Arch>(c.k + from * c.k_stride, c.k_stride, to - from, c.width, direct + from * plan.padded_width);
  });
  if constexpr (Pair::uses_norms) detail::squared_norms<T, Arch>(pool, c, norms);
  if (w.column_lse) detail::sort_by_row(p.column_positives, c.rows, c.columns, begin, list);
  auto shared = detail::shared_exponential<T>::template of<Pair>(p.inverse_temperature);
  shared.safe = shared.safe && w.row_lse && w.column_lse;
  const dense_left<T, Arch> left{c.q, c.q_stride, 1, false};
  pool.parallel_for_worker(ceil_div(c.rows, most), [&](index_t task, int worker) {
    T* const dots = slots + worker * plan.slot_size();
    T* const weights = dots + R * S;
    T* const by_row = weights + R * S;  // weights times ds/d|q_i|^2, one row
    T* const sums = by_row + S;
    const index_t i0 = task * most, count = c.rows - i0 < most ? c.rows - i0 : most;
    const strided<T> rows = left.block(i0, count, 0, c.width, sums + most * plan.padded_width);
    const V it = O::set(p.inverse_temperature);
    T own[most], along_row[most], expected[most];
    for (index_t r = 0; r < count; ++r) {
      own[r] = Pair::uses_norms ? detail::squared_norm<T, Arch>(c.q + (i0 + r) * c.q_stride, c.width) : T(0);
      along_row[r] = expected[r] = T(0);
    }
    if (c.columns <= 0)
      for (index_t i = 0; i < count * plan.padded_width; ++i) sums[i] = T(0);
    alignas(64) T by_column[S];  // what each column brings: its lse, readable in whole vectors, or its a
    for (index_t j0 = 0; j0 < c.columns; j0 += S) {
      const index_t columns = c.columns - j0 < S ? c.columns - j0 : S;
      if (w.column_lse)
        for (index_t j = 0; j < columns; j += O::width) {
          const V lse = O::load_some(w.column_lse + j0 + j, columns - j < O::width ? columns - j : O::width);
          O::store(by_column + j, shared.safe ? M::exp(O::set(shared.middle) - lse) : lse);
        }
      for (index_t t = 0; t < count; t += R) {
        const index_t tile_rows = count - t < R ? count - t : R;
        detail::dot_strip<T, Arch>(rows.tile(t / R), tile_rows, columns, c.width, panels + j0 * c.width, dots);
        for (index_t r = 0; r < tile_rows; ++r) {
          const T* const s = dots + r * S;
          T* const to = weights + r * S;
          const index_t i = i0 + t + r;
          const V norm = O::set(own[t + r]);
          const V row_lse = O::set(w.row_lse ? w.row_lse[i] : T(0));
          const auto other = [&](index_t j) {
            if constexpr (Pair::uses_norms) return O::load(norms + j0 + j);
            else return O::zero();
          };
          const index_t self = p.mask.self_offset < 0 ? -1 : i + p.mask.self_offset - j0;
          const index_t positive = w.row_lse && p.row_positives[i] >= 0 ? p.row_positives[i] - j0 : -1;
          if (w.expected) {
            for (index_t j = 0; j < columns; j += O::width) {
              const V value = p.template score<Arch>(O::load(s + j), norm, other(j), it), share = M::exp(value - row_lse);
              O::store(to + j, O::select(share == O::zero(), O::zero(), share * value));
            }
            if (self >= 0 && self < columns) to[self] = T(0);
            if (p.mask.drop_positive && positive >= 0 && positive < columns) to[positive] = T(0);
            auto total = O::zero();
            for (index_t j = 0; j < columns; j += O::width)
              total = total + O::load_some(to + j, columns - j < O::width ? columns - j : O::width);
            expected[t + r] += O::sum(total);
          }
          // The sides are known to the compiler, so that the constants of two exponentials are the same registers.
          const auto weigh = [&](const auto& weight_of) {
            for (index_t j = 0; j < columns; j += O::width) {
              const V dot = O::load(s + j);
              const V weight = weight_of(p.template score<Arch>(dot, norm, other(j), it), by_column + j);
              const auto slope = p.pair.template derivative<simd_math<T, Arch>>(dot, norm, other(j));
              O::store(to + j, weight * slope.dot);
              if constexpr (Pair::uses_norms) O::store(by_row + j, weight * slope.row);
            }
          };
          if constexpr (detail::HasRange<Pair>)
            if (shared.safe) {
              const V middle = O::set(shared.middle), a = M::exp(middle - row_lse);
              weigh([&](const V& value, const T* b) { return M::exp(value - middle) * (a + O::load(b)); });
            }
          const bool both = w.row_lse && w.column_lse;
          if (both && !shared.safe)
            weigh([&](const V& value, const T* lse) { return M::exp(value - row_lse) + M::exp(value - O::load(lse)); });
          else if (!both && w.row_lse)
            weigh([&](const V& value, const T*) { return M::exp(value - row_lse); });
          else if (!both)
            weigh([&](const V& value, const T* lse) { return w.column_lse ? M::exp(value - O::load(lse)) : O::zero(); });
          const auto clear = [&](index_t at) {
            if (at < 0 || at >= columns) return;
            to[at] = T(0);
            if constexpr (Pair::uses_norms) by_row[at] = T(0);
          };
          const auto slope_at = [&](index_t at) {
            return p.pair.template derivative<simd_math<T, Arch>>(O::set(s[at]), norm,
                                                                  O::set(Pair::uses_norms ? norms[j0 + at] : T(0)));
          };
          const auto add_one = [&](index_t at, const V& weight, const auto& slope) {
            O::store_some(to + at, O::fma(weight, V(slope.dot), O::load_some(to + at, 1)), 1);
            if constexpr (Pair::uses_norms)
              O::store_some(by_row + at, O::fma(weight, V(slope.row), O::load_some(by_row + at, 1)), 1);
          };
          const auto each_positive = [&](const auto& f) {
            if (positive >= 0 && positive < columns && !p.is_self(i, j0 + positive)) f(positive);
            if (!w.column_lse) return;
            for (index_t e = begin[i]; e < begin[i + 1]; ++e)
              if (const index_t at = list[e] - j0; at >= 0 && at < columns && !p.is_self(i, list[e])) f(at);
          };
          clear(self);
          if (!p.mask.drop_positive) {
            // Its exponentials are at most one: what stands there is finite.
            each_positive([&](index_t at) { add_one(at, O::set(T(-1)), slope_at(at)); });
          } else {
            // A dropped pair is in no sum, so its exponentials may be infinite: its weight alone, set anew where the row's
            // positive is the column's as well.
            each_positive([&](index_t at) {
              clear(at);
              const index_t j = j0 + at;
              const bool of_row = w.row_lse && j == p.row_positives[i], of_column = w.column_lse && p.column_positives[j] == i;
              const V value = p.template score<Arch>(O::set(s[at]), norm, O::set(Pair::uses_norms ? norms[j] : T(0)), it);
              V weight = O::zero();
              if (w.row_lse) weight = weight + (of_row ? O::set(T(-1)) : M::exp(value - row_lse));
              if (w.column_lse) weight = weight + (of_column ? O::set(T(-1)) : M::exp(value - O::set(w.column_lse[j])));
              add_one(at, weight, slope_at(at));
            });
          }
          if constexpr (Pair::uses_norms) {
            auto total = O::zero();
            for (index_t j = 0; j < columns; j += O::width)
              total = total + O::load_some(by_row + j, columns - j < O::width ? columns - j : O::width);
            along_row[t + r] += O::sum(total);
          }
        }
        for (index_t r = tile_rows; r < R; ++r)
          for (index_t j = 0; j < columns; ++j) weights[r * S + j] = T(0);
        const store_result<T, Arch> add{{sums + t * plan.padded_width, plan.padded_width}, j0 > 0, nullptr};
        for (index_t d = 0; d < c.width; d += C)
          run_tile<T, Arch>(columns, strided<T>{weights, S, 1}, direct + j0 * plan.padded_width + d * columns, add, 0, d,
                            tile_rows, C, true, true);
      }
    }
    const V f = O::set(w.factor * p.inverse_temperature);
    for (index_t r = 0; r < count; ++r) {
      const index_t i = i0 + r;
      if (w.expected) w.expected[i] = expected[r];
      const V along = O::set(T(2) * along_row[r]);
      for (index_t d = 0; d < c.width; d += O::width) {
        const index_t n = c.width - d < O::width ? c.width - d : O::width;
        V sum = O::load(sums + r * plan.padded_width + d);
        if constexpr (Pair::uses_norms) sum = O::fma(along, O::load_some(c.q + i * c.q_stride + d, n), sum);
        O::store_some(dq + i * c.width + d, O::fma(f, sum, O::load_some(dq + i * c.width + d, n)), n);
      }
    }
  });
}

}  // namespace pretext::simd
