// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/tokenizer/train.hpp"

#include "golden.hpp"
#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/files.hpp"
#include "support/catch.hpp"

using namespace pretext::tokenizer;
using namespace tokenizer_test;
using list = std::vector<std::int32_t>;

namespace {
std::string corpus() { return read_text(std::string(PRETEXT_GOLDEN_DIR) + "/tokenizer_corpus.txt"); }
}  // namespace

TEST_CASE("bpe_trainer: the merges and the vocabulary of the reference on the same text", "[tokenizer][train][golden]") {
  const byte_bpe reference = load_bpe(golden("bpe.json"));
  bpe_trainer trainer({.vocabulary_size = 900, .special_tokens = {"<|endoftext|>"}});
  trainer.feed_lines(corpus());
  const byte_bpe t = trainer.train();
  CHECK(t.merges() == reference.merges());
  CHECK(t.vocabulary().texts() == reference.vocabulary().texts());
  CHECK(t.digest() == reference.digest());
}

TEST_CASE("wordpiece_trainer: the vocabulary of the reference on the same text", "[tokenizer][train][golden]") {
  const wordpiece reference = load_wordpiece(golden("wordpiece.json"));
  // The "##x" of characters in the reference's file have the numbers that its script gave them.
  train_settings s{.vocabulary_size = static_cast<std::size_t>(reference.vocabulary_size())};
  s.special_tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (std::int32_t id = 5; reference.vocabulary().text(id).starts_with("##"); ++id) s.special_tokens.push_back(reference.vocabulary().text(id));
  REQUIRE(s.special_tokens.size() > 100);
  wordpiece_trainer trainer(s);
  trainer.feed(corpus());
  const wordpiece t = trainer.train();
  CHECK(t.vocabulary().texts() == reference.vocabulary().texts());
  CHECK(t.added().list().size() == 5);
}

TEST_CASE("bpe_trainer: counts decide, then the smaller ids", "[tokenizer][train]") {
  bpe_trainer trainer({.vocabulary_size = 256 + 4});
  trainer.feed("ab ab ab cd cd xy");
  const byte_bpe t = trainer.train();
  // " a" and "ab" come 2 and 3 times, " c" and "cd" twice: "a" has the smaller id, then "c" before the space's character.
  CHECK(t.merges() == std::vector<byte_bpe::merge>{{"a", "b"}, {"c", "d"}, {"\xC4\xA0", "ab"}, {"\xC4\xA0", "cd"}});
}

TEST_CASE("bpe_trainer: min_frequency ends the training; the order of feeding does not matter", "[tokenizer][train]") {
  bpe_trainer rare({.vocabulary_size = 1000, .min_frequency = 2});
  rare.feed("ab ab ab cd cd xy");
  CHECK(rare.train().merges().size() == 4);
  bpe_trainer forward({.vocabulary_size = 300}), backward({.vocabulary_size = 300});
  forward.feed("one two three two");
  forward.feed(" four");
  backward.feed(" four");
  backward.feed("one two three two");
  CHECK(forward.train().digest() == backward.train().digest());
}

TEST_CASE("wordpiece_trainer: pieces continue with ##, every word of the text can be spelled", "[tokenizer][train]") {
  wordpiece_trainer trainer({.vocabulary_size = 40});
  trainer.feed("low lower lowest new newer newest");
  const wordpiece t = trainer.train();
  CHECK(t.vocabulary_size() <= 40);
  CHECK(t.vocabulary().text(0) == "[PAD]");
  CHECK(t.special().mask == 4);
  for (const std::int32_t id : ids_of(t, "low lower lowest new newer newest")) CHECK(id != 1);
  CHECK(ids_of(t, "lower").size() <= 2);
  wordpiece_trainer narrow({.vocabulary_size = 40, .limit_alphabet = 3});
  narrow.feed("low lower lowest new newer newest");
  int single = 0;
  const wordpiece few = narrow.train();
  for (const std::string& text : few.vocabulary().texts()) single += text.size() == 1;
  CHECK(single == 3);
}

TEST_CASE("trainers: no text and no room are one sentence each", "[tokenizer][train]") {
  CHECK(has(thrown([] { bpe_trainer().train(); }), "pretext[tokenizer.012] there is no text"));
  CHECK(has(thrown([] {
              bpe_trainer t({.vocabulary_size = 256, .special_tokens = {"<s>"}});
              t.feed("a");
              t.train();
            }),
            "pretext[tokenizer.012] a vocabulary of 256 tokens has no room for the 257"));
  CHECK(has(thrown([] {
              wordpiece_trainer t({.special_tokens = {"[PAD]"}});
              t.feed("a");
              t.train();
            }),
            "pretext[tokenizer.002]"));
}
