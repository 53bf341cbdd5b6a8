// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "../ops/vocabulary.hpp"
#include "../reference/matrix.hpp"
#include "attention.hpp"
#include "gemm.hpp"
#include "reduce.hpp"
#include "simd_call.hpp"

namespace pretext::backend::detail {

/// A slab of wanted rows against the whole vocabulary: their logits become probabilities and gradients in place, and are multiplied twice.
/// Logits are computed once, and a slab is what there is of them. More rows in it pass the weights and their gradient through memory
/// less often, so it has 16 MiB, or 192 rows where that is more.
template <class Arch>
class simd_vocabulary {
  using integers_view = tensor_view<const std::int32_t>;
  template <class T>
  using O = kernel::vector_ops<T, Arch>;

  template <class T>
  struct plan {
    index_t slots, words, width, step;
    index_t products;  // scratch of the largest product

    plan(int threads, index_t m, index_t v, index_t d) : slots(m), words(v), width(d) {
      constexpr index_t R = kernel::tile_shape<T, Arch>::rows;
      const index_t fits = (index_t{16} << 20) / static_cast<index_t>(sizeof(T)) / (v > 0 ? v : 1), most = fits > 192 ? fits : 192;
      step = round_up(ceil_div(m, ceil_div(m > 0 ? m : 1, most)), R);
      const auto product = [&](index_t rows, index_t columns, index_t steps) { return kernel::gemm_scratch<T, Arch>(threads, rows, columns, steps); };
      products = 0;
      for (const index_t size : {product(step, v, d), product(step, d, v), product(v, d, step), kernel::column_scratch<T, Arch>(step, v)})
        products = size > products ? size : products;
    }
    index_t list_size() const { return round_up(slots, 16); }  // int32 in the place of T, which is no smaller
    index_t rows_size() const { return round_up(step * width, 16); }
    index_t slab_size() const { return round_up(step * words, 16); }
    index_t size() const { return list_size() + 2 * rows_size() + slab_size() + round_up(products, 16); }
  };

 public:
  template <lane_value T>
  static void run(op::count_slots_op, const simd_call&, integers_view labels, integers_view count, const tensor_view<T>& n) {
    index_t taken = 0;
    for (index_t k = 0; k < op::slots_of(labels.size(), count.data); ++k) taken += labels[k] >= 0;
    n[0] = static_cast<T>(taken);
  }

