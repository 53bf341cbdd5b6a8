// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/workspace.hpp"
#include "ops.hpp"

namespace pretext::backend {

namespace detail {
template <class B, class Op, class... A>
constexpr bool is_native() {
  if constexpr (requires { B::template runs_natively<Op, A...>; })
    return B::template runs_natively<Op, A...>;
  else
    return B::native_ops::template contains<op::exact_op<Op>>;
}
}  // namespace detail

/// B, but an op that would fall back to the reference does not compile: for programs that must not become slow unnoticed.
///   trainer<my_recipe, backend::strict<backend::simd<>>>
/// errors  pretext[backend.101] the op named beside it has no native implementation for these arguments
template <class B>
class strict : public B {
 public:
  using B::B;

  template <class Op, class... A>
  void run(Op op, workspace& memory, A&&... a) {
    static_assert(detail::is_native<B, Op, A...>(),
                  "pretext[backend.101] an op falls back to the reference in a strict back end: `Op` in the next lines names it; "
                  "use the back end without strict, or another layer");
    B::run(op, memory, static_cast<A&&>(a)...);
  }
};

}  // namespace pretext::backend
