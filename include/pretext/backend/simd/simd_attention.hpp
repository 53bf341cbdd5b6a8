// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../reference/matrix.hpp"
#include "attention.hpp"
#include "simd_call.hpp"

namespace pretext::backend::detail {

template <class Arch>
struct simd_attention {
  template <stored_value S, class T = master_t<S>>
  static index_t scratch(op::attention_op, int threads, const input<S>& qkv, const extent&, const op::attention_options& o, const tensor_view<S>&,
                         const tensor_view<master_t<S>>&) {
    return bytes_of<T>(kernel::attention_scratch<T, Arch>(threads, qkv.shape, o));
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::attention_op, const simd_call& call, const input<S>& qkv, const extent& structure, const op::attention_options& o,
                  const tensor_view<S>& y, const tensor_view<master_t<S>>& lse) {
    check(qkv.shape, structure, o);
    kernel::attend<T, Arch>(call.pool, qkv.shape, qkv.data, structure, o, y.data, lse.data, call.scratch<T>());
  }

  template <stored_value S, class T = master_t<S>>
  static index_t scratch(op::attention_gradient_op, int threads, const input<S>& qkv, const extent&, const op::attention_options& o, const input<S>&,
                         const master<S>&, const input<S>&, const tensor_view<S>&) {
    return bytes_of<T>(kernel::attention_gradient_scratch<T, Arch, S>(threads, qkv.shape, o));
  }
  template <stored_value S, class T = master_t<S>>
  static void run(op::attention_gradient_op, const simd_call& call, const input<S>& qkv, const extent& structure, const op::attention_options& o,
                  const input<S>& y, const master<S>& lse, const input<S>& dy, const tensor_view<S>& dqkv) {
    check(qkv.shape, structure, o);
    kernel::attend_backward<T, Arch>(call.pool, qkv.shape, qkv.data, structure, o, y.data, lse.data, dy.data, dqkv.data, call.scratch<T>());
  }

 private:
  static void check(const extents& qkv, const extent& structure, const op::attention_options& o) {
    expects(qkv.rank == 3 && o.heads > 0 && qkv.last() % (3 * o.heads) == 0, "shape.123",
            "attention: qkv must be (samples, length, 3 x heads x width of a head)");
    structure.check_lengths(qkv[0], qkv[1]);
  }
};

}  // namespace pretext::backend::detail
