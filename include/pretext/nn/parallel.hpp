// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "sequential.hpp"

namespace pretext::nn {

/// Every branch on the same input; outputs are joined along the last extent (channels).
/// shapes  branch k: (B, ..., C_k); y (B, ..., sum C_k)
/// errors  pretext[shape.118] branches differ in another extent than the last
/// source  Szegedy et al. 2015, arXiv:1409.4842
template <class... Branches>
struct parallel {
  static_assert(sizeof...(Branches) > 0, "pretext[shape.119] parallel needs at least one branch");
  detail::child_list<Branches...> branches{};  // branch I is child<I>(branches)
  static constexpr const char* name = "parallel";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (visit(detail::child_name_of<Branches, I>::value, detail::child<I>(self.branches)), ...);
    }(std::index_sequence_for<Branches...>{});
  }

  template <class In>
  struct bound {
    using spec_type = parallel;
    using input_shape = In;
    static constexpr std::size_t count = sizeof...(Branches);
    using indices = std::make_index_sequence<count>;

    [[no_unique_address]] parallel spec{};
    [[no_unique_address]] In input{};
    detail::child_list<bound_t<Branches, In>...> children{};

    constexpr bound() = default;
    constexpr bound(const parallel& s, const In& in) : spec(s), input(in) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        ((detail::child<I>(children) = bind(detail::child<I>(s.branches), in)), ...);
      }(indices{});
    }
    constexpr auto output() const {
      return join(detail::child<0>(children).output(), indices{});
    }

    template <class T>
    struct cache {
      detail::child_list<typename bound_t<Branches, In>::template cache<T>...> children{};
    };
    template <class V>
    constexpr void parameters(V& v) const {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (v.child(detail::child_name_of<Branches, I>::value, detail::child<I>(children)), ...);
      }(indices{});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>& kept) const {
      parameter_reader own(params);
      index_t at = 0;
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        ([&] {
          const auto& layer = detail::child<I>(children);
          const activations<T> part(ctx.take(output_extents(layer, x.shape)), x.structure);
          layer.forward(child_context(ctx, I), own.child(layer), x, part, detail::child<I>(kept.children));
          ctx(op::copy_columns, as_const(tensor_view<T>(part)), y, index_t{0}, at, part.columns());
          at += part.columns();
        }(), ...);
      }(indices{});
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      parameter_reader own(params);
      gradient_reader gradients(d_params);
      index_t at = 0;
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (backward_branch<I>(ctx, own, gradients, x, kept, dy, dx, at), ...);
      }(indices{});
    }

   private:
    // A function of its own: clang 19 does not discard the branch of an `if constexpr` in a lambda within a pack.
    template <std::size_t I, class Ctx, class T, class Dx, class Gradients>
    constexpr void backward_branch(const Ctx& ctx, parameter_reader<T>& own, Gradients& gradients, activations<const T> x,
                                   const cache<T>& kept, activations<const T> dy, Dx dx, index_t& at) const {
      const auto scope = ctx.scope();
      const auto& layer = detail::child<I>(children);
      const activations<T> part(ctx.take(output_extents(layer, x.shape)), x.structure);
      ctx(op::copy_columns, dy, part, at, index_t{0}, part.columns());
      at += part.columns();
      const auto p = own.child(layer);
      const auto d = gradients.child(layer);
      const Ctx inner = child_context(ctx, I);
      if constexpr (!is_wanted<Dx> || I == 0) {
        layer.backward(inner, p, x, detail::child<I>(kept.children), activations<const T>(part), dx, d);
      } else {
        const activations<T> side(ctx.take(x.shape), x.structure);
        layer.backward(inner, p, x, detail::child<I>(kept.children), activations<const T>(part), side, d);
        ctx(op::add, as_const(tensor_view<T>(side)), dx);
      }
    }
    template <class A, class B>
    static constexpr bool agrees() {
      bool same = A::rank == B::rank;
      if constexpr (A::rank == B::rank)
        for (int i = 0; i + 1 < A::rank; ++i) {
          const index_t a = A::fixed[static_cast<std::size_t>(i)], b = B::fixed[static_cast<std::size_t>(i)];
          same = same && (a == b || a == dynamic || b == dynamic);
        }
      return same;
    }
    /// The same for extents known at run time only.
    static constexpr void check_extents(const extents& a, const extents& b) {
      for (int i = 0; i + 1 < a.rank && a.rank == b.rank; ++i)
        expects(a[i] == b[i], "shape.118", "parallel: branches must agree in all extents but the last");
    }
    template <class First, std::size_t... I>
    constexpr auto join(const First& first, std::index_sequence<I...>) const {
      if constexpr ((std::is_same_v<output_t<bound_t<Branches, In>>, invalid_shape> || ...)) {
        return invalid_shape{};
      } else {
        static_assert((agrees<output_t<bound_t<Branches, In>>, First>() && ...),
                      "pretext[shape.118] parallel: branches must agree in all extents but the last");
        (check_extents(detail::child<I>(children).output(), first), ...);
        extents e = first;
        e[First::rank - 1] = 0;
        ((e[First::rank - 1] += detail::child<I>(children).output()[First::rank - 1]), ...);
        constexpr bool known = ((static_extent<output_t<bound_t<Branches, In>>, -1> != dynamic) && ...);
        constexpr index_t last = known ? (static_extent<output_t<bound_t<Branches, In>>, -1> + ...) : dynamic;
        return with_last<last>(first, e);
      }
    }
    template <index_t Last, index_t... E>
    static constexpr auto with_last(const shape<E...>&, const extents& e) {
      constexpr std::array<index_t, sizeof...(E)> own{E...};
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return shape<(I + 1 < sizeof...(E) ? own[I] : Last)...>(e);
      }(std::make_index_sequence<sizeof...(E)>{});
    }
  };
};

}  // namespace pretext::nn
