// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>
#include <type_traits>

#include "../ops/recurrent.hpp"
#include "../reference/matrix.hpp"
#include "gemm_operands.hpp"
#include "simd_call.hpp"
#include "simd_math.hpp"

namespace pretext::backend::detail {

/// Steps of a recurrent layer: a tile of samples times the panels of some units' gates, then the cell of those units, in the first-level
/// cache. The weights are packed once for all steps; a task is a block of units, so that each worker's share of them can stay in its cache,
/// and everybody waits between steps.
template <class Arch>
class simd_recurrent {
  template <class T>
  using O = kernel::vector_ops<T, Arch>;

  template <class T>
  struct plan {
    static constexpr index_t R = kernel::tile_shape<T, Arch>::rows, C = kernel::tile_shape<T, Arch>::columns;
    index_t samples, length, units, gates, blocks;
    index_t state_stride, gate_stride;  // of a sample's row, no power of two

    plan(const extents& gates_shape, index_t h)
        : samples(gates_shape[0]), length(gates_shape[1]), units(h), gates(h > 0 ? gates_shape.last() / h : 0), blocks(ceil_div(h, C)),
          state_stride(round_up(h, C) + 16), gate_stride(round_up(gates * h, 16) + 16) {}
    index_t rows() const { return samples + R; }  // a tile may read beyond the last sample
    index_t strip_size() const { return R * (gates + 1) * C; }
    index_t forward_panels() const { return round_up(blocks * gates * C * units, 16); }
    index_t states() const { return rows() * state_stride; }
    index_t forward_size(int threads) const { return forward_panels() + 3 * states() + threads * strip_size(); }
    index_t backward_panels() const { return round_up(blocks * C * gates * units, 16); }
    index_t backward_size(int threads) const { return backward_panels() + states() + 2 * rows() * gate_stride + threads * strip_size(); }
  };

