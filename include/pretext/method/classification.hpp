// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <tuple>

#include "../core/text.hpp"
#include "../nn/linear.hpp"
#include "../nn/sequential.hpp"
#include "../objective/score_losses.hpp"
#include "../train/trainer.hpp"
#include "image_stage.hpp"
#include "requirements.hpp"

namespace pretext::method {

/// Images with their classes: what a step of `classification` reads.
struct labelled_list {
  image_list images;
  const std::int32_t* labels = nullptr;
  friend constexpr bool operator==(const labelled_list&, const labelled_list&) = default;
};

/// Supervised training and fine-tuning: one view -> encoder -> linear classifier -> cross-entropy. A recipe names input,
/// encoder, views (one view), optimizer and schedule; `.classes` is a setting.
/// The report's loss is the mean cross-entropy in nats.
template <class R>
class classification : public image_stage<classification<R>> {
  static_assert(explain_image_encoder<R>());

 public:
  using input_shape = typename R::input;
  using encoder_type = nn::bound_t<typename R::encoder, input_shape>;
  using head_type = nn::bound_t<nn::linear<dynamic>, nn::output_t<encoder_type>>;
  using views_type = augment::views<augment::group<typename R::views, 1>>;
  using batch_type = labelled_list;
  static constexpr const char* name = "classification";

  struct settings {
    typename R::encoder encoder{};
    views_type views{};
    typename R::optimizer optimizer{};
    typename R::schedule schedule{};
    setting<index_t> classes = default_value(0);
    setting<index_t> batch_size = default_value(64);
    setting<std::uint64_t> epochs = default_value(10);
    setting<double> clip_norm = default_value(0.0);
    setting<bool> frozen_statistics = default_value(false);  // norm layers use their running statistics and keep them
    setting<std::uint64_t> seed = default_value(0);
    setting<int> threads = default_value(0);
    setting<index_t> input_height = default_value(0);   // of the encoder's input, where its type says dynamic
    setting<index_t> input_width = default_value(0);
    setting<index_t> input_channels = default_value(0);
    setting<index_t> source_height = default_value(0);
    setting<index_t> source_width = default_value(0);

    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("encoder", self.encoder);
      visit("views", self.views);
      visit("optimizer", self.optimizer);
      visit("schedule", self.schedule);
      visit("classes", self.classes);
      visit("batch_size", self.batch_size);
      visit("epochs", self.epochs);
      visit("clip_norm", self.clip_norm);
      visit("frozen_statistics", self.frozen_statistics);
      visit("seed", self.seed);
      visit("threads", self.threads);
      image_stage<classification>::size_fields(self, visit);
    }
  };

  constexpr explicit classification(const settings& s)
      : settings_(s), encoder_("encoder", nn::bind(s.encoder, input_of(s))),
        head_("classifier", nn::bind(classifier(s), encoder_.layer.output())) {
    expects(s.classes >= 2, "value.306", "classification needs at least two classes; set `classes`");
  }

  constexpr auto players() {
    return std::make_tuple(train::player("network", settings_.optimizer, settings_.schedule, settings_.clip_norm.value(), encoder_, head_));
  }
  static std::string policies() { return joined({"schedule ", R::schedule::name}); }
  static constexpr index_t batch_size_of(const batch_type& in) { return in.images.size; }
  template <class Batch>
  static batch_type batch_of(const Batch& b) {
    return {{b.images.data(), b.ids.data(), b.size()}, b.labels.data()};
  }
  static constexpr batch_type plan_batch(index_t size) { return {{nullptr, nullptr, size}, nullptr}; }
  batch_type placed(const batch_type& in, train::batch_placer& place) const {
    const std::int32_t* labels = place.copy(in.labels, in.images.size);
    return {this->placed_images(in.images, place), labels};
  }

  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    const auto x = this->write_views(s, in.images);
    S inner = s;
    if (settings_.frozen_statistics) inner.ctx.mode = run_mode::evaluate;
    const auto h = inner.forward(encoder_, x);
    const auto y = inner.forward(head_, h.y);
    const tensor_view<const std::int32_t> labels{in.labels, extents(in.images.size)};
    const auto d = objective::mean_cross_entropy(s.ctx.exact(), s.ctx.widened(y.y), labels, s.loss);
    const auto dh = inner.backward(head_, y, s.ctx.stored(d));
    inner.backward(encoder_, h, dh, no_gradient{});
    s.update(train::player_id<0>{});
  }

  constexpr const settings& chosen() const { return settings_; }
  constexpr const auto& encoder() const { return encoder_; }
  constexpr const auto& head() const { return head_; }

 private:
  friend image_stage<classification>;
  static constexpr nn::linear<dynamic> classifier(const settings& s) {
    nn::linear<dynamic> l{};
    l.out = s.classes.value();
    return l;
  }
  static constexpr input_shape input_of(const settings& s) { return image_input<input_shape>(s.input_height, s.input_width, s.input_channels); }
  settings settings_;
  train::part<encoder_type> encoder_;
  train::part<head_type> head_;
};

}  // namespace pretext::method
