// SPDX-License-Identifier: BSD-3-Clause
// The snippets of docs/policies/tokenizer.md.
#include <string>

#include "../data/scratch.hpp"
#include "pretext/data/text.hpp"
#include "pretext/data/token_cache.hpp"
#include "pretext/data/token_windows.hpp"
#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/files.hpp"
#include "pretext/tokenizer/train.hpp"
#include "support/catch.hpp"

namespace px = pretext;

TEST_CASE("docs: a tokenizer is loaded and rows are made", "[docs][tokenizer]") {
  const data_test::scratch dir;
  const std::string folder = dir / "bert";
  px::tokenizer::save(px::tokenizer::load_wordpiece(PRETEXT_GOLDEN_DIR "/tokenizer/wordpiece.json"), folder);
  // [doc:use_tokenizer]
  const px::tokenizer::wordpiece bert = px::tokenizer::load_wordpiece(folder);  // tokenizer.json, or vocab.txt
  px::tokenizer::encoder<px::tokenizer::wordpiece> encode(bert);                // one a thread
  const px::tokenizer::encoding& row = encode("is it raining?", "no.", {.max_length = 128, .pad_to = 128});
  // row.ids, row.types, row.source, row.begin, row.end, row.length
  const std::string text = px::tokenizer::text_of(bert, row.ids);
  // [/doc:use_tokenizer]
  CHECK(row.size() == 128);
  CHECK(text.starts_with("[CLS] is it raining? [SEP] no. [SEP] [PAD] [PAD]"));
}

TEST_CASE("docs: a tokenizer is trained and saved", "[docs][tokenizer]") {
  const data_test::scratch dir;
  const std::string folder = dir / "mine";
  // [doc:train_tokenizer]
  px::tokenizer::bpe_trainer trainer({.vocabulary_size = 300, .special_tokens = {"<|endoftext|>"}});
  trainer.feed("low lower lowest, new newer newest");
  const px::tokenizer::byte_bpe bpe = trainer.train();
  px::tokenizer::save(bpe, folder);
  // [/doc:train_tokenizer]
  CHECK(px::tokenizer::load_bpe(folder).digest() == bpe.digest());
}

TEST_CASE("docs: a corpus becomes windows of tokens", "[docs][tokenizer]") {
  const data_test::scratch dir;
  const std::string folder = dir / "corpus";
  std::filesystem::create_directories(folder);
  std::string text;
  for (int i = 0; i < 300; ++i) text += "line " + std::to_string(i) + " of a text\n";
  io_test::put(folder + "/a.txt", text);
  const px::tokenizer::byte_bpe bpe = px::tokenizer::load_bpe(PRETEXT_GOLDEN_DIR "/tokenizer/bpe.json");
  // [doc:token_cache]
  const std::vector<std::string> files = px::data::text_files(folder);  // the .txt files in it
  const px::data::token_cache tokens = px::data::cached_tokens(folder + "/corpus.tokens", bpe, files, {.separator = bpe.special().last});
  px::data::window_sampler windows(tokens.size(), {.length = 64, .batch_size = 8, .seed = 1});
  std::vector<std::int32_t> row(64 + 1);
  for (const px::index_t begin : windows.begins(0)) tokens.read(begin, row);  // step 0: inputs row[0..63], targets row[1..64]
  // [/doc:token_cache]
  CHECK(tokens[tokens.size() - 1] == bpe.special().last);
  CHECK(windows.windows() > 20);
}