  template <stored_value S, class T = master_t<S>>
  static index_t scratch(op::vocabulary_loss_op, int threads, const tensor_view<const S>&, const integers_view& rows, const integers_view&,
                         const integers_view&, const master<S>& weight, const master<S>&, const master<S>&, const tensor_view<master_t<S>>&,
                         const tensor_view<std::int32_t>&, const tensor_view<S>&, const tensor_view<master_t<S>>&,
                         const tensor_view<master_t<S>>&) {
    return bytes_of<T>(plan<T>(threads, rows.size(), weight.rows(), weight.columns()).size());
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::vocabulary_loss_op, const simd_call& call, const tensor_view<const S>& hidden, const integers_view& rows, const integers_view& labels,
                  const integers_view& count, const master<S>& weight, const master<S>& bias, const master<S>& n, const tensor_view<master_t<S>>& losses,
                  const tensor_view<std::int32_t>& correct, const tensor_view<S>& d_hidden, const tensor_view<master_t<S>>& d_weight,
                  const tensor_view<master_t<S>>& d_bias) {
    const index_t d = weight.columns(), v = weight.rows();
    const plan<T> p(call.pool.size(), rows.size(), v, d);
    auto* const list = reinterpret_cast<std::int32_t*>(call.scratch<T>());
    T* const own = call.scratch<T>() + p.list_size();
    T* const own_gradient = own + p.rows_size();
    T* const slab = own_gradient + p.rows_size();
    T* const products = slab + p.slab_size();
    const T share = T(1) / (n[0] > T(1) ? n[0] : T(1));
    const bool gradient = d_hidden || d_weight || d_bias;

    index_t taken = 0;
    const index_t there = op::slots_of(rows.size(), count.data);
    for (index_t k = 0; k < rows.size(); ++k) {
      losses[k] = T(0);
      if (correct) correct[k] = -1;
      if (k >= there || labels[k] < 0) continue;
      expects(labels[k] < v && rows[k] >= 0 && rows[k] < hidden.rows(), "value.123", "a wanted word or position is not there");
      list[taken++] = static_cast<std::int32_t>(k);
    }
    if (d_hidden)
      call.pool.parallel_for(d_hidden.rows(), rows_at_once(d), [&](index_t begin, index_t end) {
        std::memset(static_cast<void*>(d_hidden.data + begin * d), 0, static_cast<std::size_t>((end - begin) * d) * sizeof(S));
      });
    for (index_t first = 0; first < taken; first += p.step) {
      const index_t m = taken - first < p.step ? taken - first : p.step;
      const std::int32_t* const slots = list + first;
      call.pool.parallel_for(m, rows_at_once(d), [&](index_t begin, index_t end) {
        for (index_t i = begin; i < end; ++i) copy_row<T>(hidden.data + rows[slots[i]] * d, d, own + i * d);
      });
      kernel::gemm<T, Arch>(call.pool, m, v, d, own, d, false, weight.data, d, true, slab, v, false, products, kernel::finished<T>(bias.data));
      call.pool.parallel_for(m, rows_at_once(v), [&](index_t begin, index_t end) {
        for (index_t i = begin; i < end; ++i) softmax(slab + i * v, v, labels[slots[i]], share, slots[i], losses, correct, gradient);
      });
      if (d_bias) kernel::column_sums<T, Arch>(call.pool, m, v, slab, d_bias.data, products);
      if (d_weight)
        kernel::gemm<T, Arch>(call.pool, v, d, m, slab, v, true, own, d, false, d_weight.data, d, true, products);
      if (d_hidden) {
        kernel::gemm<T, Arch>(call.pool, m, d, v, slab, v, false, weight.data, d, false, own_gradient, d, false, products);
        call.pool.parallel_for(m, rows_at_once(d), [&](index_t begin, index_t end) {
          for (index_t i = begin; i < end; ++i) copy_row<T>(own_gradient + i * d, d, d_hidden.data + rows[slots[i]] * d);
        });
      }
    }
  }

 private:
  template <class T, class X, class Y>
  static void copy_row(const X* from, index_t n, Y* to) {
    constexpr index_t W = O<T>::width;
    for (index_t c = 0; c < n; c += W) O<T>::store_some(to + c, O<T>::load_some(from + c, n - c < W ? n - c : W), n - c < W ? n - c : W);
  }
  /// Logits of a row become its gradient.
  template <class T>
  static void softmax(T* row, index_t v, index_t label, T share, index_t slot, const tensor_view<T>& losses, const tensor_view<std::int32_t>& correct,
                      bool gradient) {
    constexpr index_t W = O<T>::width;
    const T largest = kernel::largest_of_row<T, Arch>(row, v), own = row[label];
    const auto top = O<T>::set(largest);
    const T sum = sum_row<T, Arch>(v, [&](index_t c, index_t lanes) {
      const auto e = kernel::detail::exp_of_negative<T, Arch>(O<T>::load_some(row + c, lanes, -std::numeric_limits<T>::infinity()) - top);
      if (gradient) O<T>::store_some(row + c, e, lanes);
      return e;
    });
    losses[slot] = (std::log(sum) + (largest - own)) * share;
    if (correct) correct[slot] = own == largest ? 1 : 0;
    if (!gradient) return;
    const auto scale = O<T>::set(share / sum);
    for (index_t c = 0; c < v; c += W) {
      const index_t lanes = v - c < W ? v - c : W;
      O<T>::store_some(row + c, scale * O<T>::load_some(row + c, lanes), lanes);
    }
    row[label] -= share;
  }
};

}  // namespace pretext::backend::detail
