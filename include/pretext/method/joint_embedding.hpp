// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <string>
#include <tuple>

#include "../core/text.hpp"
#include "../objective/rows.hpp"
#include "../target/target.hpp"
#include "../train/player.hpp"
#include "../train/trainer.hpp"
#include "image_stage.hpp"
#include "requirements.hpp"

namespace pretext::method {

/// Views of one sample are embedded and compared: SimCLR, BYOL, MoCo, SimSiam, VICReg are recipes of this family.
///   views -> encoder -> head -> predictor -> objective, against the other rows, or a target's rows, or a queue
/// A recipe names: input, encoder, head, predictor, views, objective, target, negatives, optimizer, schedule.
/// All views of a batch go through the network in one pass, so batch statistics are those of all of them.
template <class R>
class joint_embedding : public image_stage<joint_embedding<R>> {
  static_assert(explain_joint_embedding<R>());

 public:
  using input_shape = typename R::input;
  using encoder_type = nn::bound_t<typename R::encoder, input_shape>;
  using head_type = nn::bound_t<typename R::head, nn::output_t<encoder_type>>;
  using predictor_type = nn::bound_t<typename R::predictor, nn::output_t<head_type>>;
  using views_type = augment::as_views<typename R::views>;
  using objective_type = typename R::objective;
  using target_type = typename R::target;
  using negatives_type = typename R::negatives;
  using batch_type = image_list;
  static constexpr const char* name = "joint_embedding";
  static constexpr index_t view_count = views_type::view_count;

  /// What a user may set by name; unset numbers are the recipe's, then the policies' own.
  struct settings {
    typename R::encoder encoder{};
    typename R::head head{};
    typename R::predictor predictor{};
    views_type views{};
    objective_type objective{};
    target_type target{};
    negatives_type negatives{};
    typename R::optimizer optimizer{};
    typename R::schedule schedule{};
    setting<index_t> batch_size = default_value(256);   // samples, not views
    setting<std::uint64_t> epochs = default_value(10);
    setting<index_t> micro_batch = default_value(0);    // rows embedded at once; 0: the whole batch
    setting<bool> allow_inexact = default_value(false); // micro-batches in spite of batch statistics
    setting<double> clip_norm = default_value(0.0);     // 0: no clipping
    setting<std::uint64_t> seed = default_value(0);
    setting<int> threads = default_value(0);            // 0: as many as there are cores
    setting<index_t> input_height = default_value(0);   // of the encoder's input, where its type says dynamic
    setting<index_t> input_width = default_value(0);
    setting<index_t> input_channels = default_value(0);
    setting<index_t> source_height = default_value(0);  // largest source image; 0: the encoder's input
    setting<index_t> source_width = default_value(0);

    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("encoder", self.encoder);
      visit("head", self.head);
      visit("predictor", self.predictor);
      visit("views", self.views);
      visit("objective", self.objective);
      visit("target", self.target);
      visit("negatives", self.negatives);
      visit("optimizer", self.optimizer);
      visit("schedule", self.schedule);
      visit("batch_size", self.batch_size);
      visit("epochs", self.epochs);
      visit("micro_batch", self.micro_batch);
      visit("allow_inexact", self.allow_inexact);
      visit("clip_norm", self.clip_norm);
      visit("seed", self.seed);
      visit("threads", self.threads);
      image_stage<joint_embedding>::size_fields(self, visit);
    }
  };

  PRETEXT_COLD constexpr explicit joint_embedding(const settings& s)
      : settings_(s),
        encoder_("encoder", nn::bind(s.encoder, input_of(s))),
        head_("head", nn::bind(s.head, encoder_.layer.output())),
        predictor_("predictor", nn::bind(s.predictor, head_.layer.output())),
        objective_("objective", {s.objective, width()}) {
    expects(s.micro_batch == 0 || s.allow_inexact || !nn::uses_batch_statistics(encoder_.layer, head_.layer, predictor_.layer),
            "value.303",
            "micro_batch would change the statistics of batch_norm; use layer_norm, or set allow_inexact to accept it");
  }

  constexpr auto players() {
    return std::make_tuple(train::player("online", settings_.optimizer, settings_.schedule, settings_.clip_norm.value(),
                                         encoder_, head_, predictor_, objective_));
  }
  constexpr auto targets() const {
    if constexpr (target_type::mirrors)
      return std::array{train::mirror("target", head_, settings_.target.momentum.value(), settings_.target.last_momentum.value())};
    else
      return std::array<train::target_spec, 0>{};
  }
  constexpr auto states() const {
    if constexpr (negatives_type::keeps_rows)
      return std::array{train::state_spec{"queue", {settings_.negatives.size.value(), width()}, initialiser::normal(1.0)}};
    else
      return std::array<train::state_spec, 0>{};
  }
  /// The policies that leave no parameters behind, for the structure a checkpoint is held to.
  static std::string policies() {
    return joined({"objective ", objective_type::name, " target ", target_type::name, " negatives ", negatives_type::name, " schedule ",
        R::schedule::name});
  }
  static constexpr index_t batch_size_of(const batch_type& in) { return in.size; }
  template <class Batch>
  static batch_type batch_of(const Batch& b) {
    return {b.images.data(), b.ids.data(), b.size()};
  }
  static constexpr batch_type plan_batch(index_t size) { return {nullptr, nullptr, size}; }
  batch_type placed(const batch_type& in, train::batch_placer& place) const { return this->placed_images(in, place); }

