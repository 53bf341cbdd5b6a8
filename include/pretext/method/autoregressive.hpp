// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <string>
#include <tuple>

#include "../backend/ops/views.hpp"
#include "../concepts/recipe.hpp"
#include "../core/text.hpp"
#include "../nn/text_embedding.hpp"
#include "../objective/vocabulary.hpp"
#include "../train/trainer.hpp"
#include "part_names.hpp"
#include "position_numbers.hpp"

namespace pretext::method {

/// Positions and what follows each of them; a target below 0 is not asked for, a token below 0 is padding.
struct next_token_batch {
  const std::int32_t *tokens = nullptr, *targets = nullptr;  // (B, length)
  index_t samples = 0, length = 0;
  friend constexpr bool operator==(const next_token_batch&, const next_token_batch&) = default;
};

/// Next-token prediction: words -> encoder -> softmax over the vocabulary with the words' own table (tied).
///   L = mean over positions t of -log p(x_{t+1} | x_{<= t})
/// A recipe names words (nn::text_embedding), encoder (whose blocks have to be causal), optimizer and schedule; the size of the
/// vocabulary, where the type leaves it open, is `.words = {.words = 50257}`.
/// units   the report's loss is in nats a token
/// source  Radford et al. 2018, 2019 (GPT, GPT-2)
template <class R>
class autoregressive {
  static_assert(concepts::explain_encoder_name<R>() && concepts::explain_update<R>());

 public:
  using words_type = nn::bound_t<typename R::words, shape<dynamic>>;
  using encoder_type = nn::bound_t<typename R::encoder, nn::output_t<words_type>>;
  using batch_type = next_token_batch;
  static constexpr const char* name = "autoregressive";

  struct settings {
    typename R::words words{};
    typename R::encoder encoder{};
    typename R::optimizer optimizer{};
    typename R::schedule schedule{};
    setting<index_t> batch_size = default_value(12);
    setting<index_t> length = default_value(64);  // tokens of a sample
    setting<std::uint64_t> epochs = default_value(1);
    setting<double> clip_norm = default_value(1.0);
    setting<std::uint64_t> seed = default_value(0);
    setting<int> threads = default_value(0);

    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("words", self.words);
      visit("encoder", self.encoder);
      visit("optimizer", self.optimizer);
      visit("schedule", self.schedule);
      visit("batch_size", self.batch_size);
      visit("length", self.length);
      visit("epochs", self.epochs);
      visit("clip_norm", self.clip_norm);
      visit("seed", self.seed);
      visit("threads", self.threads);
    }
  };

  constexpr explicit autoregressive(const settings& s)
      : settings_(s), words_(part_names_of<R>().words, nn::bind(s.words, shape<dynamic>(extents(s.length.value())))),
        encoder_(part_names_of<R>().encoder, nn::bind(s.encoder, words_.layer.output())) {
    expects(s.length >= 1, "value.308", "a sample needs one token or more; set `length`");
  }

  constexpr auto players() {
    return std::make_tuple(train::player("model", settings_.optimizer, settings_.schedule, settings_.clip_norm.value(), words_, encoder_));
  }
  static std::string policies() { return joined({"schedule ", R::schedule::name}); }
  static constexpr index_t batch_size_of(const batch_type& in) { return in.samples; }
  template <class Batch>
  static batch_type batch_of(const Batch& b) {
    return {b.tokens.data(), b.targets.data(), b.samples, b.length};
  }
  constexpr batch_type plan_batch(index_t n) const { return {nullptr, nullptr, n, settings_.length}; }
  batch_type placed(const batch_type& in, train::batch_placer& place) const {
    const index_t n = in.samples * in.length;
    return {place.copy(in.tokens, n), place.copy(in.targets, n), in.samples, in.length};
  }

  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    const extent structure{.samples = in.samples, .length = in.length};
    const auto e = s.forward(words_, tokens_of(in, structure));
    const auto h = s.forward(encoder_, e.y);
    const auto wanted = every_position(s.ctx, in);
    const auto dh = objective::mean_vocabulary_loss(s.ctx, activations<const typename S::value_type>(h.y), wanted, words_.layer.table(s.parameters(words_)), {},
                                                    s.loss, words_.layer.table_gradient(s.gradients(words_)), {});
    s.backward(words_, e, s.backward(encoder_, h, dh), no_gradient{});
    s.update(train::player_id<0>{});
  }

  /// The mean loss and whether each position's word had the largest score, in evaluation: loss (1), correct (B length). parameters(part) are
  /// those of words() and encoder().
  template <class Ctx, class P, class T = typename Ctx::value_type>
  constexpr void measure(const Ctx& ctx, const P& parameters, const batch_type& in, tensor_view<master_t<T>> loss, tensor_view<std::int32_t> correct) const {
    const extent structure{.samples = in.samples, .length = in.length};
    const activations<const T> h = hidden<T>(ctx, parameters, in, structure);
    objective::mean_vocabulary_loss(ctx, h, every_position(ctx, in), words_.layer.table(parameters(words_)), {}, loss, {}, {}, correct);
  }
  /// The scores of what follows the last position of each sample: (B, words)
  template <class Ctx, class P, class T = typename Ctx::value_type>
  constexpr void next_scores(const Ctx& ctx, const P& parameters, const batch_type& in, tensor_view<T> scores) const {
    const extent structure{.samples = in.samples, .length = in.length};
    const activations<const T> h = hidden<T>(ctx, parameters, in, structure);
    const index_t d = h.columns();
    const tensor_view<T> last = ctx.take({in.samples, d});
    // Rows of all positions of a sample side by side: the last D columns are those of its last position.
    const tensor_view<const T> by_sample{h.data, {in.samples, in.length * d}};
    ctx(op::copy_columns, by_sample, last, (in.length - 1) * d, index_t{0}, d);
    ctx(op::linear, as_const(last), words_.layer.table(parameters(words_)), tensor_view<const master_t<T>>{}, scores);
  }

  constexpr const settings& chosen() const { return settings_; }
  constexpr const auto& words() const { return words_; }
  constexpr const auto& encoder() const { return encoder_; }

 private:
  static constexpr activations<const std::int32_t> tokens_of(const batch_type& in, const extent& structure) {
    return {tensor_view<const std::int32_t>{in.tokens, {in.samples, in.length}}, &structure};
  }
  template <class Ctx>
  static constexpr objective::wanted_words every_position(const Ctx& ctx, const batch_type& in) {
    const index_t n = in.samples * in.length;
    const tensor_view<std::int32_t> rows = ctx.template take_of<std::int32_t>(n);
    ctx(op::for_each_sample, position_numbers{rows.data, in.length}, in.samples);
    return {rows, {in.targets, extents(n)}};
  }
  template <class T, class Ctx, class P>
  constexpr activations<const T> hidden(const Ctx& ctx, const P& parameters, const batch_type& in, const extent& structure) const {
    const auto x = tokens_of(in, structure);
    const activations<T> e(ctx.take(nn::output_extents(words_.layer, x.shape)), &structure);
    typename words_type::template cache<T> kept_words{};
    words_.layer.forward(ctx, parameters(words_), x, e, kept_words);
    const activations<T> h(ctx.take(nn::output_extents(encoder_.layer, e.shape)), &structure);
    typename encoder_type::template cache<T> kept{};
    encoder_.layer.forward(ctx, parameters(encoder_), activations<const T>(e), h, kept);
    return h;
  }

  settings settings_;
  train::part<words_type> words_;
  train::part<encoder_type> encoder_;
};

}  // namespace pretext::method