 public:
  template <class Cell, lane_value T>
  static index_t scratch(op::recurrent_op, int threads, const Cell&, const input<T>& x, const input<T>& weight, const input<T>&, const extent&,
                         const op::recurrent_way&, const tensor_view<T>&, const tensor_view<T>&, const tensor_view<T>&) {
    return bytes_of<T>(plan<T>(x.shape, weight.columns()).forward_size(threads));
  }
  template <class Cell, lane_value T>
  static void run(op::recurrent_op, const simd_call& call, const Cell&, const input<T>& x, const input<T>& weight, const input<T>& bias, const extent& s,
                  const op::recurrent_way& way, const tensor_view<T>& y, const tensor_view<T>& saved, const tensor_view<T>& cells) {
    using V = kernel::vec<T, Arch>;
    using M = kernel::simd_math<T, Arch>;
    constexpr index_t G = Cell::gates, W = O<T>::width, R = plan<T>::R, C = plan<T>::C;
    const plan<T> p(x.shape, weight.columns());
    const index_t h = p.units, length = p.length, out_stride = y.columns();
    T* const panels = call.scratch<T>();
    T* const states = panels + p.forward_panels();  // outputs of the step before and of this one
    T* const cell_states = states + 2 * p.states();
    T* const strips = cell_states + p.states();
    call.pool.parallel_for(p.blocks * G, [&](index_t number) {
      const index_t u = number / G * C, g = number % G;
      kernel::transpose_panel<T, Arch>(weight.data + (g * h + u) * h, h, h, h - u < C ? h - u : C, panels + number * C * h);
    });
    std::memset(static_cast<void*>(states), 0, static_cast<std::size_t>(3 * p.states()) * sizeof(T));
    for (index_t k = 0; k < length; ++k) {
      const index_t t = way.reverse ? length - 1 - k : k, behind = way.reverse ? t - 1 : t + 1;
      const T* const before = states + k % 2 * p.states();
      T* const next = states + (1 - k % 2) * p.states();
      call.pool.parallel_for_worker(p.blocks, [&](index_t block, int worker) {
        T* const strip = strips + worker * p.strip_size();
        const index_t u = block * C, units = h - u < C ? h - u : C;
        for (index_t i = 0; i < p.samples; i += R) {
          const index_t rows = p.samples - i < R ? p.samples - i : R;
          const kernel::store_result<T, Arch> store{{strip, G * C}, false};
          for (index_t g = 0; g < G; ++g)
            kernel::run_tile<T, Arch>(h, kernel::strided<T>{before + i * p.state_stride, p.state_stride, 1}, panels + (block * G + g) * C * h, store, 0, g * C,
                                      rows, C, true, true);
          for (index_t r = 0; r < rows; ++r) {
            const index_t b = i + r, row = b * length + t;
            const op::recurrent_place place = op::place_of(s, way.reverse, length, b, t);
            const bool kept = op::place_of(s, way.reverse, length, b, behind).goes_on;
            T* const state = cell_states + b * p.state_stride + u;
            for (index_t c = 0; c < units; c += W) {
              const index_t lanes = units - c < W ? units - c : W;
              V four[4], now = O<T>::zero(), out = O<T>::zero();
              for (V& v : four) v = O<T>::zero();
              if (place.there) {
                V in[G], recurrent[G];
                for (index_t g = 0; g < G; ++g) {
                  in[g] = O<T>::load_some(x.data + row * G * h + g * h + u + c, lanes);
                  recurrent[g] = O<T>::load(strip + (r * G + g) * C + c);
                  if (bias) recurrent[g] = recurrent[g] + O<T>::load_some(bias.data + g * h + u + c, lanes);
                }
                // States that end where a sequence begins were set to zero when they were written.
                const V last = O<T>::load_some(Cell::has_cells ? state + c : before + b * p.state_stride + u + c, lanes);
                out = Cell::template forward<M>(in, recurrent, last, four, now);
              }
              for (index_t g = 0; g < 4; ++g) O<T>::store_some(saved.data + row * 4 * h + g * h + u + c, four[g], lanes);
              if constexpr (Cell::has_cells) {
                O<T>::store_some(cells.data + row * h + u + c, now, lanes);
                O<T>::store_some(state + c, kept ? now : O<T>::zero(), lanes);
              }
              O<T>::store_some(next + b * p.state_stride + u + c, kept ? out : O<T>::zero(), lanes);
              O<T>::store_some(y.data + row * out_stride + way.column + u + c, out, lanes);
            }
          }
        }
      });
    }
  }

