// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "child_list.hpp"
#include "layer.hpp"

namespace pretext::nn {

/// Gives a child of a combinator a name of its own in the table, where its position would be used.
/// `named<"", L>` puts the child's parameters at the parent's level.
template <name Name, class Layer>
struct named : Layer {
  static constexpr auto child_name = Name;
};

namespace detail {
template <class Spec, std::size_t I>
struct child_name_of {
  static constexpr std::array<char, 3> digits{static_cast<char>(I < 10 ? '0' + I : '0' + I / 10),
                                              static_cast<char>('0' + I % 10), '\0'};
  static constexpr std::string_view value{digits.data(), I < 10 ? 1u : 2u};
};
template <class Spec, std::size_t I>
  requires requires { Spec::child_name; }
struct child_name_of<Spec, I> {
  static constexpr auto held = Spec::child_name;
  static constexpr std::string_view value = held.view();
};

/// The types of the bound children of a chain: each is bound to the output of the one before.
template <class In, class... Specs>
struct chain_types;
template <class In>
struct chain_types<In> {
  template <class... Done>
  using append = child_list<Done...>;
  using output = In;
};
template <class In, class First, class... Rest>
struct chain_types<In, First, Rest...> {
  using bound = bound_t<First, In>;
  using rest = chain_types<output_t<bound>, Rest...>;
  template <class... Done>
  using append = typename rest::template append<Done..., bound>;
  using output = typename rest::output;
};

/// What a tap shows has to be there.
template <class B>
concept Tapped = requires { B::spec_type::tap_name; };
/// Which layers of a chain run inside the one before, which then runs for both.
template <class First, class Second>
concept Absorbs = requires { requires First::template absorbs<Second>; } && !Tapped<First> && !Tapped<Second>;
/// Layers whose output can be had again from their input and cache by `again`, for less than memory costs.
template <class B>
concept ComputedAgain = requires { requires B::computed_again; } && !Tapped<B>;
/// Layers whose backward reads its input before it writes the input's gradient, which may be the same memory, and whose cache
/// holds no view of the input.
template <class B>
concept ReadsInputFirst = requires { requires B::reads_input_first; };
/// Layers that can take the moments of their output while they make it, and those that want them of their input.
template <class B>
concept GivesMoments = requires { requires B::gives_moments; };
template <class B>
concept TakesMoments = requires { requires B::takes_moments; };
template <class Children>
struct fusion;
template <class... B>
struct fusion<child_list<B...>> {
  static constexpr std::size_t count = sizeof...(B);
  template <std::size_t I>
  using layer = child_type<child_list<B...>, I>;
  static constexpr std::array<bool, count> absorbed = [] {
    std::array<bool, count> into{};
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((into[I + 1] = !into[I] && Absorbs<layer<I>, layer<I + 1>>), ...);
    }(std::make_index_sequence<count - 1>{});
    return into;
  }();
  /// First layer of the run that ends with layer I.
  template <std::size_t I>
  static constexpr std::size_t start = absorbed[I] ? I - 1 : I;
  /// Whether the output of the run that ends with layer I can be forgotten. Its own input is kept: a layer that is computed
  /// again does not count among those that read their input first.
  template <std::size_t I>
  static constexpr bool again = [] {
    if constexpr (I + 1 < count)
      return !absorbed[I + 1] && ComputedAgain<layer<start<I>>> && ReadsInputFirst<layer<I + 1>>;
    else
      return false;
  }();
  /// Whether layer I hands the moments of its output to the one after it.
  template <std::size_t I>
  static constexpr bool moments_of = [] {
    if constexpr (I + 1 < count)
      return !absorbed[I] && !absorbed[I + 1] && GivesMoments<layer<I>> && TakesMoments<layer<I + 1>>;
    else
      return false;
  }();
  struct plan {
    std::array<std::size_t, count> turn{};  // which of two buffers; layers that run together share one
    std::size_t runs = 1;                   // of one layer or two
  };
  static constexpr plan value = [] {
    plan p{};
    for (std::size_t i = 1; i < count; ++i) {
      p.turn[i] = absorbed[i] ? p.turn[i - 1] : 1 - p.turn[i - 1];
      p.runs += absorbed[i] ? 0 : 1;
    }
    return p;
  }();
};
/// Outputs of fewer bytes are kept even where they could be computed again: they come from the caches, and time is worth more.
inline constexpr index_t least_forgotten = index_t{8} << 20;
}  // namespace detail

