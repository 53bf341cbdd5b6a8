// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "activation.hpp"
#include "attention.hpp"
#include "layer_norm.hpp"

namespace pretext::nn {

namespace detail {
template <class... Options>
struct activation_of {
  using type = functor::gelu;
};
template <class First, class... Rest>
struct activation_of<First, Rest...> : activation_of<Rest...> {};
template <class F, class... Rest>
struct activation_of<elementwise<F>, Rest...> {
  using type = F;
};
}  // namespace detail

/// Attention and two products over each position, both beside a way that skips them:
///   pre_norm (the default)   a = x + f(norm1(x)),   y = a + g(norm2(a))        GPT-2, ViT
///   post_norm                a = norm1(x + f(x)),   y = norm2(a + g(a))        BERT, PyTorch's default
/// with f the attention and g(a) = act(a W1^T + b1) W2^T + b2, both behind a dropout of their own. `Inner` numbers between the two
/// products, 0 for four times the width.
/// Options: pre_norm, post_norm, an activation (`gelu`, the default, `gelu_tanh`, `relu`, ...), and those of nn::attention.
///   nn::repeat<4, nn::transformer_block<4, 0, nn::causal, nn::gelu_tanh, nn::names::gpt2>>
/// shapes  x, y (B, T, D)
/// source  Vaswani et al. 2017, arXiv:1706.03762; Radford et al. 2019; Devlin et al. 2018, arXiv:1810.04805
template <index_t Heads, index_t Inner = 0, class... Options>
struct transformer_block {
  using names_type = typename detail::names_of<Options...>::type;
  using functor = typename detail::activation_of<Options...>::type;
  using attention_type = nn::attention<Heads, Options...>;
  static constexpr bool is_post_norm = detail::has_option<post_norm, Options...>;
  static_assert(!(is_post_norm && detail::has_option<pre_norm, Options...>), "pretext[shape.127] a block is either pre_norm or post_norm");

  setting<double> dropout = default_value(0.0);            // of what the attention and the products add
  setting<double> attention_dropout = default_value(0.0);  // of the attention's weights
  setting<double> eps = default_value(names_type::eps);    // of both norms
  /// Standard deviation at the start of the two products that add to the way beside; GPT-2: 0.02 / sqrt(2 blocks).
  setting<double> output_deviation = default_value(0.02);

  static std::string label() {
    std::string what = "transformer_block ";
    what += is_post_norm ? "post_norm " : "pre_norm ";
    what += functor::name;
    append(what, {" inner ", Inner});
    return what;
  }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("dropout", self.dropout);
    visit("attention_dropout", self.attention_dropout);
    visit("eps", self.eps);
    visit("output_deviation", self.output_deviation);
  }

  template <class In>
  struct bound : bound_base<transformer_block, In> {
    using base = bound_base<transformer_block, In>;
    using attention_bound = bound_t<attention_type, In>;
    using norm_bound = bound_t<layer_norm, In>;
    attention_bound attend{};
    norm_bound norm1{}, norm2{};

    constexpr bound() = default;
    constexpr bound(const transformer_block& s, const In& in)
        : base(s, in), attend(attention_type{s.attention_dropout, s.output_deviation}, in), norm1(layer_norm{s.eps}, in), norm2(layer_norm{s.eps}, in) {}

    template <class T>
    struct cache {
      typename attention_bound::template cache<T> attend{};
      typename norm_bound::template cache<T> norm1{}, norm2{};
      activations<T> before1{}, after1{};  // what norm1 is given where that is not x, and what it makes where that is not read from a
      activations<T> a{};
      activations<T> after2{}, inner{}, active{};
      activations<T> before2{};
    };