  /// Reads like the method: views, online, target, objective, the same road back, update, follow.
  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    using T = typename S::value_type;
    const auto x = this->write_views(s, in);
    const index_t rows = x.extent(0), part = s.micro_batch > 0 && s.micro_batch < rows ? s.micro_batch : rows;
    typename objective_type::template cache<master_t<T>> kept{};
    if (part == rows) {
      const auto online = embed(s, x);
      const auto d = compare(s, online.p.y, target_rows(s, x, online.z.y), kept);
      descend(s, online, d);
    } else {  // exact: all rows without cache, the loss once over all, then every part again with its cache
      const activations<T> p(s.ctx.take(nn::output_extents(predictor_.layer, extents(rows, width()))));
      const activations<T> z(s.ctx.take({rows, width()}));
      for_each_part(s, x, part, [&](S& inner, const auto& xs, index_t begin, index_t end) {
        inner.ctx.keep = false;
        const auto online = embed(inner, xs);
        inner.ctx(op::copy, online.p.y, p.slice(begin, end));
        inner.ctx(op::copy, online.z.y, z.slice(begin, end));
      });
      const auto d = compare(s, p, target_rows(s, x, z), kept);
      for_each_part(s, x, part, [&](S& inner, const auto& xs, index_t begin, index_t end) {
        descend(inner, embed(inner, xs), activations<T>(d.slice(begin, end)));
      });
    }
    s.update(train::player_id<0>{});
    if constexpr (target_type::mirrors) s.follow(0, targets()[0]);
  }

  constexpr const settings& chosen() const { return settings_; }
  constexpr const auto& encoder() const { return encoder_; }
  constexpr const auto& head() const { return head_; }
  constexpr const auto& predictor() const { return predictor_; }

 private:
  friend image_stage<joint_embedding>;
  static constexpr input_shape input_of(const settings& s) { return image_input<input_shape>(s.input_height, s.input_width, s.input_channels); }
  template <class T>
  struct online_records {
    train::record<encoder_type, T> h;
    train::record<head_type, T> z;
    train::record<predictor_type, T> p;
  };

  constexpr index_t width() const { return head_.layer.output()[0]; }

  template <class S, class T = typename S::value_type>
  constexpr online_records<T> embed(S& s, const activations<const T>& x) const {
    online_records<T> r;
    r.h = s.forward(encoder_, x);
    r.z = s.forward(head_, r.h.y);
    r.p = s.forward(predictor_, r.z.y);
    return r;
  }
  template <class S, class T = typename S::value_type>
  constexpr void descend(S& s, const online_records<T>& r, const activations<T>& d) const {
    const auto dz = s.backward(predictor_, r.p, d);
    const auto dh = s.backward(head_, r.z, dz);
    s.backward(encoder_, r.h, dh, no_gradient{});
  }
  /// What the online rows are compared with: nothing, themselves without gradient, or a target's rows.
  template <class S, class T = typename S::value_type>
  constexpr tensor_view<const T> target_rows(S& s, const activations<const T>& x, const activations<T>& z) const {
    if constexpr (target_type::mirrors)
      return s.forward(0, head_, s.forward(0, encoder_, x).y).y;
    else
      return z;
  }
  /// Loss into the report; returns the gradient of the rows. Losses read and write master numbers.
  template <class S, class T = typename S::value_type, class M = master_t<T>>
  constexpr activations<T> compare(S& s, const activations<T>& rows, tensor_view<const T> others,
                                   typename objective_type::template cache<M>& kept) const {
    const objective_type& objective = settings_.objective;
    const auto exact = s.ctx.exact();
    const tensor_view<const M> p = s.ctx.widened(rows), target = target_type::is_target ? s.ctx.widened(others) : p;
    const activations<M> d(exact.take(p.shape));
    exact(op::fill, M(0), d);
    const parameter_view<M> params = s.parameters(objective_);
    const gradient_view<M> d_params = s.gradients(objective_);
    const auto run = [&](const auto& in) {
      objective.loss(exact, in, params, kept, s.loss);
      objective.gradient(exact, M(1), in, params, kept, d, d_params);
    };
    if constexpr (!target_type::is_target) {
      run(objective::self_pairs<M>{p, view_count});
    } else if constexpr (!negatives_type::keeps_rows) {
      run(objective::target_pairs<M>{p, target, {}, view_count});
    } else {
      const tensor_view<M> queue = s.states[0];
      run(objective::target_pairs<M>{p, target, queue, view_count});
      const tensor_view<const M> newest = objective::detail::all_rows(exact, target);
      const index_t n = newest.extent(0), places = queue.extent(0) / n;
      expects(places >= 1 && queue.extent(0) % n == 0, "value.304",
              "the queue's size must be a multiple of views x batch size x ranks");
      s.ctx(op::enqueue_rows, newest, static_cast<const step_inputs*>(s.inputs), queue);
    }
    s.ctx(op::embedding_std, p, s.embedding_std);
    return s.ctx.stored(d);
  }
  template <class S, class T = typename S::value_type, class F>
  constexpr void for_each_part(const S& s, const activations<const T>& x, index_t part, F&& f) const {
    for (index_t begin = 0; begin < x.extent(0); begin += part) {
      const index_t end = begin + part < x.extent(0) ? begin + part : x.extent(0);
      const auto scope = s.ctx.scope();
      S inner = s;
      inner.ctx.first_row = begin;
      f(inner, activations<const T>(x.slice(begin, end), x.structure), begin, end);
    }
  }

  settings settings_;
  train::part<encoder_type> encoder_;
  train::part<head_type> head_;
  train::part<predictor_type> predictor_;
  train::part<objective::bound_parameters<objective_type>> objective_;
};

}  // namespace pretext::method
