// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>

#include "../nn/identity.hpp"
#include "../nn/layer.hpp"
#include "player.hpp"

namespace pretext::train {

/// A stage that ran: what it read (of element type In), what it made and what its backward needs.
template <class Bound, class T, class In = T>
struct record {
  activations<const In> x;
  activations<T> y;
  typename Bound::template cache<T> cache{};
};

/// What a target made. There is no way back from it: a gradient into a target does not compile.
template <class T>
struct frozen {
  activations<const T> y;
};

/// Names player number I where a number has to be known to the compiler: `s.update(player_id<0>{})`.
template <int I>
struct player_id {};

namespace detail {
template <class Spec>
inline constexpr bool skips = false;
template <class In>
inline constexpr bool skips<nn::identity::bound<In>> = true;
}  // namespace detail

/// What the trainer hands a family for one step: the stages' memory, gradients, updates. The same code runs on a plan
/// (counting back end, null views) and on numbers.
template <class Ctx, class Specs>
struct step_scope {
  using context_type = Ctx;
  using value_type = typename Ctx::value_type;
  using T = value_type;
  using M = master_t<T>;

  Ctx ctx;
  const Specs* specs = nullptr;
  step_inputs* inputs = nullptr;
  std::array<player_views<M>, max_players> players{};
  std::array<target_views<M>, max_targets> targets{};
  std::array<tensor_view<M>, max_targets> states{};
  /// Where the step leaves what is reported: loss, embedding standard deviation.
  tensor_view<M> loss;
  tensor_view<M> embedding_std;
  index_t micro_batch = 0;

  template <class Part>
  constexpr parameter_view<T> parameters(const Part& p) const {
    const auto& v = players[static_cast<std::size_t>(p.player)];
    return {pretext::advance(v.parameters.data, p.offset.parameters), pretext::advance(v.buffers.data, p.offset.buffers)};
  }
  template <class Part>
  constexpr gradient_view<T> gradients(const Part& p) const {
    return {pretext::advance(players[static_cast<std::size_t>(p.player)].gradients.data, p.offset.parameters)};
  }

  /// Runs a part on x: (samples, ...) -> a record whose y lives until the enclosing scope ends. The elements of x need not
  /// be those of the computation: a layer may read bytes or the numbers of tokens.
  template <class Bound, class X>
  constexpr auto forward(const part<Bound>& p, const X& input) const {
    const activations<const typename X::value_type> x = input;
    record<Bound, T, typename X::value_type> r;
    r.x = x;
    if constexpr (detail::skips<Bound>) {
      r.y = activations<T>(tensor_view<T>{const_cast<T*>(x.data), x.shape}, x.structure);
    } else {
      r.y = activations<T>(ctx.take(nn::output_extents(p.layer, x.shape)), x.structure);
      p.layer.forward(part_context(p), parameters(p), x, r.y, r.cache);
    }
    return r;
  }
  /// The same with a target's weights; keeps nothing for a backward that cannot come.
  template <class Bound>
  constexpr frozen<T> forward(int target, const part<Bound>& p, const activations<const T>& x) const {
    if constexpr (detail::skips<Bound>) {
      return {x};
    } else {
      const activations<T> y(ctx.take(nn::output_extents(p.layer, x.shape)), x.structure);
      const auto& v = targets[static_cast<std::size_t>(target)];
      Ctx quiet = part_context(p);
      quiet.keep = false;
      const auto scope = quiet.scope();
      typename Bound::template cache<T> kept{};
      p.layer.forward(quiet, {pretext::advance(v.parameters.data, p.offset.parameters), pretext::advance(v.buffers.data, p.offset.buffers)},
                      x, y, kept);
      return {y};
    }
  }
  /// Parameter gradients accumulate; returns the gradient of the part's input.
  template <class Bound>
  constexpr activations<T> backward(const part<Bound>& p, const record<Bound, T>& r, const activations<T>& dy) const {
    if constexpr (detail::skips<Bound>) {
      return dy;
    } else {
      const activations<T> dx(ctx.take(r.x.shape), r.x.structure);
      p.layer.backward(part_context(p), parameters(p), r.x, r.cache, activations<const T>(dy), dx, gradients(p));
      return dx;
    }
  }
  /// The end of the road: parameter gradients only.
  template <class Bound, class In>
  constexpr void backward(const part<Bound>& p, const record<Bound, T, In>& r, const activations<T>& dy, no_gradient) const {
    if constexpr (!detail::skips<Bound>)
      p.layer.backward(part_context(p), parameters(p), r.x, r.cache, activations<const T>(dy), no_gradient{},
                       gradients(p));
  }
  /// Only the input gradient (a generator's way through its discriminator).
  template <class Bound>
  constexpr activations<T> backward_input(const part<Bound>& p, const record<Bound, T>& r, const activations<T>& dy) const {
    const activations<T> dx(ctx.take(r.x.shape), r.x.structure);
    p.layer.backward(part_context(p), parameters(p), r.x, r.cache, activations<const T>(dy), dx, no_gradient{});
    return dx;
  }
  template <class Bound>
  constexpr void backward(const part<Bound>&, const frozen<T>&, activations<T>, auto...) const {
    static_assert(nn::detail::dependent_false<Bound>,
                  "pretext[target.101] a gradient cannot reach a target; use the online network's record");
  }

