// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/tokenizer/wordpiece.hpp"

#include "golden.hpp"
#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/files.hpp"
#include "support/catch.hpp"

using namespace pretext::tokenizer;
using namespace tokenizer_test;
using list = std::vector<std::int32_t>;

namespace {
wordpiece small(wordpiece_settings s = {}) {
  vocabulary v({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "a", "##b", "!", "\xE4\xBD\xA0", "caf", "##e", "\xC3\x9F", "\xCE\xB1", "##\xCF\x83"});
  return wordpiece(std::move(v), std::move(s), {{.id = 4, .content = "[MASK]"}}, bert_frame(2, 3));
}
}  // namespace

TEST_CASE("wordpiece: the longest piece, then the longest that continues; else the whole word is unknown", "[tokenizer][wordpiece]") {
  const wordpiece t = small();
  CHECK(ids_of(t, "unaffable") == list{5, 6, 7});
  CHECK(ids_of(t, "unaffablex a") == list{1, 8});
  CHECK(ids_of(t, "UNAFFABLE!ab") == list{5, 6, 7, 10, 8, 9});
  CHECK(ids_of(t, "b") == list{1});                                   // it only continues
  CHECK(ids_of(t, "##b") == list{1, 1, 1});                           // '#' is punctuation
  CHECK(ids_of(t, "") == list{});
  CHECK(ids_of(t, " \t\n\xE3\x80\x80") == list{});
}

TEST_CASE("wordpiece: offsets are bytes of the source, also where the normaliser took some away", "[tokenizer][wordpiece]") {
  const wordpiece t = small();
  CHECK(tokens_of(t, "  caf\xC3\xA9") == std::vector<token>{{12, 2, 5}, {13, 5, 7}});
  CHECK(tokens_of(t, "CAFE\xCC\x81 a") == std::vector<token>{{12, 0, 3}, {13, 3, 4}, {8, 7, 8}});
  CHECK(tokens_of(t, "a\xE4\xBD\xA0" "b") == std::vector<token>{{8, 0, 1}, {11, 1, 4}, {1, 4, 5}});
  CHECK(tokens_of(t, "u\xE2\x80\x8Bn") == std::vector<token>{{5, 0, 5}});  // U+200B vanishes
  CHECK(tokens_of(t, "a[MASK]b [mask]")[1] == token{4, 1, 7});
}

TEST_CASE("wordpiece: broken UTF-8 is taken out, or is a character where nothing is cleaned", "[tokenizer][wordpiece]") {
  CHECK(tokens_of(small(), "a\xFF" "b\xC3") == std::vector<token>{{8, 0, 1}, {9, 2, 3}});
  CHECK(ids_of(small({.basic = {.clean_text = false}}), "a\xFF" "b") == list{1});
}

TEST_CASE("wordpiece: a word of 100 characters is looked at, one of 101 is unknown", "[tokenizer][wordpiece]") {
  std::string longest = "a";
  for (int i = 0; i < 99; ++i) longest += "b";
  CHECK(ids_of(small(), longest).size() == 100);
  CHECK(tokens_of(small(), longest + "b ") == std::vector<token>{{1, 0, 101}});
  CHECK(ids_of(small(), std::string(3'000'000, 'a')) == list{1});
  std::string giant;
  for (int i = 0; i < 300'000; ++i) giant += "\xC3\xA9\xCC\xA3";
  CHECK(ids_of(small(), giant) == list{1});
  giant = "a";  // marks that stay and have to be put in order
  for (int i = 0; i < 150'000; ++i) giant += i % 2 == 0 ? "\xE3\x80\xAE" : "\xF0\x9D\x85\xA5";
  CHECK(tokens_of(small(), giant).size() == 1);
}

TEST_CASE("wordpiece: marks that stay come in their canonical order", "[tokenizer][wordpiece]") {
  // U+302E has class 224, U+1D165 has 216; U+0301 goes.
  const wordpiece t(vocabulary({"[UNK]", "a\xF0\x9D\x85\xA5\xE3\x80\xAE", "a\xE3\x80\xAE"}));
  CHECK(ids_of(t, "a\xE3\x80\xAE\xCC\x81\xF0\x9D\x85\xA5 a\xF0\x9D\x85\xA5\xE3\x80\xAE") == list{1, 1});
  CHECK(ids_of(t, "a\xE3\x80\xAE" "a\xF0\x9D\x85\xA5") == list{0});
}

TEST_CASE("wordpiece: accents and case as set", "[tokenizer][wordpiece]") {
  CHECK(ids_of(small({.basic = {.lower_case = false}}), "UN un") == list{1, 5});
  CHECK(ids_of(small({.basic = {.strip_accents = false}}), "caf\xC3\xA9") == list{1});
  CHECK(ids_of(small(), "\xCE\x91\xCE\xA3") == list{15, 16});         // lower case of one code point at a time
  CHECK(ids_of(small({.basic = {.split_ideographs = false}}), "a\xE4\xBD\xA0") == list{1});
}

TEST_CASE("wordpiece: decoding joins pieces and closes up before signs", "[tokenizer][wordpiece]") {
  CHECK(text_of(small(), list{5, 6, 7, 10, 8, 9}) == "unaffable! ab");
  CHECK(text_of(small(), list{6, 9}) == "##affb");
  CHECK(has(thrown([] { text_of(small(), list{17}); }), "pretext[tokenizer.003] token 17 is outside the vocabulary of 17"));
}

TEST_CASE("wordpiece: no unknown token is one sentence", "[tokenizer][wordpiece]") {
  CHECK(has(thrown([] { wordpiece(vocabulary({"a", "b"})); }), "pretext[tokenizer.002] the vocabulary has no unknown token \"[UNK]\""));
  CHECK(has(thrown([] { required(small().special().mask, "[MASK]"); }), "pretext[tokenizer.004] the vocabulary has no [MASK] token"));
}

TEST_CASE("wordpiece: a copy and a moved one are whole, the digest tells settings and words apart", "[tokenizer][wordpiece]") {
  wordpiece a = small();
  const wordpiece b = a;
  const wordpiece c = std::move(a);
  CHECK(ids_of(b, "unaffable") == list{5, 6, 7});
  CHECK(ids_of(c, "unaffable") == list{5, 6, 7});
  CHECK(b.digest() == c.digest());
  CHECK(b.digest() != small({.basic = {.lower_case = false}}).digest());
  CHECK(b.digest() != wordpiece(vocabulary({"[UNK]", "a"})).digest());
}

TEST_CASE("wordpiece: ids, offsets and decoded texts are those of the reference", "[tokenizer][wordpiece][golden]") {
  const wordpiece t = load_wordpiece(golden("wordpiece.json"));
  const json::value rows = json::read(golden("strings.json"));
  REQUIRE(rows.items().size() > 200);
  std::size_t order = 0;
  for (const json::value& row : rows.items()) {
    const std::string& text = row.get_string("text");
    INFO(text);
    std::vector<token> found = tokens_of(t, text);
    CHECK(ids(found) == integers(row.at("wordpiece")));
    CHECK(text_of(t, ids(found)) == row.get_string("decoded"));
    to_character_offsets(text, found);
    if (offsets(found) != integers(row.at("wordpiece_offsets"))) ++order;
  }
  CHECK(order == 0);
}