    constexpr index_t width() const { return this->input[In::rank - 1]; }
    constexpr index_t inner() const { return Inner > 0 ? Inner : 4 * width(); }
    constexpr auto output() const { return attend.output(); }
    template <class V>
    constexpr void parameters(V& v) const {
      v.child(names_type::attention, attend);
      v.child(names_type::norm1, norm1);
      v.child(names_type::norm2, norm2);
      const index_t d = width(), n = inner();
      constexpr bool small = names_type::small_start;
      detail::declare_weight<names_type>(v, names_type::up.weight, d, n, small ? initialiser::normal(0.02) : initialiser::uniform(d));
      detail::declare_bias(v, names_type::up.bias, n, small ? initialiser{} : initialiser::uniform(d));
      detail::declare_weight<names_type>(v, names_type::down.weight, n, d,
                                         small ? initialiser::normal(this->spec.output_deviation) : initialiser::uniform(n));
      detail::declare_bias(v, names_type::down.bias, d, small ? initialiser{} : initialiser::uniform(n));
    }

    template <class Ctx, class T>
    PRETEXT_APART constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>& kept) const {
      parameter_reader own(params);
      const auto of_attention = own.child(attend), of_norm1 = own.child(norm1), of_norm2 = own.child(norm2);
      const std::size_t mark = ctx.memory->used();
      const auto take = [&](const extents& e) { return activations<T>(ctx.take(e), x.structure); };
      kept.a = take(x.shape);
      if constexpr (is_post_norm) {
        kept.before1 = take(x.shape);
        attend.forward(child_context(ctx, 0), of_attention, x, kept.before1, kept.attend);
        join(ctx, 1, x, kept.before1);
        norm1.forward(ctx, of_norm1, read(kept.before1), kept.a, kept.norm1);
        kept.before2 = take(x.shape);
        products(ctx, own, kept.a, kept.before2, kept);
        join(ctx, 2, read(kept.a), kept.before2);
        norm2.forward(ctx, of_norm2, read(kept.before2), y, kept.norm2);
      } else {
        kept.after1 = take(x.shape);
        norm1.forward(ctx, of_norm1, x, kept.after1, kept.norm1);
        attend.forward(child_context(ctx, 0), of_attention, read(kept.after1), kept.a, kept.attend);
        join(ctx, 1, x, kept.a);
        kept.after2 = take(x.shape);
        norm2.forward(ctx, of_norm2, read(kept.a), kept.after2, kept.norm2);
        products(ctx, own, kept.after2, y, kept);
        join(ctx, 2, read(kept.a), y);
      }
      if (!ctx.keep) ctx.memory->release(mark);
    }

