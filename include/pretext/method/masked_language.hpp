// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <string>
#include <tuple>

#include "../augment/text/hide.hpp"
#include "../concepts/recipe.hpp"
#include "../core/text.hpp"
#include "../nn/text_embedding.hpp"
#include "../nn/vocabulary_output.hpp"
#include "../objective/vocabulary.hpp"
#include "../train/trainer.hpp"
#include "hide_tokens.hpp"
#include "part_names.hpp"
#include "position_numbers.hpp"

namespace pretext::method {

/// Masked language modelling: some tokens are hidden by a corruption, and said again from what is left.
///   L = -1/n sum over hidden places k of log p(x_k | what is shown)
/// words -> encoder -> at the hidden places alone: head -> softmax over the vocabulary. A recipe names words (nn::text_embedding),
/// encoder, head (nn::identity for none), output (nn::vocabulary_output), corruption, optimizer and schedule. The settings' `ids` say which
/// tokens are special, `.words.words` how many there are.
/// units   the report's loss is in nats a hidden token; a step that hides none has loss 0
/// source  Devlin et al. 2019, arXiv:1810.04805
template <class R>
class masked_language {
  static_assert(concepts::explain_encoder_name<R>() && concepts::explain_head_name<R>() && concepts::explain_update<R>());

 public:
  using words_type = nn::bound_t<typename R::words, shape<dynamic>>;
  using encoder_type = nn::bound_t<typename R::encoder, nn::output_t<words_type>>;
  static constexpr index_t encoder_width = static_extent<nn::output_t<encoder_type>, -1>;
  using head_type = nn::bound_t<typename R::head, features<encoder_width>>;
  using output_type = nn::bound_t<typename R::output, nn::output_t<head_type>>;
  using corruption_type = typename R::corruption;
  using batch_type = token_batch;
  static constexpr const char* name = "masked_language";
  static constexpr bool is_tied = std::is_same_v<typename R::output, nn::vocabulary_output<true>>;

  struct settings {
    typename R::words words{};
    typename R::encoder encoder{};
    typename R::head head{};
    typename R::optimizer optimizer{};
    typename R::schedule schedule{};
    corruption_type corruption{};
    augment::token_ids ids{};  // of the tokenizer: its size, mask and special tokens
    setting<index_t> batch_size = default_value(32);
    setting<index_t> length = default_value(128);  // tokens of the longest sample
    setting<std::uint64_t> epochs = default_value(1);
    setting<double> clip_norm = default_value(1.0);
    setting<std::uint64_t> seed = default_value(0);
    setting<int> threads = default_value(0);

    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("words", self.words);
      visit("encoder", self.encoder);
      visit("head", self.head);
      visit("optimizer", self.optimizer);
      visit("schedule", self.schedule);
      visit("corruption", self.corruption);
      visit("batch_size", self.batch_size);
      visit("length", self.length);
      visit("epochs", self.epochs);
      visit("clip_norm", self.clip_norm);
      visit("seed", self.seed);
      visit("threads", self.threads);
    }
  };

  constexpr explicit masked_language(const settings& s)
      : settings_(s), words_(part_names_of<R>().words, nn::bind(s.words, shape<dynamic>(extents(s.length.value())))),
        encoder_(part_names_of<R>().encoder, nn::bind(s.encoder, words_.layer.output())),
        head_(part_names_of<R>().head, nn::bind(s.head, features<encoder_width>(extents(encoder_.layer.output()[1])))),
        output_(part_names_of<R>().output, nn::bind(output_of(s), head_.layer.output())) {
    expects(s.length >= 1, "value.308", "a sample needs one token or more; set `length`");
    expects(!is_tied || output_.layer.width() == words_.layer.output()[1], "value.309",
            "a tied output needs a head as wide as the words; use nn::vocabulary_output<false>, or end the head with that width");
  }