  template <class Cell, lane_value T>
  static index_t scratch(op::recurrent_gradient_op, int threads, const Cell&, const input<T>& weight, const extent&, const op::recurrent_way&, const input<T>&,
                         const input<T>&, const input<T>&, const input<T>&, const tensor_view<T>& dx, const tensor_view<std::type_identity_t<T>>&) {
    return bytes_of<T>(plan<T>(dx.shape, weight.columns()).backward_size(threads));
  }
  template <class Cell, lane_value T>
  static void run(op::recurrent_gradient_op, const simd_call& call, const Cell&, const input<T>& weight, const extent& s, const op::recurrent_way& way,
                  const input<T>& y, const input<T>& saved, const input<T>& cells, const input<T>& dy, const tensor_view<T>& dx,
                  const tensor_view<std::type_identity_t<T>>& dr) {
    using V = kernel::vec<T, Arch>;
    using M = kernel::simd_math<T, Arch>;
    constexpr index_t G = Cell::gates, W = O<T>::width, R = plan<T>::R, C = plan<T>::C;
    const plan<T> p(dx.shape, weight.columns());
    const index_t h = p.units, length = p.length, out_stride = y.columns();
    T* const panels = call.scratch<T>();
    T* const carries = panels + p.backward_panels();
    T* const gradients = carries + p.states();  // in r, of the step behind and of this one
    T* const strips = gradients + 2 * p.rows() * p.gate_stride;
    call.pool.parallel_for(p.blocks, [&](index_t block) {
      const index_t u = block * C;
      kernel::copy_panels<T, Arch>(weight.data + u, h, G * h, h - u < C ? h - u : C, panels + u * G * h);
    });
    std::memset(static_cast<void*>(carries), 0, static_cast<std::size_t>(p.states() + 2 * p.rows() * p.gate_stride) * sizeof(T));
    for (index_t k = 0; k < length; ++k) {
      const index_t t = way.reverse ? k : length - 1 - k, behind = way.reverse ? t - 1 : t + 1, ahead = way.reverse ? t + 1 : t - 1;
      const T* const given = gradients + k % 2 * p.rows() * p.gate_stride;
      T* const next = gradients + (1 - k % 2) * p.rows() * p.gate_stride;
      call.pool.parallel_for_worker(p.blocks, [&](index_t block, int worker) {
        T* const strip = strips + worker * p.strip_size();
        const index_t u = block * C, units = h - u < C ? h - u : C;
        for (index_t i = 0; i < p.samples; i += R) {
          const index_t rows = p.samples - i < R ? p.samples - i : R;
          if (k > 0)
            kernel::run_tile<T, Arch>(G * h, kernel::strided<T>{given + i * p.gate_stride, p.gate_stride, 1}, panels + u * G * h,
                                      kernel::store_result<T, Arch>{{strip, C}, false}, 0, 0, rows, C, true, true);
          for (index_t r = 0; r < rows; ++r) {
            const index_t b = i + r, row = b * length + t, row_ahead = b * length + ahead;
            const op::recurrent_place place = op::place_of(s, way.reverse, length, b, t);
            const bool left = op::place_of(s, way.reverse, length, b, behind).goes_on;
            T* const own_carry = carries + b * p.state_stride + u;
            for (index_t c = 0; c < units; c += W) {
              const index_t lanes = units - c < W ? units - c : W;
              V d_in[G], d_out[G], carry = O<T>::zero();
              for (index_t g = 0; g < G; ++g) d_in[g] = d_out[g] = O<T>::zero();
              if (place.there) {
                V d = O<T>::load_some(dy.data + row * out_stride + way.column + u + c, lanes), four[4], last = O<T>::zero(), now = O<T>::zero();
                if (left) {
                  d = d + O<T>::load(strip + r * C + c);
                  carry = O<T>::load(own_carry + c);
                }
                for (index_t g = 0; g < 4; ++g) four[g] = O<T>::load_some(saved.data + row * 4 * h + g * h + u + c, lanes);
                if constexpr (Cell::has_cells) now = O<T>::load_some(cells.data + row * h + u + c, lanes);
                if (place.goes_on)
                  last = O<T>::load_some(Cell::has_cells ? cells.data + row_ahead * h + u + c : y.data + row_ahead * out_stride + way.column + u + c, lanes);
                Cell::template backward<M>(four, last, now, d, carry, d_in, d_out);
              }
              O<T>::store(own_carry + c, carry);
              for (index_t g = 0; g < G; ++g) {
                const V& recurrent = Cell::same_gradient ? d_in[g] : d_out[g];
                O<T>::store_some(dx.data + row * G * h + g * h + u + c, d_in[g], lanes);
                if constexpr (!Cell::same_gradient) O<T>::store_some(dr.data + row * G * h + g * h + u + c, recurrent, lanes);
                O<T>::store_some(next + b * p.gate_stride + g * h + u + c, recurrent, lanes);
              }
            }
          }
        }
      });
    }
  }

  template <lane_value T>
  static void run(op::previous_outputs_op, const simd_call& call, const input<T>& y, const extent& s, const op::recurrent_way& way, const tensor_view<T>& to) {
    const index_t length = y.extent(1), h = to.columns();
    call.pool.parallel_for(to.rows(), rows_at_once(h), [&](index_t begin, index_t end) {
      for (index_t row = begin; row < end; ++row) {
        const index_t b = row / length, t = row % length, before = way.reverse ? row + 1 : row - 1;
        const std::size_t bytes = static_cast<std::size_t>(h) * sizeof(T);
        if (op::place_of(s, way.reverse, length, b, t).goes_on)
          std::memcpy(to.data + row * h, y.data + before * y.columns() + way.column, bytes);
        else
          std::memset(static_cast<void*>(to.data + row * h), 0, bytes);
      }
    });
  }
};

}  // namespace pretext::backend::detail
