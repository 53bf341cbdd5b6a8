// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/autoregressive.hpp"

#include <cmath>
#include <numeric>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/eval/language_model.hpp"
#include "pretext/optimizer/sgd.hpp"
#include "pretext/recipe/gpt2.hpp"
#include "pretext/train/fit_tokens.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace px = pretext;
using px::index_t;

namespace {

/// transformers' GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=10).
template <class Precision>
struct small_gpt2 : px::recipe::gpt2 {
  using words = typename px::recipe::gpt2_network<2, 4, 32, 10>::words;
  using encoder = typename px::recipe::gpt2_network<2, 4, 32, 10>::encoder;
  using precision = Precision;
};
using reference = px::backend::reference;
using exact = px::train::trainer<small_gpt2<px::train::f64>, reference>;

template <class Trainer>
typename Trainer::settings_type settings(index_t words, index_t length, index_t batch) {
  typename Trainer::settings_type s{};
  s.words.words = words;
  s.length = length;
  s.batch_size = batch;
  s.seed = 3;
  return s;
}

struct golden_batch {
  golden::file file{"gpt2"};
  std::vector<std::int32_t> tokens = file["tokens"].as<std::int32_t>(), targets = file["targets"].as<std::int32_t>();
  px::method::next_token_batch list() const { return {tokens.data(), targets.data(), 3, 8}; }
};

/// The gradients of the first step are AdamW's first moment, of which it keeps a tenth.
template <class Trainer>
void check_golden(double of_loss, double of_gradients) {
  using T = typename Trainer::master_type;
  const golden_batch b;
  auto s = settings<Trainer>(23, 8, 3);
  s.clip_norm = 0.0;
  Trainer t(s);
  auto& player = t.players()[0];
  for (const px::parameter_entry& e : player.table.parameters) {
    INFO(e.name);
    REQUIRE(b.file.has(e.name));
    px::from_file_order(e, b.file[e.name].template as<T>().data(), player.parameters.data() + e.offset);
  }
  REQUIRE(player.table.parameters.size() == b.file.cases("grad.", "").size());
  t.step(b.list());
  CHECK(std::abs(static_cast<double>(t.loss()) - b.file.number("loss")) <= of_loss);
  for (const px::parameter_entry& e : player.table.parameters) {
    INFO(e.name);
    std::vector<T> moment(static_cast<std::size_t>(e.size));
    px::to_file_order(e, player.state0.data() + e.offset, moment.data());
    for (T& v : moment) v *= T(10);
    CHECK(golden::relative_error(moment, b.file["grad." + e.name]) <= of_gradients);
  }
}

/// A language of a cycle: each word is followed by the next but now and then by any.
std::vector<std::int32_t> cycle(index_t n, std::int32_t words) {
  std::vector<std::int32_t> text;
  px::rng::stream draw(px::rng::key{.seed = 11});
  for (index_t i = 0; i < n; ++i)
    text.push_back(i > 0 && draw.accept(0.9) ? (text.back() + 1) % words : static_cast<std::int32_t>(draw.below(static_cast<std::uint32_t>(words))));
  return text;
}

}  // namespace

TEST_CASE("autoregressive: loss and every gradient are those of transformers' GPT2LMHeadModel", "[method][autoregressive][golden]") {
  check_golden<exact>(1e-9, 1e-9);
  check_golden<px::train::trainer<small_gpt2<px::train::f32>, px::backend::simd<>>>(1e-4, 1e-4);
}

TEST_CASE("autoregressive: evaluation sees what the step saw, and its scores are transformers'", "[method][autoregressive][golden]") {
  const golden_batch b;
  exact t(settings<exact>(23, 8, 3));
  auto& player = t.players()[0];
  for (const px::parameter_entry& e : player.table.parameters)
    px::from_file_order(e, b.file[e.name].as<double>().data(), player.parameters.data() + e.offset);
  px::eval::detail::language_model<exact> model(t);
  std::vector<double> loss(1), scores(3 * 23);
  std::vector<std::int32_t> correct(24);
  model([&](const auto& ctx, const auto& parameters) {
    t.family().measure(ctx, parameters, b.list(), {loss.data(), px::extents(1)}, {correct.data(), px::extents(24)});
  });
  CHECK(std::abs(loss[0] - b.file.number("loss")) <= 1e-9);
  CHECK(correct == b.file["correct"].as<std::int32_t>());
  model([&](const auto& ctx, const auto& parameters) {
    t.family().next_scores(ctx, parameters, b.list(), {scores.data(), px::extents(3, 23)});
  });
  CHECK(golden::relative_error(scores, b.file["last_scores"]) <= 1e-12);
}

