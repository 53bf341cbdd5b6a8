// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "../augment/augment.hpp"
#include "../method/classification.hpp"
#include "../optimizer/adamw.hpp"
#include "../schedule/schedule.hpp"
#include "encoder.hpp"

namespace pretext::eval {

/// The recipe of a classifier with the encoder, input and precision of a pre-training recipe.
template <class R>
struct classifier_recipe {
  template <class Self>
  using family = method::classification<Self>;
  using input = typename R::input;
  using encoder = typename R::encoder;
  using precision = typename train::detail::precision_of<R>::type;
  using views = augment::chain<augment::random_resized_crop, augment::horizontal_flip>;
  using optimizer = pretext::optimizer::adamw;
  using schedule = pretext::schedule::cosine;
};

/// How an encoder is adapted to labels. The defaults are for few labels: the head starts as the linear probe of the
/// frozen features, the rate warms up and falls, statistics of norm layers are trained where there are enough images to
/// take them from, and the result is half way back to the start, which with few labels is better than either end.
/// source  Wortsman et al. 2022, arXiv:2109.01903 (means of the weights before and after)
struct fine_tune_options {
  std::uint64_t steps = 150;
  index_t batch_size = 64;
  double rate = 1e-3;           // of the head
  double encoder_rate = 1.0;    // of the encoder's last layer, as a share of `rate`
  double layer_decay = 1.0;     // every layer further from the head takes this share of the one after it
  double weight_decay = 1e-2;
  std::uint64_t warmup_steps = 10;
  double smallest_crop = 0.8;   // share of the area; 1: whole images
  bool flip = false;            // horizontal; wrong for digits and letters
  index_t statistics_from = 64; // fewer labelled images than this keep the running statistics as they are
  double probe_l2 = 0.01;       // of the probe that the head starts from
  double blend = 0.5;           // share of the trained weights in the result; the rest are those before the first step
  index_t least_per_class = 5;  // fewer images a class than this leave the network at its start, the probe
  std::uint64_t seed = 0;
};

struct fine_tune_result {
  double accuracy = 0;        // on the test images
  double train_accuracy = 0;
  double probe_accuracy = 0;  // of the head before the first step; 0 from scratch
  float last_loss = 0;
};

namespace detail {

template <class R, class Backend>
using classifier = train::trainer<classifier_recipe<R>, Backend>;

template <class R, class Encoder>
typename method::classification<classifier_recipe<R>>::settings classifier_settings(const fine_tune_options& o, const Encoder& encoder,
                                                                                    int classes, index_t samples) {
  const augment::image_size input = encoder.input_size();
  typename method::classification<classifier_recipe<R>>::settings s{};
  s.encoder = encoder.spec();
  s.classes = index_t{classes};
  s.batch_size = std::min(o.batch_size, samples);
  s.optimizer.rate = o.rate;
  s.optimizer.decay = o.weight_decay;
  s.schedule.warmup_steps = o.warmup_steps;
  s.frozen_statistics = samples < o.statistics_from;
  s.seed = o.seed;
  s.input_height = input.height;
  s.input_width = input.width;
  s.input_channels = input.channels;
  auto& chain = s.views.template chain_of<0>();
  chain.template step<augment::random_resized_crop>().scale = {static_cast<float>(o.smallest_crop), 1.0f};
  chain.template step<augment::random_resized_crop>().ratio = {0.9f, 1.0f / 0.9f};
  chain.template step<augment::horizontal_flip>().p = o.flip ? 0.5f : 0.0f;
  return s;
}

/// Steps through shuffled epochs of a labelled set for a number of steps.
template <class Trainer, class Dataset>
void run_steps(Trainer& t, const Dataset& data, std::uint64_t steps, std::uint64_t seed) {
  const auto largest = train::detail::bounds_of(data);
  const auto planned = t.family().source_size();
  if (largest.height > planned.height || largest.width > planned.width) {
    t.family().set_source_size(largest.height, largest.width);
    t.plan(t.planned_batch());
  }
  data::epoch_sampler sampler(data.size(), {.batch_size = t.settings().batch_size, .seed = seed});
  data::image_batch batch;
  t.set_steps_total(steps);
  for (std::uint64_t i = 0; i < steps; ++i) {
    t.set_epoch(static_cast<std::uint64_t>(sampler.epoch_of(static_cast<index_t>(i))), 0);
    data.gather(sampler.indices(static_cast<index_t>(i)), batch);
    t.step(Trainer::family_type::batch_of(batch));
  }
  t.read_report();
}

/// after = (1 - share) before + share after
template <class T>
void blend(double share, const std::vector<T>& before, T* after) {
  for (std::size_t i = 0; i < before.size(); ++i)
    after[i] = static_cast<T>((1 - share) * static_cast<double>(before[i]) + share * static_cast<double>(after[i]));
}

/// Accuracy of encoder and classifier on a set, in evaluation mode.
template <class Trainer, class Dataset>
double classifier_accuracy(Trainer& t, const Dataset& data) {
  const auto& family = t.family();
  const feature_matrix h = features(t.encoder(), data);
  if (static_cast<index_t>(h.labels.size()) != h.rows)
    throw_error("eval.004", "fine_tune: the images to be measured on have no labels; give a labelled set");
  linear_head head;
  auto p = t.parameters(family.head());
  head.classes = static_cast<int>(family.chosen().classes.value());
  head.columns = h.columns;
  const index_t n = head.classes * head.columns;
  using T = typename Trainer::master_type;
  const backend::host_window<T, typename Trainer::backend_type> here(t.backend(), const_cast<T*>(p.weights), padded(n) + head.classes);
  p.weights = here.data();
  index_t right = 0;
  for (index_t i = 0; i < h.rows; ++i) {
    int best = 0;
    double best_score = 0;
    for (int c = 0; c < head.classes; ++c) {
      double s = static_cast<double>(p.weights[padded(n) + c]);
      for (index_t j = 0; j < h.columns; ++j)
        s += static_cast<double>(p.weights[c * h.columns + j]) * static_cast<double>(h.values[static_cast<std::size_t>(i * h.columns + j)]);
      if (c == 0 || s > best_score) {
        best_score = s;
        best = c;
      }
    }
    right += best == h.labels[static_cast<std::size_t>(i)];
  }
  return h.rows == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(h.rows);
}

}  // namespace detail

/// Trains a network built like `encoder` (none of its weights) and a linear classifier from a random start on the
/// labelled images: what pre-training has to beat with the same labels.
/// errors  pretext[value.306] fewer than two classes; pretext[data.090] no images
template <class R, class Encoder, class Dataset>
fine_tune_result train_from_scratch(const Encoder& encoder, const Dataset& labelled, const Dataset& test, fine_tune_options o = {}) {
  o.statistics_from = 0;
  detail::classifier<R, typename Encoder::backend_type> t(detail::classifier_settings<R>(o, encoder, labelled.classes(), labelled.size()), encoder.backend());
  detail::run_steps(t, labelled, o.steps, o.seed);
  if (o.steps < static_cast<std::uint64_t>(Encoder::settled_after)) t.encoder().settle_statistics(labelled);
  return {.accuracy = detail::classifier_accuracy(t, test), .train_accuracy = detail::classifier_accuracy(t, labelled), .last_loss = t.report().loss};
}

/// Adapts a pre-trained encoder to the labelled images and measures it on the test images. The encoder given stays as
/// it is. With `steps` 0, and with fewer than `least_per_class` images a class, this is the linear probe.
/// errors  as train_from_scratch; pretext[eval.*] what linear_probe reports
template <class R, class Encoder, class Dataset>
fine_tune_result fine_tune(const Encoder& encoder, const Dataset& labelled, const Dataset& test, const fine_tune_options& o = {}) {
  using backend_type = typename Encoder::backend_type;
  using T = master_t<typename Encoder::value_type>;
  detail::classifier<R, backend_type> t(detail::classifier_settings<R>(o, encoder, labelled.classes(), labelled.size()), encoder.backend());
  auto& network = t.players()[0];
  const segment_size encoder_size = segment_of(encoder.layer());
  const auto on_host = [&](T* there, index_t n) { return backend::host_window<T, backend_type>(encoder.backend(), there, n); };
  t.put_state();
  {
    const auto weights = on_host(const_cast<T*>(encoder.parameters().weights), encoder_size.parameters);
    const auto statistics = on_host(encoder.parameters().buffers, encoder_size.buffers);
    const auto own_weights = on_host(network.parameters.data(), encoder_size.parameters);
    const auto own_statistics = on_host(network.buffers.data(), encoder_size.buffers);
    std::copy_n(weights.data(), encoder_size.parameters, own_weights.data());
    std::copy_n(statistics.data(), encoder_size.buffers, own_statistics.data());
    own_weights.put();
    own_statistics.put();
  }

  fine_tune_result result;
  const feature_matrix known = features(encoder, labelled);
  const logistic_fit fit = fit_logistic_regression(known, {.l2 = o.probe_l2, .classes = labelled.classes()}, detail::loop_of(encoder.backend()));
  const linear_head head = fit.model.head();
  const auto place = on_host(network.parameters.data() + encoder_size.parameters, network.parameters.size() - encoder_size.parameters);
  for (std::size_t i = 0; i < head.weights.size(); ++i) place.data()[i] = static_cast<T>(head.weights[i]);
  T* const bias = place.data() + padded(static_cast<index_t>(head.weights.size()));
  for (std::size_t i = 0; i < head.bias.size(); ++i) bias[i] = static_cast<T>(head.bias[i]);
  place.put();
  result.probe_accuracy = detail::classifier_accuracy(t, test);

  int deepest = 0;
  for (const auto& e : network.table.parameters)
    if (e.offset < encoder_size.parameters) deepest = std::max(deepest, e.depth);
  for (std::size_t i = 0; i < network.ranges.size(); ++i) {
    const auto& e = network.table.parameters[i];
    if (e.offset < encoder_size.parameters)
      network.ranges[i].rate_multiplier = o.encoder_rate * std::pow(o.layer_decay, deepest - e.depth);
  }
  const bool enough = labelled.size() >= o.least_per_class * labelled.classes();
  const auto values = [&](const auto& b) {
    const auto all = on_host(b.data(), b.size());
    return std::vector<T>(all.data(), all.data() + b.size());
  };
  const std::vector<T> weights = values(network.parameters), statistics = values(network.buffers);
  detail::run_steps(t, labelled, enough ? o.steps : 0, o.seed);
  const auto blend = [&](const std::vector<T>& before, const auto& b) {
    const auto all = on_host(b.data(), b.size());
    detail::blend(o.blend, before, all.data());
    all.put();
  };
  blend(weights, network.parameters);
  blend(statistics, network.buffers);
  result.accuracy = detail::classifier_accuracy(t, test);
  result.train_accuracy = detail::classifier_accuracy(t, labelled);
  result.last_loss = t.report().loss;
  return result;
}

}  // namespace pretext::eval
