// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "../ops/recurrent.hpp"
#include "../reference/matrix.hpp"
#include "gemm_operands.hpp"
#include "simd_call.hpp"
#include "simd_math.hpp"

namespace pretext::backend::detail {

/// Steps of a recurrent layer: a few tiles of samples times the panels of some units' gates, then the cell of those units, in the first-level
/// cache. The weights are packed once for all steps; a task is a block of units, so that each worker's share of them can stay in its cache,
/// and everybody waits between steps. Samples stand in the order of their lengths, longest first: those that are there at a position come
/// first, and nothing is multiplied for the others.
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
    /// Rows that a panel is used for before the next one comes; what they are summed to stays in the first-level cache.
    static constexpr index_t group = 4 * R;
    index_t rows() const { return samples + R; }  // a tile may read beyond the last sample
    index_t strip_size() const { return group * gates * C; }
    index_t order() const { return round_up(ceil_div(samples * index_t{sizeof(std::int32_t)}, index_t{sizeof(T)}), 16); }
    index_t forward_panels() const { return round_up(blocks * gates * C * units, 16); }
    index_t states() const { return rows() * state_stride; }
    index_t forward_size(int threads) const { return forward_panels() + 3 * states() + order() + threads * strip_size(); }
    index_t backward_panels() const { return round_up(blocks * C * gates * units, 16); }
    index_t backward_size(int threads) const { return backward_panels() + states() + 2 * rows() * gate_stride + order() + threads * strip_size(); }
  };

  /// Samples in the order of their lengths. Who is beside whom in a tile touches no bit.
  struct ranking {
    std::int32_t* order;
    const std::int32_t* lengths;
    index_t samples;

    ranking(void* memory, const extent& s, index_t n) : order(static_cast<std::int32_t*>(memory)), lengths(s.lengths), samples(n) {
      for (index_t b = 0; b < n; ++b) order[b] = static_cast<std::int32_t>(b);
      if (lengths != nullptr)
        std::sort(order, order + n, [&](std::int32_t a, std::int32_t b) { return lengths[a] != lengths[b] ? lengths[a] > lengths[b] : a < b; });
    }
    /// How many of them reach position t.
    index_t there(index_t t) const {
      if (lengths == nullptr) return samples;
      index_t n = 0;
      while (n < samples && lengths[order[n]] > t) ++n;
      return n;
    }
  };
  /// Zeros behind each sample's end, in `width` columns from `column` on.
  template <class T>
  static void zero_padding(thread_pool& pool, const extent& s, const tensor_view<T>& map, index_t column, index_t width) {
    if (s.lengths == nullptr || map.data == nullptr) return;
    const index_t length = map.extent(1), stride = map.columns();
    pool.parallel_for(map.extent(0), [&](index_t b) {
      for (index_t t = s.lengths[b] > 0 ? s.lengths[b] : 0; t < length; ++t)
        std::memset(static_cast<void*>(map.data + (b * length + t) * stride + column), 0, static_cast<std::size_t>(width) * sizeof(T));
    });
  }
  /// strip (rows, panels * C) = rows of `left` times the panels of a block of `units` units, sums of k terms. While whole tiles are
  /// computed they ask for the next panel.
  template <class T>
  static void multiply(index_t k, const T* left, index_t stride, index_t rows, const T* panels, index_t count, index_t units, T* strip) {
    constexpr index_t R = plan<T>::R, C = plan<T>::C, two_thirds = 2 * R / 3, third = R / 3 < 2 ? 2 : R / 3;
    const index_t whole = rows / R > 0 ? rows / R : 1, share = C * k / whole, columns = units <= O<T>::width ? O<T>::width : C;
    for (index_t p = 0; p < count; ++p) {
      const T* const panel = panels + p * C * k;
      for (index_t i = 0; i < rows; i += R) {
        // All rows of the tile that is computed are stored, which is quicker than some of them.
        const index_t left_over = rows - i, tile = left_over > two_thirds ? R : left_over > third ? two_thirds : third;
        kernel::run_tile<T, Arch>(k, kernel::strided<T>{left + i * stride, stride, 1}, panel,
                                  kernel::store_result<T, Arch>{{strip + i * count * C, count * C}, false}, 0, p * C, tile, columns, true, true,
                                  kernel::read_ahead<T>{panel + C * k + i / R * share, C / whole});
      }
    }
  }

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
    constexpr index_t G = Cell::gates, W = O<T>::width, C = plan<T>::C, group = plan<T>::group;
    const plan<T> p(x.shape, weight.columns());
    s.check_lengths(p.samples, p.length);
    const index_t h = p.units, length = p.length, out_stride = y.columns();
    T* const panels = call.scratch<T>();
    T* const states = panels + p.forward_panels();  // outputs of the step before and of this one
    T* const cell_states = states + 2 * p.states();
    T* const order = cell_states + p.states();
    T* const strips = order + p.order();
    const ranking rank(order, s, p.samples);
    call.pool.parallel_for(p.blocks * G, [&](index_t number) {
      const index_t u = number / G * C, g = number % G;
      kernel::transpose_panel<T, Arch>(weight.data + (g * h + u) * h, h, h, h - u < C ? h - u : C, panels + number * C * h);
    });
    std::memset(static_cast<void*>(states), 0, static_cast<std::size_t>(3 * p.states()) * sizeof(T));
    for (index_t k = 0; k < length; ++k) {
      const index_t t = way.reverse ? length - 1 - k : k, behind = way.reverse ? t - 1 : t + 1;
      const T* const before = states + k % 2 * p.states();
      T* const next = states + (1 - k % 2) * p.states();
      const index_t there = rank.there(t);
      call.pool.parallel_for_worker(p.blocks, [&](index_t block, int worker) {
        T* const strip = strips + worker * p.strip_size();
        const index_t u = block * C, units = h - u < C ? h - u : C;
        for (index_t i = 0; i < there; i += group) {
          const index_t rows = there - i < group ? there - i : group;
          if (k == 0)
            std::memset(static_cast<void*>(strip), 0, static_cast<std::size_t>(rows * G * C) * sizeof(T));
          else
            multiply(h, before + i * p.state_stride, p.state_stride, rows, panels + block * G * C * h, G, units, strip);
          for (index_t r = 0; r < rows; ++r) {
            const index_t slot = i + r, b = rank.order[slot], row = b * length + t;
            const op::recurrent_place place = op::place_of(s, way.reverse, length, b, t);
            const bool kept = op::place_of(s, way.reverse, length, b, behind).goes_on;
            T* const state = cell_states + slot * p.state_stride + u;
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
                const V last = O<T>::load_some(Cell::has_cells ? state + c : before + slot * p.state_stride + u + c, lanes);
                out = Cell::template forward<M>(in, recurrent, last, four, now);
              }
              for (index_t g = 0; g < 4; ++g) O<T>::store_some(saved.data + row * 4 * h + g * h + u + c, four[g], lanes);
              if constexpr (Cell::has_cells) {
                O<T>::store_some(cells.data + row * h + u + c, now, lanes);
                O<T>::store_some(state + c, kept ? now : O<T>::zero(), lanes);
              }
              O<T>::store_some(next + slot * p.state_stride + u + c, kept ? out : O<T>::zero(), lanes);
              O<T>::store_some(y.data + row * out_stride + way.column + u + c, out, lanes);
            }
          }
        }
      });
    }
    zero_padding(call.pool, s, y, way.column, h);
    zero_padding(call.pool, s, saved, 0, 4 * h);
    zero_padding(call.pool, s, cells, 0, h);
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
    constexpr index_t G = Cell::gates, W = O<T>::width, C = plan<T>::C, group = plan<T>::group;
    const plan<T> p(dx.shape, weight.columns());
    s.check_lengths(p.samples, p.length);
    const index_t h = p.units, length = p.length, out_stride = y.columns();
    T* const panels = call.scratch<T>();
    T* const carries = panels + p.backward_panels();
    T* const gradients = carries + p.states();  // in r, of the step behind and of this one
    T* const order = gradients + 2 * p.rows() * p.gate_stride;
    T* const strips = order + p.order();
    const ranking rank(order, s, p.samples);
    call.pool.parallel_for(p.blocks, [&](index_t block) {
      const index_t u = block * C;
      kernel::copy_panels<T, Arch>(weight.data + u, h, G * h, h - u < C ? h - u : C, panels + u * G * h);
    });
    std::memset(static_cast<void*>(carries), 0, static_cast<std::size_t>(p.states() + 2 * p.rows() * p.gate_stride) * sizeof(T));
    for (index_t k = 0; k < length; ++k) {
      const index_t t = way.reverse ? k : length - 1 - k, behind = way.reverse ? t - 1 : t + 1, ahead = way.reverse ? t + 1 : t - 1;
      const T* const given = gradients + k % 2 * p.rows() * p.gate_stride;
      T* const next = gradients + (1 - k % 2) * p.rows() * p.gate_stride;
      const index_t there = rank.there(t);
      call.pool.parallel_for_worker(p.blocks, [&](index_t block, int worker) {
        T* const strip = strips + worker * p.strip_size();
        const index_t u = block * C, units = h - u < C ? h - u : C;
        for (index_t i = 0; i < there; i += group) {
          const index_t rows = there - i < group ? there - i : group;
          if (k > 0) multiply(G * h, given + i * p.gate_stride, p.gate_stride, rows, panels + u * G * h, 1, units, strip);
          for (index_t r = 0; r < rows; ++r) {
            const index_t slot = i + r, b = rank.order[slot], row = b * length + t, row_ahead = b * length + ahead;
            const op::recurrent_place place = op::place_of(s, way.reverse, length, b, t);
            const bool left = op::place_of(s, way.reverse, length, b, behind).goes_on;
            T* const own_carry = carries + slot * p.state_stride + u;
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
                O<T>::store_some(next + slot * p.gate_stride + g * h + u + c, recurrent, lanes);
              }
            }
          }
        }
      });
    }
    zero_padding(call.pool, s, dx, 0, G * h);
    zero_padding(call.pool, s, dr, 0, G * h);
  }

  template <lane_value T>
  static void run(op::previous_outputs_op, const simd_call& call, const input<T>& y, const extent& s, const op::recurrent_way& way, const tensor_view<T>& to) {
    const index_t length = y.extent(1), h = to.columns();
    s.check_lengths(y.extent(0), length);
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
