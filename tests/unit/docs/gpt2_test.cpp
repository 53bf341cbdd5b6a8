// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/methods/gpt2.md, compiled and run. The text between the marks is that of the page.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

// [doc:recipe]
#include <pretext/recipe/gpt2.hpp>

namespace px = pretext;

/// Six blocks of width 384 over 256 positions, with dropout.
struct larger_gpt : px::recipe::gpt2 {
  using words = px::recipe::gpt2_network<6, 6, 384, 256>::words;
  using encoder = px::recipe::gpt2_network<6, 6, 384, 256>::encoder;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    px::recipe::gpt2::defaults(s);
    if constexpr (requires { s.length; }) s.length = 256;
    if constexpr (requires { child<0>(s.encoder.layers).block.dropout; }) child<0>(s.encoder.layers).block.dropout = 0.2;
  }
};
// [doc:end]

#include "../io/scratch.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/eval/continue_text.hpp"
#include "pretext/io/model.hpp"
#include "pretext/train/describe.hpp"
#include "pretext/train/fit_tokens.hpp"
#include "pretext/train/player_model.hpp"
#include "support/catch.hpp"

// [doc:learn]
template <class Trainer>
std::vector<std::int32_t> learn(Trainer& trainer, const std::vector<std::int32_t>& known, const std::vector<std::int32_t>& unseen,
                                const std::string& file) {
  px::train::fit_tokens(trainer, known, {.steps = 2000});
  const px::eval::token_scores scores = px::eval::next_token_scores(trainer, unseen);  // .loss, .perplexity(), .accuracy
  std::printf("%.3f nats a token\n", scores.loss);
  px::io::save_safetensors(file, px::train::player_model(trainer));                    // under transformers' names
  std::vector<std::int32_t> text{known[0]};
  px::eval::continue_text(trainer, text, 100, px::generate::sampling{.temperature = 0.8f});
  return text;
}
// [doc:end]

namespace {
/// The page's functions at a size that a test has time for.
struct tiny_gpt : px::recipe::gpt2 {
  using words = px::recipe::gpt2_network<1, 2, 16, 8>::words;
  using encoder = px::recipe::gpt2_network<1, 2, 16, 8>::encoder;
};
}  // namespace

TEST_CASE("gpt2: the page's recipe fits together", "[docs][recipe]") {
  using made = px::train::trainer<larger_gpt, px::backend::reference>;
  made::settings_type s{};
  s.words.words = 65;
  s.batch_size = 1;
  const made trainer(s);
  CHECK(trainer.settings().length == 256);
  CHECK(child<0>(trainer.settings().encoder.layers).block.dropout == 0.2);
  CHECK(trainer.players()[0].table.parameter_count() == 65 * 384 + 256 * 384 + 6 * (12 * 384 * 384 + 13 * 384) + 2 * 384);
}

TEST_CASE("gpt2: what the page does with a trainer runs, and the model comes back from its file", "[docs][recipe]") {
  const io_test::scratch folder;
  const std::string file = folder / "model.safetensors";
  using trainer = px::train::trainer<tiny_gpt, px::backend::simd<>>;
  trainer::settings_type s{};
  s.words.words = 5;
  s.length = 8;
  trainer t(s), other(s);
  std::vector<std::int32_t> text;
  for (int i = 0; i < 400; ++i) text.push_back(i % 5);
  const auto written = learn(t, text, text, file);
  REQUIRE(written.size() == 101);
  int right = 0;
  for (std::size_t i = 1; i < written.size(); ++i) right += written[i] == (written[i - 1] + 1) % 5;
  CHECK(right >= 98);  // the rule of the text
  px::io::load_safetensors(file, px::train::player_model(other));
  const auto &a = t.players()[0].parameters, &b = other.players()[0].parameters;
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}