/// Layers one after another; children are named by position, as PyTorch's Sequential.
/// shapes  each layer is bound to the output of the one before; a mistake is one sentence from the layer it is in
/// cost    keeps every intermediate result for backward; without backward two buffers serve all. A layer that `absorbs` the
///         one after it (batch_norm a functor, residual a relu) runs for both, and nothing is kept between them. What
///         batch_norm hands a conv2d or linear is computed again in backward where it has 8 MiB or more
template <class... Layers>
struct sequential {
  detail::child_list<Layers...> layers{};  // layer I is child<I>(layers)

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (visit(detail::child_name_of<Layers, I>::value, detail::child<I>(self.layers)), ...);
    }(std::index_sequence_for<Layers...>{});
  }

  template <class In>
  struct bound {
    static_assert(sizeof...(Layers) > 0, "pretext[shape.104] sequential needs at least one layer");
    using types = detail::chain_types<In, Layers...>;
    using children_type = typename types::template append<>;
    using spec_type = sequential;
    using input_shape = In;
    static constexpr std::size_t count = sizeof...(Layers);
    using indices = std::make_index_sequence<count>;
    using fusion = detail::fusion<children_type>;
    static constexpr auto fused = fusion::value;
    static constexpr bool keeps_output = [] {
      if constexpr (fusion::absorbed[count - 1])
        return requires { requires fusion::template layer<count - 2>::keeps_absorbed_output; };
      else
        return KeepsOutput<typename fusion::template layer<count - 1>>;
    }();

    [[no_unique_address]] sequential spec{};
    [[no_unique_address]] In input{};
    children_type children{};

    constexpr bound() = default;
    constexpr bound(const sequential& s, const In& in) : spec(s), input(in) {
      [&]<std::size_t... I>(std::index_sequence<I...>) { (bind_child<I>(), ...); }(indices{});
    }
    constexpr auto output() const { return detail::child<count - 1>(children).output(); }

    template <class T>
    struct cache {
      template <class>
      struct list_of;
      template <class... B>
      struct list_of<detail::child_list<B...>> {
        using type = detail::child_list<typename B::template cache<T>...>;
      };
      typename list_of<children_type>::type children{};
      std::array<activations<T>, count> outputs{};
    };

    template <class V>
    constexpr void parameters(V& v) const {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (v.child(detail::child_name_of<Layers, I>::value, detail::child<I>(children)), ...);
      }(indices{});
    }
    /// Apart: training and evaluation both call it.
    template <class Ctx, class T>
    PRETEXT_APART constexpr void forward(const Ctx& ctx, parameter_view<T> params, const activations<const T>& x, const activations<T>& y,
                           cache<T>& kept) const {
      parameter_reader own(params);
      const std::size_t mark = ctx.memory->used(), far_mark = ctx.memory->far_used();
      std::array<tensor_view<T>, 2> turn{};
      if (!ctx.keep && fused.runs > 1) {
        const index_t widest = widest_output(x.shape);
        turn[0] = ctx.take({widest});
        if constexpr (fused.runs > 2) turn[1] = ctx.take({widest});
      }
      activations<const T> in = x;
      tensor_view<master_t<T>> moments;  // of `in`, where the layer that made it took them
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        (forward_child<I>(ctx, own, in, y, turn[fused.turn[I]], far_mark, kept, moments), ...);
      }(indices{});
      if (!ctx.keep) ctx.memory->release(mark);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, const activations<const T>& x, const cache<T>& kept,
                            const activations<const T>& dy, const Dx& dx, Dp d_params) const {
      const auto scope = ctx.scope();
      parameter_reader<T> own(params);
      gradient_reader gradients(d_params);
      // Gradients take turns between two buffers; dx, which is written last, is one of them where it is large enough.
      std::array<index_t, 2> widest{};
      for (std::size_t i = 1; i < count; ++i)
        if (!fusion::absorbed[i]) widest[fused.turn[i]] = std::max(widest[fused.turn[i]], kept.outputs[i - 1].size());
      std::array<tensor_view<T>, 2> turn{};
      if constexpr (fused.runs > 1) turn[1] = ctx.take({widest[1]});
      if constexpr (fused.runs > 2) {
        bool own_memory = true;
        if constexpr (is_wanted<Dx>) {
          own_memory = dx.size() < widest[0];
          if (!own_memory) turn[0] = tensor_view<T>(dx);
        }
        if (own_memory) turn[0] = ctx.take({widest[0]});
      }
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        const std::array<parameter_view<T>, count> p{own.child(detail::child<I>(children))...};
        const std::array<Dp, count> d{gradients.child(detail::child<I>(children))...};
        activations<const T> down = dy;
        (backward_child<count - 1 - I>(ctx, p, x, kept, down, turn[fused.turn[count - 1 - I]], dx, d[count - 1 - I]), ...);
      }(indices{});
    }

   private:
    template <std::size_t I>
    static constexpr bool absorbs_next = [] {
      if constexpr (I + 1 < count) return fusion::absorbed[I + 1];
      else return false;
    }();
    template <std::size_t I>
    constexpr void bind_child() {
      if constexpr (I == 0)
        detail::child<0>(children) = bind(detail::child<0>(spec.layers), input);
      else
        detail::child<I>(children) = bind(detail::child<I>(spec.layers), detail::child<I - 1>(children).output());
    }
    /// Elements of the largest output but the last.
    constexpr index_t widest_output(extents e) const {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        if constexpr ((HasFixedOutput<detail::child_type<children_type, I>> && ...)) {
          constexpr index_t widest = std::max({I + 1 < count ? output_t<detail::child_type<children_type, I>>{}.size() : 0 ...});
          return e[0] * widest;
        } else {
          index_t widest = 0;
          ((e = output_extents(detail::child<I>(children), e), widest = I + 1 < count ? std::max(widest, e.size()) : widest), ...);
          return widest;
        }
      }(indices{});
    }
    /// With and without backward are one function: every layer's forward is compiled into it once.
    template <std::size_t I, class Ctx, class T>
    constexpr void forward_child(const Ctx& ctx, parameter_reader<T>& own, activations<const T>& in, const activations<T>& y,
                                 tensor_view<T> turn, std::size_t far_mark, cache<T>& kept, tensor_view<master_t<T>>& moments) const {
      if constexpr (!fusion::absorbed[I]) {
        constexpr std::size_t last = absorbs_next<I> ? I + 1 : I;
        const auto& layer = detail::child<I>(children);
        const std::size_t mark = ctx.memory->used();
        activations<T> out = y;
        bool forgotten = false;
        if constexpr (last + 1 < count) {
          extents shape = output_extents(layer, in.shape);
          if constexpr (absorbs_next<I>) shape = output_extents(detail::child<last>(children), shape);
          forgotten = ctx.keep && is_forgotten<last, T>(shape);
          out = activations<T>(!ctx.keep ? tensor_view<T>{turn.data, shape} : forgotten ? ctx.take_far(shape) : ctx.take(shape),
                               in.structure);
        }
        if (ctx.keep) kept.outputs[last] = forgotten ? activations<T>(tensor_view<T>{nullptr, out.shape}, out.structure) : out;
        const parameter_view<T> params = own.child(layer);
        constexpr bool takes = [] {
          if constexpr (I > 0) return fusion::template moments_of<I - 1>;
          else return false;
        }();
        const auto run = [&](const auto&... more) {
          if constexpr (absorbs_next<I>) {
            own.child(detail::child<last>(children));
            layer.forward_with(detail::child<last>(children), child_context(ctx, I), params, in, out, detail::child<I>(kept.children), more...);
          } else {
            layer.forward(child_context(ctx, I), params, in, out, detail::child<I>(kept.children), more...);
          }
        };
        if constexpr (fusion::template moments_of<I>) {
          // Kept as long as the statistics; without backward nothing outlives its layer, and batch_norm looks for itself.
          moments = {};
          if (ctx.training() && ctx.keep) {
            moments = ctx.take_master({2, out.columns()});
            layer.forward_with_moments(child_context(ctx, I), params, in, out, detail::child<I>(kept.children), moments);
          } else {
            run();
          }
        } else if constexpr (takes) {
          run(moments);
        } else {
          run();
        }
        if (!ctx.keep) ctx.memory->release(mark);
        if (!forgotten) ctx.memory->release_far(far_mark);
        in = out;
      }
    }
    template <std::size_t Last, class T>
    static constexpr bool is_forgotten(const extents& shape) {
      if constexpr (fusion::template again<Last>)
        return shape.size() >= detail::least_forgotten / static_cast<index_t>(sizeof(T));
      else
        return false;
    }
    template <std::size_t I, class Ctx, class T, class Dx, class Dp>
    constexpr void backward_child(const Ctx& ctx, const std::array<parameter_view<T>, count>& p, const activations<const T>& x,
                                  const cache<T>& kept, activations<const T>& down, tensor_view<T> turn, const Dx& dx, Dp d) const {
      if constexpr (fusion::absorbed[I]) {
        return;  // with the layer before
      } else if constexpr (I == 0) {
        run_backward<I>(ctx, p[I], x, kept, down, dx, d);
      } else {
        activations<const T> in(kept.outputs[I - 1]);
        const activations<T> up(tensor_view<T>{turn.data, in.shape}, in.structure);
        if constexpr (fusion::template again<I - 1>) {
          if (is_forgotten<I - 1, T>(in.shape)) {
            compute_again<I - 1>(ctx, p, x, kept, up);
            in = up;
          }
        }
        run_backward<I>(ctx, p[I], in, kept, down, up, d);
        down = up;
      }
    }
    /// The output of the run that ends with layer Last.
    template <std::size_t Last, class Ctx, class T>
    constexpr void compute_again(const Ctx& ctx, const std::array<parameter_view<T>, count>& p, const activations<const T>& x,
                                 const cache<T>& kept, const activations<T>& y) const {
      constexpr std::size_t first = fusion::template start<Last>;
      const auto& layer = detail::child<first>(children);
      const auto& own = detail::child<first>(kept.children);
      activations<const T> in = x;
      if constexpr (first > 0) in = activations<const T>(kept.outputs[first - 1]);
      if constexpr (first < Last) layer.again_with(detail::child<Last>(children), ctx, p[first], in, own, y);
      else layer.again(ctx, p[first], in, own, y);
    }
    template <std::size_t I, class Ctx, class T, class Dx, class Dp>
    constexpr void run_backward(const Ctx& ctx, parameter_view<T> p, const activations<const T>& in, const cache<T>& kept,
                                const activations<const T>& down, const Dx& up, Dp d) const {
      const auto& layer = detail::child<I>(children);
      const auto& own = detail::child<I>(kept.children);
      if constexpr (absorbs_next<I>)
        layer.backward_with(detail::child<I + 1>(children), child_context(ctx, I), p, in, own, down, up, d);
      else
        layer.backward(child_context(ctx, I), p, in, own, down, up, d);
    }
  };
};

}  // namespace pretext::nn