  constexpr activations<T> zeros_like(const tensor_view<T>& v) const {
    const activations<T> z(ctx.take(v.shape));
    ctx(op::fill, M(0), z);
    return z;
  }

  /// One update of a player from its accumulated gradients, which are summed over ranks and then zeroed. A step may hold
  /// any number of them.
  template <int Player>
  constexpr void update(player_id<Player>) const {
    const auto& spec = std::get<Player>(*specs);
    using spec_type = std::remove_cvref_t<decltype(spec)>;
    constexpr std::size_t index = Player;
    const auto scope = ctx.scope();
    const player_views<M>& v = players[index];
    ctx.comm->all_reduce_sum(v.gradients);
    const tensor_view<double> squares = ctx.template take_of<double>({1});
    ctx(op::sum_squares, as_const(v.gradients), squares);
    ctx(op::clip_scale, as_const(squares), spec.clip_norm, v.inputs, inputs == nullptr ? nullptr : &inputs->non_finite);
    ctx(op::begin_update, spec.optimizer, v.inputs);
    tensor_view<double> norms;
    if constexpr (spec_type::optimizer_type::needs_norms) {
      norms = ctx.template take_of<double>({v.ranges.size(), 2});
      ctx(op::range_norms, as_const(v.parameters), as_const(v.gradients), v.ranges, norms);
    }
    ctx(op::update, spec.optimizer, v.ranges, as_const(norms), v.inputs, v.gradients, v.parameters, v.state0, v.state1);
  }
  /// Moves a target towards its player; after a bad gradient it stays where it is, as the player does.
  constexpr void follow(int target, const target_spec& spec) const {
    const target_views<M>& t = targets[static_cast<std::size_t>(target)];
    ctx(op::hold_momentum, static_cast<const double*>(&inputs->non_finite), t.momentum);
    const double* const momentum = t.momentum;
    const player_views<M>& p = players[static_cast<std::size_t>(spec.player)];
    if (spec.extent.parameters > 0) ctx(op::lerp, momentum, as_const(p.parameters.slice(0, spec.extent.parameters)), t.parameters);
    if (spec.extent.buffers > 0) {
      const auto source = as_const(p.buffers.slice(0, spec.extent.buffers));
      if (spec.average_buffers)
        ctx(op::lerp, momentum, source, t.buffers);
      else
        ctx(op::copy, source, t.buffers);
    }
  }

  /// What a forward pass changes (statistics, queues), copied before it, so that a step that fails can leave no trace.
  /// Weights need no copy: a bad gradient never reaches them.
  struct copies {
    std::array<tensor_view<M>, max_players + 2 * max_targets> of{};
  };
  constexpr copies keep() const {
    copies c;
    each_kept([&](std::size_t i, tensor_view<M> v) {
      c.of[i] = ctx.take_master(v.shape);
      ctx(op::copy, as_const(v), c.of[i]);
    });
    return c;
  }
  constexpr void put_back(const copies& c) const {
    each_kept([&](std::size_t i, tensor_view<M> v) { ctx(op::copy, as_const(c.of[i]), v); });
  }
  /// The same where only the back end sees whether the step was bad.
  constexpr void put_back_after_bad(const copies& c) const {
    each_kept([&](std::size_t i, tensor_view<M> v) {
      ctx(op::put_back, static_cast<const double*>(&inputs->non_finite), as_const(c.of[i]), v);
    });
  }

 private:
  template <class F>
  constexpr void each_kept(F&& f) const {
    constexpr std::size_t P = max_players, N = max_targets;
    for (std::size_t i = 0; i < P + 2 * N; ++i) {
      const tensor_view<M>& v = i < P ? players[i].buffers : i < P + N ? targets[i - P].buffers : states[i - P - N];
      if (v.rank() > 0 && v.size() > 0) f(i, v);
    }
  }
  template <class Part>
  constexpr Ctx part_context(const Part& p) const {
    return nn::child_context(ctx, static_cast<std::size_t>(p.player * 1024 + p.offset.parameters));
  }
};

}  // namespace pretext::train