  constexpr auto players() {
    return std::make_tuple(
        train::player("model", settings_.optimizer, settings_.schedule, settings_.clip_norm.value(), words_, encoder_, head_, output_));
  }
  static std::string policies() { return joined({"schedule ", R::schedule::name, ", corruption ", corruption_type::name}); }
  static constexpr index_t batch_size_of(const batch_type& in) { return in.samples; }
  constexpr batch_type plan_batch(index_t n) const { return {nullptr, nullptr, n, settings_.length}; }
  batch_type placed(const batch_type& in, train::batch_placer& place) const {
    const index_t n = in.samples * in.length;
    batch_type there = in;
    there.tokens = place.copy(in.tokens, n);
    there.lengths = place.copy(in.lengths, in.samples);
    there.ids = place.copy(in.ids, in.samples);
    there.starts = place.copy(in.starts, n);
    return there;
  }

  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    using T = typename S::value_type;
    const extent structure{.samples = in.samples, .length = in.length, .lengths = in.lengths};
    const hidden_tokens hidden = hide_tokens(s, settings_.corruption, settings_.ids, in);
    const auto e = s.forward(words_, activations<const std::int32_t>(as_const(hidden.shown), &structure));
    const auto h = s.forward(encoder_, e.y);
    const auto table = words_.layer.table(s.parameters(words_));
    const auto d_table = words_.layer.table_gradient(s.gradients(words_));
    const auto out = output_.layer.read(parameter_reader(s.parameters(output_)), table);
    const auto d_out = output_.layer.read(gradient_reader(s.gradients(output_)), d_table);
    if constexpr (train::detail::skips<head_type>) {
      const auto dh = objective::mean_vocabulary_loss(s.ctx, activations<const T>(h.y), wanted_at(hidden, as_const(hidden.place)), out.weight,
                                                      out.bias, s.loss, d_out.weight, d_out.bias);
      s.backward(words_, e, s.backward(encoder_, h, dh), no_gradient{});
    } else {
      // The head sees the hidden places alone.
      const index_t n = hidden.place.size();
      const activations<T> rows(s.ctx.take({n, h.y.columns()}));
      s.ctx(op::gather_rows, h.y.matrix(), as_const(hidden.place), rows);
      const auto t = s.forward(head_, rows);
      const tensor_view<std::int32_t> numbers = s.ctx.template take_of<std::int32_t>(n);
      s.ctx(op::for_each_sample, position_numbers{numbers.data, 1}, n);
      const auto dt = objective::mean_vocabulary_loss(s.ctx, activations<const T>(t.y), wanted_at(hidden, as_const(numbers)), out.weight, out.bias,
                                                      s.loss, d_out.weight, d_out.bias);
      const auto d_rows = s.backward(head_, t, dt);
      const activations<T> dh = s.zeros_like(h.y);
      s.ctx(op::scatter_add_rows, d_rows, as_const(hidden.place), dh.matrix());
      s.backward(words_, e, s.backward(encoder_, h, activations<T>(tensor_view<T>(dh), &structure)), no_gradient{});
    }
    s.update(train::player_id<0>{});
  }

  /// The mean loss at given places of samples that already show what they show, in evaluation: loss (1), correct (M).
  template <class Ctx, class P, class T = typename Ctx::value_type>
  constexpr void measure(const Ctx& ctx, const P& parameters, const batch_type& shown, const objective::wanted_words& wanted,
                         tensor_view<master_t<T>> loss, tensor_view<std::int32_t> correct) const {
    const extent structure{.samples = shown.samples, .length = shown.length, .lengths = shown.lengths};
    const activations<const std::int32_t> x(tensor_view<const std::int32_t>{shown.tokens, {shown.samples, shown.length}}, &structure);
    const activations<T> e(ctx.take(nn::output_extents(words_.layer, x.shape)), &structure);
    typename words_type::template cache<T> kept_words{};
    words_.layer.forward(ctx, parameters(words_), x, e, kept_words);
    const activations<T> h(ctx.take(nn::output_extents(encoder_.layer, e.shape)), &structure);
    typename encoder_type::template cache<T> kept{};
    encoder_.layer.forward(ctx, parameters(encoder_), activations<const T>(e), h, kept);
    const auto out = output_.layer.read(parameter_reader(parameters(output_)), words_.layer.table(parameters(words_)));
    if constexpr (train::detail::skips<head_type>) {
      objective::mean_vocabulary_loss(ctx, activations<const T>(h), wanted, out.weight, out.bias, loss, {}, {}, correct);
    } else {
      const index_t n = wanted.rows.size();
      const activations<T> rows(ctx.take({n, h.columns()}));
      ctx(op::gather_rows, h.matrix(), wanted.rows, rows);
      const activations<T> t(ctx.take(nn::output_extents(head_.layer, rows.shape)));
      typename head_type::template cache<T> kept_head{};
      head_.layer.forward(ctx, parameters(head_), activations<const T>(rows), t, kept_head);
      const tensor_view<std::int32_t> numbers = ctx.template take_of<std::int32_t>(n);
      ctx(op::for_each_sample, position_numbers{numbers.data, 1}, n);
      objective::mean_vocabulary_loss(ctx, activations<const T>(t), {as_const(numbers), wanted.labels, wanted.count}, out.weight, out.bias, loss, {}, {},
                                      correct);
    }
  }

  constexpr const settings& chosen() const { return settings_; }
  constexpr const auto& words() const { return words_; }
  constexpr const auto& encoder() const { return encoder_; }
  constexpr const auto& head() const { return head_; }
  constexpr const auto& output() const { return output_; }

 private:
  static constexpr objective::wanted_words wanted_at(const hidden_tokens& h, tensor_view<const std::int32_t> rows) {
    return {rows, as_const(h.token), as_const(h.count)};
  }
  static constexpr typename R::output output_of(const settings& s) {
    typename R::output out{};
    out.words = s.words.words;
    return out;
  }

  settings settings_;
  train::part<words_type> words_;
  train::part<encoder_type> encoder_;
  train::part<head_type> head_;
  train::part<output_type> output_;
};

}  // namespace pretext::method