    template <class Ctx, class T, class Dx, class Dp>
    PRETEXT_APART constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                          activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      parameter_reader own(params);
      gradient_reader gradients(d_params);
      const auto of_attention = own.child(attend), of_norm1 = own.child(norm1), of_norm2 = own.child(norm2);
      const auto d_attention = gradients.child(attend), d_norm1 = gradients.child(norm1), d_norm2 = gradients.child(norm2);
      const auto take = [&] { return activations<T>(ctx.take(x.shape), x.structure); };
      if constexpr (is_post_norm) {
        const activations<T> d_sum = take();  // of norm2's input: both of a and of what the products add to it
        norm2.backward(ctx, of_norm2, read(kept.before2), kept.norm2, dy, d_sum, d_norm2);
        const activations<T> d_first = take();
        products_backward(ctx, own, gradients, read(kept.a), kept, read(d_sum), d_first);
        ctx(op::add, read(d_sum), d_first);
        norm1.backward(ctx, of_norm1, read(kept.before1), kept.norm1, read(d_first), d_sum, d_norm1);
        const activations<const T> d_added = dropped(ctx, 1, read(d_sum));
        attend.backward(child_context(ctx, 0), of_attention, x, kept.attend, d_added, dx, d_attention);
        if constexpr (is_wanted<Dx>) ctx(op::add, read(d_sum), dx);
      } else {
        const activations<T> d_after = take(), d_a = take();
        products_backward(ctx, own, gradients, read(kept.after2), kept, dy, d_after);
        norm2.backward(ctx, of_norm2, read(kept.a), kept.norm2, read(d_after), d_a, d_norm2);
        ctx(op::add, dy, d_a);
        const activations<const T> d_added = dropped(ctx, 1, read(d_a));
        attend.backward(child_context(ctx, 0), of_attention, read(kept.after1), kept.attend, d_added, d_after, d_attention);
        norm1.backward(ctx, of_norm1, x, kept.norm1, read(d_after), dx, d_norm1);
        if constexpr (is_wanted<Dx>) ctx(op::add, read(d_a), dx);
      }
    }

   private:
    template <class T>
    static constexpr activations<const T> read(const activations<T>& v) {
      return v;
    }
    template <class Ctx>
    constexpr bool drops(const Ctx& ctx) const {
      return ctx.training() && this->spec.dropout.value() > 0;
    }
    template <class Ctx, class T>
    constexpr void drop(const Ctx& ctx, std::size_t which, const activations<const T>& x, const activations<T>& y) const {
      const index_t first = x.extent(0) == 0 ? 0 : ctx.first_row * (x.size() / x.extent(0));
      ctx(op::dropout, child_key(ctx.key, which), this->spec.dropout.value(), first, x, y);
    }
    /// y = x + dropout(y)
    template <class Ctx, class T>
    constexpr void join(const Ctx& ctx, std::size_t which, const activations<const T>& x, const activations<T>& y) const {
      if (drops(ctx)) drop(ctx, which, read(y), y);
      ctx(op::add, x, y);
    }
    /// The gradient behind such a dropout.
    template <class Ctx, class T>
    constexpr activations<const T> dropped(const Ctx& ctx, std::size_t which, const activations<const T>& dy) const {
      if (!drops(ctx)) return dy;
      const activations<T> d(ctx.take(dy.shape), dy.structure);
      drop(ctx, which, dy, d);
      return read(d);
    }
    template <class Reader>
    struct weights {
      using view = decltype(std::declval<Reader&>().parameter(extents{}));
      view up, up_bias, down, down_bias;
      constexpr weights(Reader& own, index_t d, index_t n)
          : up(own.parameter({n, d})), up_bias(own.parameter({n})), down(own.parameter({d, n})), down_bias(own.parameter({d})) {}
    };
    constexpr extents inner_shape(extents e) const {
      e[e.rank - 1] = inner();
      return e;
    }
    template <class Ctx, class T>
    constexpr void products(const Ctx& ctx, parameter_reader<T>& own, const activations<T>& x, const activations<T>& y, cache<T>& kept) const {
      const weights<parameter_reader<T>> w(own, width(), inner());
      kept.inner = activations<T>(ctx.take(inner_shape(x.shape)));
      kept.active = activations<T>(ctx.take(inner_shape(x.shape)));
      ctx(op::linear, read(x), w.up, w.up_bias, kept.inner);
      ctx(op::map, functor{}, read(kept.inner), kept.active);
      ctx(op::linear, read(kept.active), w.down, w.down_bias, y);
    }
    template <class Ctx, class T, class Gradients>
    constexpr void products_backward(const Ctx& ctx, parameter_reader<T>& own, Gradients& gradients, const activations<const T>& x,
                                     const cache<T>& kept, const activations<const T>& d_sum, const activations<T>& dx) const {
      const auto scope = ctx.scope();
      const weights<parameter_reader<T>> w(own, width(), inner());
      const activations<const T> dy = dropped(ctx, 2, d_sum);
      const activations<T> d(ctx.take(inner_shape(x.shape)));
      ctx(op::matmul, dy, w.down, d, op::matmul_options{});
      ctx(op::map_backward, functor{}, read(kept.inner), read(d), d);
      if constexpr (requires { gradients.parameter(extents{}); }) {
        const weights<Gradients> g(gradients, width(), inner());
        detail::product_gradient(ctx, read(kept.active), dy, g.down, g.down_bias);
        detail::product_gradient(ctx, x, read(d), g.up, g.up_bias);
      }
      ctx(op::matmul, read(d), w.up, dx, op::matmul_options{});
    }
  };
};

}  // namespace pretext::nn
