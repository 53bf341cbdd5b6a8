// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/masked_language.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/eval/language_model.hpp"
#include "pretext/recipe/masked_language.hpp"
#include "pretext/train/fit_tokens.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace px = pretext;
namespace nn = pretext::nn;
using px::index_t;

namespace {

/// Hides the ordinary tokens whose number leaves 1 by three: the same in every step, so that gradients can be compared.
struct by_three {
  static constexpr std::string_view name = "by_three";
  static constexpr bool shows_mask = true;
  constexpr index_t capacity(index_t length) const { return length; }
  constexpr std::int32_t corrupt(px::rng::key, const px::augment::token_ids& ids, const px::augment::token_row& in, const px::augment::hidden_row& out) const {
    std::int32_t count = 0;
    for (index_t t = 0; t < in.length; ++t) {
      const bool hidden = ids.ordinary(in.tokens[t]) && in.tokens[t] % 3 == 1;
      out.shown[t] = hidden ? ids.mask : in.tokens[t];
      if (!hidden) continue;
      out.place[count] = static_cast<std::int32_t>(t);
      out.token[count++] = in.tokens[t];
    }
    return count;
  }
};

/// transformers' BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=12), without dropout.
template <class Precision>
struct small_bert : px::recipe::bert {
  using words = px::recipe::bert_network<2, 4, 32, 12>::words;
  using encoder = px::recipe::bert_network<2, 4, 32, 12>::encoder;
  using head = px::recipe::bert_network<2, 4, 32, 12>::head;
  using corruption = by_three;
  using precision = Precision;
};
template <class Trainer>
typename Trainer::settings_type without_dropout(index_t words, index_t length, index_t batch) {
  typename Trainer::settings_type s{};
  s.words.words = words;
  s.ids = {static_cast<std::int32_t>(words), 4, {0, 1, 2, 3}};
  s.length = length;
  s.batch_size = batch;
  s.clip_norm = 0.0;
  if constexpr (requires { child<2>(s.encoder.layers).block.dropout; }) {
    child<1>(s.encoder.layers).rate = 0.0;
    child<2>(s.encoder.layers).block.dropout = 0.0;
    child<2>(s.encoder.layers).block.attention_dropout = 0.0;
  }
  return s;
}

/// Reads from both ends, and zeroes the embeddings of what is hidden.
struct two_ways : px::recipe::mask_lm {
  using words = nn::text_embedding<px::dynamic, 16>;
  using encoder = nn::lstm<24, nn::bidirectional>;
};

template <class Trainer>
void check_golden(double of_loss, double of_gradients) {
  using T = typename Trainer::master_type;
  const golden::file f("bert");
  const auto tokens = f["tokens"].as<std::int32_t>(), lengths = f["lengths"].as<std::int32_t>();
  Trainer t(without_dropout<Trainer>(29, 8, 3));
  auto& player = t.players()[0];
  for (const px::parameter_entry& e : player.table.parameters) {
    INFO(e.name);
    REQUIRE(f.has(e.name));
    px::from_file_order(e, f[e.name].template as<T>().data(), player.parameters.data() + e.offset);
  }
  REQUIRE(player.table.parameters.size() == f.cases("grad.", "").size());
  t.step({tokens.data(), lengths.data(), 3, 8});
  CHECK(std::abs(static_cast<double>(t.loss()) - f.number("loss")) <= of_loss);
  // AdamW's first moment keeps a tenth of the first gradient.
  double largest = 0;
  for (const px::parameter_entry& e : player.table.parameters)
    for (const double v : f["grad." + e.name].values) largest = std::max(largest, std::abs(v));
  for (const px::parameter_entry& e : player.table.parameters) {
    INFO(e.name);
    std::vector<T> moment(static_cast<std::size_t>(e.size));
    px::to_file_order(e, player.state0.data() + e.offset, moment.data());
    const auto expected = f["grad." + e.name];
    for (std::size_t i = 0; i < moment.size(); ++i)
      REQUIRE(std::abs(10 * static_cast<double>(moment[i]) - expected.values[i]) <= of_gradients * largest);
  }
}

}  // namespace