TEST_CASE("autoregressive: a text is predicted token by token, also by a window that is cut short", "[method][autoregressive][eval]") {
  exact t(settings<exact>(7, 5, 2));
  const auto text = cycle(5 * 5 + 1 + 3, 7);
  const auto all = px::eval::next_token_scores(t, text);
  CHECK(all.tokens == 28);
  // The same by windows of their own.
  double loss = 0, right = 0;
  for (std::size_t begin = 0; begin < 28; begin += 5) {
    const std::size_t n = std::min<std::size_t>(5, 28 - begin);
    const auto one = px::eval::next_token_scores(t, std::span(text).subspan(begin, n + 1));
    loss += one.loss * static_cast<double>(n), right += one.accuracy * static_cast<double>(n);
  }
  CHECK(std::abs(all.loss - loss / 28) <= 1e-12);
  CHECK(std::abs(all.accuracy - right / 28) <= 1e-12);
  CHECK(std::abs(all.perplexity() - std::exp(all.loss)) <= 1e-12);
  CHECK(std::abs(all.loss - std::log(7.0)) < 0.2);  // nothing is learned yet
  const std::vector<std::int32_t> short_text{1};
  CHECK_THROWS_WITH(px::eval::next_token_scores(t, short_text), Catch::Contains("pretext[eval.211]"));
}

TEST_CASE("autoregressive: no position sees what comes after it", "[method][autoregressive]") {
  exact t(settings<exact>(9, 6, 1));
  px::eval::detail::language_model<exact> model(t);
  const std::vector<std::int32_t> text{1, 5, 2, 8, 3, 7}, other{1, 5, 2, 8, 0, 0};
  const auto scores_after = [&](const std::vector<std::int32_t>& tokens, index_t length) {
    std::vector<double> scores(9);
    model([&](const auto& ctx, const auto& parameters) {
      t.family().next_scores(ctx, parameters, {tokens.data(), nullptr, 1, length}, {scores.data(), px::extents(1, 9)});
    });
    return scores;
  };
  CHECK(scores_after(text, 4) == scores_after(other, 4));
  CHECK(scores_after(text, 5) != scores_after(other, 5));
}

TEST_CASE("autoregressive: the rule of a language is learned in a few steps, and training goes on where it stopped", "[method][autoregressive][train]") {
  using fast = px::train::trainer<small_gpt2<px::train::f32>, px::backend::simd<>>;
  auto s = settings<fast>(11, 8, 16);
  s.optimizer.rate = 3e-3;
  s.schedule.warmup_steps = 5;
  fast t(s), first(s), second(s);
  const auto text = cycle(4000, 11);
  px::train::fit_tokens(t, std::span(text).first(3000), {.steps = 120});
  CHECK(t.steps_done() == 120);
  const auto scores = px::eval::next_token_scores(t, std::span(text).subspan(3000));
  // The best that can be: 0.9 + 0.1/11 of the time the next word of the cycle.
  CHECK(scores.accuracy > 0.87);
  CHECK(scores.loss < 0.75);

  // Steps 0 to 29 at once, or 20 and then the rest in a trainer that starts from the state after them.
  int seen = 0;
  struct stopper {
    int& seen;
    void on_step(fast& own, const px::train::step_report&) { if (++seen == 20) own.stop(); }
  };
  px::train::fit_tokens(first, std::span(text).first(3000), {.steps = 30});
  px::train::fit_tokens(second, std::span(text).first(3000), {.steps = 30}, stopper{seen});
  CHECK(second.steps_done() == 20);
  px::train::fit_tokens(second, std::span(text).first(3000), {.steps = 30});
  const auto &a = first.players()[0].parameters, &b = second.players()[0].parameters;
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST_CASE("autoregressive: padding gives nothing and asks for nothing", "[method][autoregressive]") {
  // A sample whose second half is padding without targets gives the gradients of its first half alone.
  auto s = settings<exact>(9, 6, 2);
  s.clip_norm = 0.0;
  exact padded(s), short_one(s);
  const std::vector<std::int32_t> tokens{1, 2, 3, -1, -1, -1, 4, 5, 6, -1, -1, -1}, targets{2, 3, 4, -1, -1, -1, 5, 6, 7, -1, -1, -1};
  const std::vector<std::int32_t> few{1, 2, 3, 4, 5, 6}, few_targets{2, 3, 4, 5, 6, 7};
  padded.step({tokens.data(), targets.data(), 2, 6});
  short_one.step({few.data(), few_targets.data(), 2, 3});
  CHECK(std::abs(padded.loss() - short_one.loss()) <= 1e-14);
  const auto &a = padded.players()[0].state0, &b = short_one.players()[0].state0;
  double largest = 0, off = 0;
  for (index_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(b[i])), off = std::max(off, std::abs(a[i] - b[i]));
  CHECK(largest > 0);
  CHECK(off <= 1e-14 * largest);
}
