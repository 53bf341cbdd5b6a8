// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <limits>

#include "contrastive.hpp"

namespace pretext::simd {

namespace detail {

/// Cuts of the scratch of pair_lse.
template <class T, class Arch, bool UsesNorms>
struct lse_plan : pair_plan<T, Arch, UsesNorms> {
  using pair_plan<T, Arch, UsesNorms>::pair_plan;

  /// A vector for each row: sums lane by lane, and the maxima they are relative to.
  index_t state_size() const { return round_up(this->rows, 16) * vector_ops<T, Arch>::width; }
  /// What mirrored blocks bring to each column.
  index_t column_sums_size() const { return round_up(this->padded_columns, 16); }
  index_t size(int threads) const {
    return this->norms_size() + this->panels_size() + 2 * state_size() + column_sums_size() + threads * this->strip_size();
  }
};

}  // namespace detail

/// Elements of scratch for pair_lse.
template <class T, class Arch, class Pair>
index_t pair_lse_scratch(int threads, index_t rows, index_t columns, index_t width, const op::pair_mask& mask) {
  return detail::lse_plan<T, Arch, Pair::uses_norms>(rows, columns, width, mask).size(threads);
}

/// lse (M) = log of the sum of exp(s_ij) over the candidates of row i; positive_scores (M) = s at row_positives where that
/// is a column. Scores that keep to a range are summed relative to its middle, others relative to a running maximum; no
/// candidate gives minus infinity.
/// cost    2 M N D + M N exp, half of it for the same rows on both sides and a symmetric score with a range; scratch
///         linear in M and N
/// repeat  same bits for any number of threads; except for the same rows, a row's bits do not depend on the other rows
template <class T, class Arch, class Pair, class Mask>
void pair_lse(thread_pool& pool, const pair_sweep<T, Pair, Mask>& p, T* lse, T* positive_scores, T* scratch) {
  using O = vector_ops<T, Arch>;
  using M = vector_math<T, Arch>;
  using V = vec<T, Arch>;
  using plan_type = detail::lse_plan<T, Arch, Pair::uses_norms>;
  const contrast<T>& c = p.sizes;
  if (c.rows <= 0) return;
  constexpr index_t R = plan_type::R, C = plan_type::C, S = plan_type::most, W = O::width;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const plan_type plan(c.rows, c.columns, c.width, p.mask);
  T* const norms = scratch;
  T* const panels = norms + plan.norms_size();
  T* const sums = panels + plan.panels_size();
  T* const highest = sums + plan.state_size();
  T* const column_sums = highest + plan.state_size();
  T* const slots = column_sums + plan.column_sums_size();
  const auto shared = detail::shared_exponential<T>::template of<Pair>(p.inverse_temperature);
  const bool mirrored = p.mask.same_rows && shared.safe && detail::IsSymmetric<Pair>;
  detail::pack_columns<T, Arch, Pair::uses_norms>(pool, c, panels, norms);
  for (index_t i = 0; i < c.rows * W; i += W) {
    O::store(sums + i, O::zero());
    O::store(highest + i, O::set(std::numeric_limits<T>::lowest()));
  }
  for (index_t j = 0; j < plan.padded_columns; ++j) column_sums[j] = T(0);
  // The block is a copy, and numbers are widened inside: what only this call sees stays in registers.
  plan.for_each_block(pool, mirrored, [&](const pair_block b, int worker) {
    const V it = O::set(p.inverse_temperature), middle = O::set(shared.middle);
    T* const strip = slots + worker * plan.strip_size();
    for (index_t t = 0; t < b.rows; t += R) {
      const index_t tile_rows = b.rows - t < R ? b.rows - t : R, first = b.upper() ? t / C * C : 0;
      detail::dot_strip<T, Arch, S>(c, b.i + t, tile_rows, panels + b.j * c.width, first, b.columns, strip, strip + R * S);
      for (index_t r = 0; r < tile_rows; ++r) {
        T* const s = strip + r * S;
        const index_t i = b.i + t + r, positive = p.row_positives[i] - b.j;
        const V own = O::set(Pair::uses_norms ? detail::squared_norm<T, Arch>(c.q + i * c.q_stride, c.width) : T(0));
        const auto score = [&](const V& dot, index_t j) {
          if constexpr (Pair::uses_norms) return p.template score<Arch>(dot, own, O::load(norms + b.j + j), it);
          else return p.template score<Arch>(dot, own, O::zero(), it);
        };
        const bool meets_positive = p.row_positives[i] >= 0 && positive >= (b.upper() ? t + r + 1 : 0) && positive < b.columns;
        if (meets_positive) {
          // The dot of one column stands for a whole vector; its norm is read with its neighbours'.
          const index_t at = positive / W * W;
          alignas(64) T near[W];
          O::store(near, score(O::load(s + at), at));
          positive_scores[i] = near[positive - at];
          if (b.mirrored) positive_scores[b.j + positive] = positive_scores[i];
        }
        const auto leave_out = [&](T nothing) {
          for (index_t j = b.columns; j < round_up(b.columns, W); ++j) s[j] = nothing;
          if (meets_positive && p.drops_positive()) s[positive] = nothing;
          if (b.upper()) {
            for (index_t j = first; j <= t + r; ++j) s[j] = nothing;
          } else if (p.mask.self_offset >= 0) {
            if (const index_t self = i + p.mask.self_offset - b.j; self >= 0 && self < b.columns) s[self] = nothing;
          }
        };
        V total = O::load(sums + i * W);
        if (detail::HasRange<Pair> && shared.safe) {
          for (index_t j = first; j < b.columns; j += W) O::store(s + j, M::exp_near(score(O::load(s + j), j) - middle));
          leave_out(T(0));
          if (b.mirrored) {
            T* const of_column = column_sums + b.j;
            for (index_t j = first; j < b.columns; j += W) {
              const V e = O::load(s + j);
              total = total + e;
              O::store(of_column + j, O::load(of_column + j) + e);
            }
          } else {
            for (index_t j = first; j < b.columns; j += W) total = total + O::load(s + j);
          }
        } else {
          for (index_t j = 0; j < b.columns; j += W) O::store(s + j, score(O::load(s + j), j));
          leave_out(-infinity);
          const V before = O::load(highest + i * W);
          V top = before;
          for (index_t j = 0; j < b.columns; j += W) top = O::max(top, O::load(s + j));
          total = total * M::exp(before - top);
          for (index_t j = 0; j < b.columns; j += W) total = total + M::exp(O::load(s + j) - top);
          O::store(highest + i * W, top);
        }
        O::store(sums + i * W, total);
      }
    }
  });
  for (index_t i = 0; i < c.rows; ++i) {
    V total = O::load(sums + i * W);
    T top = shared.middle;
    if (!shared.safe) {
      const V each = O::load(highest + i * W);
      top = O::largest(each);
      total = total * M::exp(each - O::set(top));
    }
    const T sum = O::sum(total) + (mirrored ? column_sums[i] : T(0));
    lse[i] = sum == T(0) ? -infinity : top + std::log(sum);
  }
}

}  // namespace pretext::simd