TEST_CASE("masked_language: loss and every gradient are those of transformers' BertForMaskedLM", "[method][masked_language][golden]") {
  check_golden<px::train::trainer<small_bert<px::train::f64>, px::backend::reference>>(1e-9, 1e-11);
  check_golden<px::train::trainer<small_bert<px::train::f32>, px::backend::simd<>>>(1e-4, 1e-5);
}

TEST_CASE("masked_language: BERT has the number of parameters that is published", "[method][masked_language]") {
  struct base : px::recipe::bert {
    using words = px::recipe::bert_network<12, 12, 768, 512>::words;
    using encoder = px::recipe::bert_network<12, 12, 768, 512>::encoder;
    using head = px::recipe::bert_network<12, 12, 768, 512>::head;
  };
  using family = px::method::masked_language<base>;
  family::settings s{};
  s.words.words = 30522;
  s.length = 512;
  const family f(s);
  px::parameter_table table;
  px::table_builder builder(table);
  builder.child("words", f.words().layer), builder.child("encoder", f.encoder().layer);
  builder.child("head", f.head().layer), builder.child("output", f.output().layer);
  CHECK(table.parameter_count() == 109514298);  // BertForMaskedLM of bert-base-uncased, the tied decoder counted once
}

TEST_CASE("masked_language: evaluation at given places finds what a step without dropout finds", "[method][masked_language]") {
  using trainer = px::train::trainer<small_bert<px::train::f64>, px::backend::reference>;
  const golden::file f("bert");
  trainer t(without_dropout<trainer>(29, 8, 3));
  auto& player = t.players()[0];
  for (const px::parameter_entry& e : player.table.parameters) px::from_file_order(e, f[e.name].as<double>().data(), player.parameters.data() + e.offset);
  const auto tokens = f["tokens"].as<std::int32_t>(), lengths = f["lengths"].as<std::int32_t>();
  std::vector<std::int32_t> shown = tokens, rows, labels;
  for (std::int32_t b = 0; b < 3; ++b)
    for (std::int32_t i = 0; i < lengths[static_cast<std::size_t>(b)]; ++i)
      if (auto& word = shown[static_cast<std::size_t>(8 * b + i)]; word % 3 == 1 && word > 4) rows.push_back(8 * b + i), labels.push_back(word), word = 4;
  REQUIRE(static_cast<double>(rows.size()) == f.number("hidden"));
  px::workspace plan;
  std::vector<double> loss(1);
  std::vector<std::int32_t> correct(rows.size());
  px::buffer<std::byte> block;
  const auto pass = [&](px::workspace& memory) {
    px::comm::null alone;
    px::context<px::backend::reference, double> ctx{&t.backend(), &memory, &alone};
    ctx.mode = px::run_mode::evaluate;
    ctx.keep = false;
    const auto n = static_cast<index_t>(rows.size());
    t.family().measure(ctx, [&](const auto& part) { return t.parameters(part); }, {shown.data(), lengths.data(), 3, 8},
                       {{rows.data(), px::extents(n)}, {labels.data(), px::extents(n)}}, {loss.data(), px::extents(1)}, {correct.data(), px::extents(n)});
  };
  pass(plan);
  block = px::buffer<std::byte>(static_cast<index_t>(plan.peak()));
  px::workspace memory(block.data(), block.bytes());
  pass(memory);
  CHECK(std::abs(loss[0] - f.number("loss")) <= 1e-9);
  CHECK(static_cast<double>(std::count(correct.begin(), correct.end(), 1)) == f.number("right"));
}

