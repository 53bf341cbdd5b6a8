// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "identity.hpp"
#include "layer.hpp"

namespace pretext::nn {

/// y = main(x) + shortcut(x). Children are named "main" and "shortcut" unless they are `named`; a shortcut of `identity`
/// costs no copy and has no entry. An elementwise layer behind it whose gradient follows from its value (relu) runs in its
/// passes, and the sum is never written.
/// errors  pretext[shape.115] the two ways end in different shapes
/// source  He et al. 2016, arXiv:1512.03385
template <class Main, class Shortcut = identity>
struct residual {
  Main main{};
  Shortcut shortcut{};
  static constexpr const char* name = "residual";

  template <class Spec>
  static constexpr std::string_view child_name(std::string_view otherwise) {
    if constexpr (requires { Spec::child_name; })
      return Spec::child_name.view();
    else
      return otherwise;
  }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit(child_name<Main>("main"), self.main);
    visit(child_name<Shortcut>("shortcut"), self.shortcut);
  }

  template <class In>
  struct bound {
    using spec_type = residual;
    using input_shape = In;
    using main_type = bound_t<Main, In>;
    using shortcut_type = bound_t<Shortcut, In>;
    static constexpr bool plain = std::is_same_v<Shortcut, identity>;
    static_assert(std::is_same_v<output_t<main_type>, output_t<shortcut_type>> ||
                      std::is_same_v<output_t<main_type>, invalid_shape> || std::is_same_v<output_t<shortcut_type>, invalid_shape>,
                  "pretext[shape.115] residual: main and shortcut must end in the same shape; give the shortcut a conv2d or "
                  "linear that changes channels or stride");

    [[no_unique_address]] residual spec{};
    [[no_unique_address]] In input{};
    [[no_unique_address]] main_type main{};
    [[no_unique_address]] shortcut_type shortcut{};

    constexpr bound() = default;
    constexpr bound(const residual& s, const In& in) : spec(s), input(in), main(bind(s.main, in)), shortcut(bind(s.shortcut, in)) {}
    constexpr auto output() const { return main.output(); }

    template <class T>
    struct cache {
      typename main_type::template cache<T> main{};
      typename shortcut_type::template cache<T> shortcut{};
      activations<const T> output{};  // of the layer that was absorbed
    };
    static constexpr bool keeps_absorbed_output = true;
    template <class Next>
    static constexpr bool absorbs = requires { requires Next::functor::gradient_from_value; };

    template <class V>
    constexpr void parameters(V& v) const {
      v.child(child_name<Main>("main"), main);
      if constexpr (!plain) v.child(child_name<Shortcut>("shortcut"), shortcut);
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>& kept) const {
      forward_both(ctx, params, x, y, kept, [&](tensor_view<const T> side) { ctx(op::add, side, y); });
    }
    template <class Next, class Ctx, class T>
    constexpr void forward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                                cache<T>& kept) const {
      kept.output = activations<const T>(y);
      forward_both(ctx, params, x, y, kept, [&](tensor_view<const T> side) { ctx(op::add_map, typename Next::functor{}, side, y); });
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      parameter_reader own(params);
      gradient_reader gradients(d_params);
      const auto main_params = own.child(main);
      const auto main_gradients = gradients.child(main);
      main.backward(child_context(ctx, 0), main_params, x, kept.main, dy, dx, main_gradients);
      if constexpr (plain) {
        if constexpr (is_wanted<Dx>) ctx(op::add, dy, dx);
      } else {
        const Ctx side_ctx = child_context(ctx, 1);
        if constexpr (is_wanted<Dx>) {
          const activations<T> side(ctx.take(x.shape), x.structure);
          shortcut.backward(side_ctx, own.child(shortcut), x, kept.shortcut, dy, side, gradients.child(shortcut));
          ctx(op::add, as_const(tensor_view<T>(side)), dx);
        } else {
          shortcut.backward(side_ctx, own.child(shortcut), x, kept.shortcut, dy, no_gradient{}, gradients.child(shortcut));
        }
      }
    }
    template <class Next, class Ctx, class T, class Dx, class Dp>
    constexpr void backward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                 activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      backward(ctx, params, x, kept, detail::gradient_of_absorbed<Next>(ctx, kept.output, dy), dx, d_params);
    }

   private:
    /// y = main(x), then `join` takes in what came by the shortcut. A way that remembers its output gets memory for it.
    template <class Ctx, class T, class Join>
    constexpr void forward_both(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>& kept,
                                Join&& join) const {
      parameter_reader own(params);
      if constexpr (KeepsOutput<main_type>) {
        const activations<T> way(ctx.take(y.shape), y.structure);
        main.forward(child_context(ctx, 0), own.child(main), x, way, kept.main);
        ctx(op::copy, way, y);
      } else {
        main.forward(child_context(ctx, 0), own.child(main), x, y, kept.main);
      }
      if constexpr (plain) {
        join(x);
      } else {
        // What the shortcut keeps for backward outlives its output.
        const std::size_t mark = ctx.memory->far_used();
        const activations<T> side(KeepsOutput<shortcut_type> ? ctx.take(y.shape) : ctx.take_far(y.shape), x.structure);
        shortcut.forward(child_context(ctx, 1), own.child(shortcut), x, side, kept.shortcut);
        join(as_const(tensor_view<T>(side)));
        ctx.memory->release_far(mark);
      }
    }
  };
};

}  // namespace pretext::nn
