// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>

#include "contrastive.hpp"

namespace pretext::simd {

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
PRETEXT_APART inline void sort_by_row(const std::int32_t* row_of, index_t rows, index_t columns, std::int32_t* begin, std::int32_t* list) {
  for (index_t i = 0; i < rows + 2; ++i) begin[i] = 0;
  for (index_t j = 0; j < columns; ++j)
    if (row_of[j] >= 0 && row_of[j] < rows) ++begin[row_of[j] + 2];
  for (index_t i = 2; i < rows + 2; ++i) begin[i] += begin[i - 1];
  for (index_t j = 0; j < columns; ++j)
    if (row_of[j] >= 0 && row_of[j] < rows) list[begin[row_of[j] + 1]++] = static_cast<std::int32_t>(j);
}

/// Cuts of the scratch of pair_gradient.
template <class T, class Arch, bool UsesNorms>
struct gradient_plan : pair_plan<T, Arch, UsesNorms> {
  using base = pair_plan<T, Arch, UsesNorms>;
  using base::base;

  /// For each row the sum of weights times ds/d|row|^2.
  index_t along_size() const { return UsesNorms ? round_up(this->rows > this->columns ? this->rows : this->columns, 16) : 0; }
  /// Positives sorted by row: where each row's begin, and the columns. int32 in the place of T, which is no smaller.
  index_t sorted_size() const { return round_up(this->rows + 2 + this->columns, 16); }
  index_t slot_size() const {
    return this->strip_size() + base::most * base::weight_stride + (UsesNorms ? 2 * base::most : 0);
  }
  index_t size(int threads) const {
    return this->norms_size() + along_size() + this->panels_size() + this->direct_size() + sorted_size() + threads * slot_size();
  }
};

}  // namespace detail

/// Elements of scratch for pair_gradient.
template <class T, class Arch, class Pair>
index_t pair_gradient_scratch(int threads, index_t rows, index_t columns, index_t width, const op::pair_mask& mask) {
  return detail::gradient_plan<T, Arch, Pair::uses_norms>(rows, columns, width, mask).size(threads);
}