TEST_CASE("masked_language: an LSTM that reads both ways learns what stands between its neighbours", "[method][masked_language][train]") {
  using trainer = px::train::trainer<two_ways, px::backend::simd<>>;
  auto s = without_dropout<trainer>(13, 10, 24);
  s.optimizer.rate = 1e-2;
  s.corruption.choose.share = 0.2f;
  trainer t(s);
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    std::vector<std::int32_t> tokens, lengths;
    px::rng::stream draw(px::rng::key{.seed = 5, .sample = static_cast<std::uint64_t>(step)});
    for (int b = 0; b < 24; ++b) {
      lengths.push_back(4 + static_cast<std::int32_t>(draw.below(7)));
      const auto begin = static_cast<std::int32_t>(draw.below(8));
      for (int i = 0; i < 10; ++i) tokens.push_back(i < lengths.back() ? 5 + (begin + i) % 8 : 1000);  // padding is never read
    }
    t.step({tokens.data(), lengths.data(), 24, 10});
    (step < 10 ? first : last) = step < 10 ? first + t.loss() / 10 : 0.8 * last + 0.2 * t.loss();
  }
  CHECK(first > 1.9);  // nearly log of 13, of which 8 occur
  CHECK(last < 0.2);
}

TEST_CASE("masked_language: a row of tokens is trained on and measured by what is hidden of it", "[method][masked_language][eval]") {
  using trainer = px::train::trainer<two_ways, px::backend::simd<>>;
  auto s = without_dropout<trainer>(13, 12, 24);
  s.optimizer.rate = 1e-2;
  trainer t(s), twin(s);
  std::vector<std::int32_t> text;
  for (std::int32_t i = 0; i < 2003; ++i) text.push_back(5 + i % 8);
  const std::span<const std::int32_t> known = std::span(text).first(1500), unseen = std::span(text).subspan(1500);
  const auto before = px::eval::masked_token_scores(t, unseen);
  CHECK(before.tokens == 41 * 2 + 2);  // of 12 or 11 tokens 15 % are 2
  CHECK(before.loss > 2);
  px::train::fit_tokens(t, known, {.steps = 150});
  const auto after = px::eval::masked_token_scores(t, unseen), again = px::eval::masked_token_scores(t, unseen, 0, 5);
  CHECK(after.accuracy > 0.95);
  CHECK(after.loss < 0.3);
  CHECK(again.accuracy == after.accuracy);  // however many windows at once
  CHECK(px::eval::masked_token_scores(t, unseen, 1).loss != after.loss);
  const std::vector<std::int32_t> special(40, 2);
  CHECK_THROWS_WITH(px::eval::masked_token_scores(t, special), Catch::Contains("pretext[eval.214]"));

  // The same tokens are hidden when a run is done in two parts.
  struct stopper {
    int seen = 0;
    void on_step(trainer& own, const px::train::step_report&) { if (++seen == 60) own.stop(); }
  };
  px::train::fit_tokens(twin, known, {.steps = 150}, stopper{});
  px::train::fit_tokens(twin, known, {.steps = 150});
  const auto &a = t.players()[0].parameters, &b = twin.players()[0].parameters;
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST_CASE("masked_language: a step that hides nothing has loss 0 and leaves no gradient", "[method][masked_language]") {
  using trainer = px::train::trainer<small_bert<px::train::f64>, px::backend::reference>;
  trainer t(without_dropout<trainer>(29, 8, 2));
  const std::vector<std::int32_t> tokens{5, 6, 8, 9, 11, 12, 14, 15, 5, 6, 8, 9, 11, 12, 14, 15}, lengths{8, 0};
  t.step({tokens.data(), lengths.data(), 2, 8});
  CHECK(t.loss() == 0);
  for (const double v : t.players()[0].state0) REQUIRE(v == 0);
}

TEST_CASE("masked_language: a tied output of another width than the words is refused", "[method][masked_language]") {
  struct narrow : px::recipe::bert {
    using words = px::recipe::bert_network<1, 2, 32, 8>::words;
    using encoder = px::recipe::bert_network<1, 2, 32, 8>::encoder;
    using head = nn::linear<16>;
  };
  using trainer = px::train::trainer<narrow, px::backend::reference>;
  trainer::settings_type s{};
  s.words.words = 29;
  s.length = 8;
  CHECK_THROWS_WITH(trainer(s), Catch::Contains("pretext[value.309]"));
}