/// dq (M, D) += factor / temperature times sum over j of w_ij ds_ij/dq_i, the contract of op::contrastive_gradient. Weights of
/// pairs that are masked or positive are set one by one: what stood there may be infinite.
/// cost    4 M N D + M N exp for each lse, or for both together where the pair's scores have a range and the temperature
///         is not too low for it; 3 M N D and half the exponentials for the same rows on both sides; scratch linear in M and N
/// repeat  same bits for any number of threads
template <class T, class Arch, class Pair, class Mask>
void pair_gradient(thread_pool& pool, const pair_sweep<T, Pair, Mask>& p, const pair_weights<T>& w, T* dq, T* scratch) {
  using O = vector_ops<T, Arch>;
  using M = vector_math<T, Arch>;
  using V = vec<T, Arch>;
  using plan_type = detail::gradient_plan<T, Arch, Pair::uses_norms>;
  const contrast<T>& c = p.sizes;
  if (c.rows <= 0) return;
  constexpr index_t R = plan_type::R, C = plan_type::C, S = plan_type::most, L = plan_type::weight_stride, W = O::width;
  const plan_type plan(c.rows, c.columns, c.width, p.mask);
  T* const norms = scratch;
  T* const along = norms + plan.norms_size();
  T* const panels = along + plan.along_size();
  T* const direct = panels + plan.panels_size();
  auto* const begin = reinterpret_cast<std::int32_t*>(direct + plan.direct_size());
  std::int32_t* const list = begin + c.rows + 2;
  T* const slots = direct + plan.direct_size() + plan.sorted_size();
  // The expectation of a learned temperature is a sum along rows alone.
  T* const expected = Mask::may_expect ? w.expected : nullptr;
  const bool mirrored = p.mask.same_rows && detail::IsSymmetric<Pair> && w.row_lse && w.column_lse && !expected;
  detail::pack_columns<T, Arch, Pair::uses_norms>(pool, c, panels, norms);
  pool.parallel_for(c.columns, plan.side, [&](index_t from, index_t to) {
    copy_panels<T, Arch>(c.k + from * c.k_stride, c.k_stride, to - from, c.width, direct + from * plan.padded_width);
  });
  if (w.column_lse) detail::sort_by_row(p.column_positives, c.rows, c.columns, begin, list);
  for (index_t i = 0; i < plan.along_size(); ++i) along[i] = T(0);
  if (expected)
    for (index_t i = 0; i < c.rows; ++i) expected[i] = T(0);
  auto shared = detail::shared_exponential<T>::template of<Pair>(p.inverse_temperature);
  shared.safe = shared.safe && w.row_lse && w.column_lse;
  // The block is a copy, and numbers are widened inside: what only this call sees stays in registers.
  plan.for_each_block(pool, mirrored, [&](const pair_block b, int worker) {
    const V it = O::set(p.inverse_temperature), middle = O::set(shared.middle), factor = O::set(w.factor * p.inverse_temperature);
    T* const dots = slots + worker * plan.slot_size();
    T* const weights = dots + plan.strip_size();
    T* const by_row = weights + S * L;  // weights times ds/d|q_i|^2 and ds/d|q_j|^2, one row
    T* const by_column = by_row + S;
    alignas(64) T of_column[S];  // what each column brings: its lse, readable in whole vectors, or its a
    if (w.column_lse)
      for (index_t j = 0; j < b.columns; j += W) {
        const V lse = O::load_some(w.column_lse + b.j + j, b.columns - j < W ? b.columns - j : W);
        O::store(of_column + j, shared.safe ? M::exp(middle - lse) : lse);
      }
    for (index_t t = 0; t < b.rows; t += R) {
      const index_t tile_rows = b.rows - t < R ? b.rows - t : R, first = b.upper() ? t / C * C : 0;
      detail::dot_strip<T, Arch, S>(c, b.i + t, tile_rows, panels + b.j * c.width, first, b.columns, dots, dots + R * S);
      for (index_t r = 0; r < tile_rows; ++r) {
        const T* const s = dots + r * S;
        T* const to = weights + (t + r) * L;
        const index_t i = b.i + t + r, lowest = b.upper() ? t + r + 1 : 0;  // the first column that counts
        const V norm = O::set(Pair::uses_norms ? detail::squared_norm<T, Arch>(c.q + i * c.q_stride, c.width) : T(0));
        const V row_lse = O::set(w.row_lse ? w.row_lse[i] : T(0));
        const auto other = [&](index_t j) {
          if constexpr (Pair::uses_norms) return O::load(norms + b.j + j);
          else return O::zero();
        };
        const auto counts = [&](index_t at) { return at >= lowest && at < b.columns; };
        const index_t self = p.mask.self_offset < 0 ? -1 : i + p.mask.self_offset - b.j;
        const index_t positive = w.row_lse && p.row_positives[i] >= 0 ? p.row_positives[i] - b.j : -1;
        if (Mask::may_expect && expected) {
          for (index_t j = 0; j < b.columns; j += W) {
            const V value = p.template score<Arch>(O::load(s + j), norm, other(j), it), share = M::exp(value - row_lse);
            O::store(to + j, O::select(share == O::zero(), O::zero(), share * value));
          }
          if (self >= 0 && self < b.columns) to[self] = T(0);
          if (p.drops_positive() && counts(positive)) to[positive] = T(0);
          auto total = O::zero();
          for (index_t j = 0; j < b.columns; j += W)
            total = total + O::load_some(to + j, b.columns - j < W ? b.columns - j : W);
          expected[i] += O::sum(total);
        }
        // Each form is a loop of its own, so that the constants of two exponentials are the same registers.
        const auto weigh = [&](const auto& weight_of) {
          for (index_t j = first; j < b.columns; j += W) {
            const V dot = O::load(s + j);
            const V weight = weight_of(p.template score<Arch>(dot, norm, other(j), it), j) * factor;
            const auto slope = p.pair.template derivative<simd_math<T, Arch>>(dot, norm, other(j));
            O::store(to + j, weight * slope.dot);
            if constexpr (Pair::uses_norms) {
              O::store(by_row + j, weight * slope.row);
              if constexpr (detail::IsSymmetric<Pair>)
                if (b.mirrored)
                  O::store(by_column + j, weight * p.pair.template derivative<simd_math<T, Arch>>(dot, other(j), norm).row);
            }
          }
        };
        if (detail::HasRange<Pair> && shared.safe) {
          const V a = M::exp(middle - row_lse);
          weigh([&](const V& value, index_t j) { return M::exp_near(value - middle) * (a + O::load(of_column + j)); });
        } else if (w.row_lse && w.column_lse) {
          weigh([&](const V& value, index_t j) { return M::exp(value - row_lse) + M::exp(value - O::load(of_column + j)); });
        } else {
          // One side: its lse from a vector that is the same for all columns, or from each column's.
          alignas(64) T same[W];
          O::store(same, w.row_lse ? row_lse : O::set(std::numeric_limits<T>::infinity()));
          const T* const lse = w.column_lse ? of_column : same;
          const index_t step = w.column_lse ? 1 : 0;
          weigh([&](const V& value, index_t j) { return M::exp(value - O::load(lse + j * step)); });
        }
        const auto clear = [&](index_t at) {
          to[at] = T(0);
          if constexpr (Pair::uses_norms) by_row[at] = by_column[at] = T(0);
        };
        const auto add_one = [&](index_t at, const V& weight) {
          const V dot = O::set(s[at]), column_norm = O::set(Pair::uses_norms ? norms[b.j + at] : T(0)), scaled = weight * factor;
          const auto add = [](T& sum, const V& same) {
            alignas(64) T lanes_of[O::width];
            O::store(lanes_of, same);
            sum += lanes_of[0];
          };
          const auto slope = p.pair.template derivative<simd_math<T, Arch>>(dot, norm, column_norm);
          add(to[at], scaled * slope.dot);
          if constexpr (Pair::uses_norms) {
            add(by_row[at], scaled * slope.row);
            if (b.mirrored) add(by_column[at], scaled * p.pair.template derivative<simd_math<T, Arch>>(dot, column_norm, norm).row);
          }
        };
        const auto each_positive = [&](const auto& f) {
          if (counts(positive) && !p.is_self(i, b.j + positive)) f(positive);
          if (!w.column_lse) return;
          for (index_t e = begin[i]; e < begin[i + 1]; ++e)
            if (const index_t at = list[e] - b.j; counts(at) && !p.is_self(i, list[e])) f(at);
        };
        for (index_t j = first; j < lowest; ++j) clear(j);
        if (self >= 0 && self < b.columns) clear(self);
        if (!p.drops_positive()) {
          // Its exponentials are at most one: what stands there is finite.
          each_positive([&](index_t at) { add_one(at, O::set(T(-1))); });
        } else {
          // A dropped pair is in no sum, so its exponentials may be infinite: its weight alone, set anew where the row's
          // positive is the column's as well.
          each_positive([&](index_t at) {
            clear(at);
            const index_t j = b.j + at;
            const bool of_row = w.row_lse && j == p.row_positives[i], from_column = w.column_lse && p.column_positives[j] == i;
            const V value = p.template score<Arch>(O::set(s[at]), norm, O::set(Pair::uses_norms ? norms[j] : T(0)), it);
            V weight = O::zero();
            if (w.row_lse) weight = weight + (of_row ? O::set(T(-1)) : M::exp(value - row_lse));
            if (w.column_lse) weight = weight + (from_column ? O::set(T(-1)) : M::exp(value - O::set(w.column_lse[j])));
            add_one(at, weight);
          });
        }
        if constexpr (Pair::uses_norms) {
          auto total = O::zero();
          for (index_t j = first; j < b.columns; j += W) {
            const index_t n = b.columns - j < W ? b.columns - j : W;
            total = total + O::load_some(by_row + j, n);
            if (b.mirrored)
              O::store_some(along + b.j + j, O::load_some(along + b.j + j, n) + O::load_some(by_column + j, n), n);
          }
          along[i] += O::sum(total);
        }
      }
      for (index_t r = t + tile_rows; r < t + R; ++r)
        for (index_t j = first; j < b.columns; ++j) weights[r * L + j] = T(0);
      const store_result<T, Arch> add{{dq + (b.i + t) * c.width, c.width}, true};
      for (index_t d = 0; d < c.width; d += C)
        run_tile<T, Arch>(b.columns - first, strided<T>{weights + t * L + first, L, 1},
                          direct + b.j * plan.padded_width + d * b.columns + first * C, add, 0, d, tile_rows,
                          c.width - d < C ? c.width - d : C, true, true);
    }
    if (!b.mirrored) return;
    // The same weights for the columns' rows. What lies beyond the block's columns is computed with and not stored.
    const store_result<T, Arch> add{{dq + b.j * c.width, c.width}, true};
    for (index_t u = 0; u < b.columns; u += R) {
      const index_t steps = b.upper() && u + R < b.rows ? u + R : b.rows;
      for (index_t d = 0; d < c.width; d += C)
        run_tile<T, Arch>(steps, strided<T>{weights + u, 1, L}, direct + b.i * plan.padded_width + d * b.rows, add, u, d,
                          b.columns - u < R ? b.columns - u : R, c.width - d < C ? c.width - d : C, true, true);
    }
  });
  if constexpr (Pair::uses_norms)
    for (index_t i = 0; i < c.rows; ++i) {
      const V twice = O::set(T(2) * along[i]);
      for (index_t d = 0; d < c.width; d += W) {
        const index_t n = c.width - d < W ? c.width - d : W;
        O::store_some(dq + i * c.width + d,
                      O::fma(twice, O::load_some(c.q + i * c.q_stride + d, n), O::load_some(dq + i * c.width + d, n)), n);
      }
    }
}

}  // namespace pretext::simd
