// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/tokenizer/encoding.hpp"

#include "golden.hpp"
#include "pretext/tokenizer/files.hpp"
#include "pretext/tokenizer/simple.hpp"
#include "support/catch.hpp"

using namespace pretext::tokenizer;
using namespace tokenizer_test;
using list = std::vector<std::int32_t>;

TEST_CASE("encoder: pairs are cut and padded as the reference does it", "[tokenizer][encoding][golden]") {
  const wordpiece t = load_wordpiece(golden("wordpiece.json"));
  encoder<wordpiece> encode(t);
  std::size_t refused = 0;
  const json::value rows = json::read(golden("pairs.json"));
  for (const json::value& row : rows.items()) {
    const std::string& strategy = row.get_string("strategy");
    encoding_settings s{.max_length = static_cast<std::size_t>(row.get_integer("length")), .pad_to = 12};
    s.cut = strategy == "longest_first" ? truncation::longest_first : strategy == "only_first" ? truncation::only_first : truncation::only_second;
    INFO(row.get_string("first") << " | " << row.get_string("second") << " | " << strategy << " " << s.max_length);
    if (row.find("ids") == nullptr) {
      CHECK(has(thrown([&] { encode(row.get_string("first"), row.get_string("second"), s); }), "pretext[tokenizer.011]"));
      ++refused;
      continue;
    }
    const encoding& e = encode(row.get_string("first"), row.get_string("second"), s);
    CHECK(e.ids == integers(row.at("ids")));
    const list types(e.types.begin(), e.types.end());
    CHECK(types == integers(row.at("types")));
    CHECK(static_cast<std::int64_t>(e.length) == row.get_integer("used"));
  }
  CHECK(refused > 10);
}

TEST_CASE("encoder: offsets belong to the text that the source names", "[tokenizer][encoding]") {
  const wordpiece t = load_wordpiece(golden("wordpiece.json"));
  encoder<wordpiece> encode(t);
  const encoding& e = encode("a", "x y", {.pad_to = 8});
  CHECK(e.source == std::vector<std::uint8_t>{2, 0, 2, 1, 1, 2, 2, 2});
  CHECK(e.begin[4] == 2);
  CHECK(e.end[4] == 3);
  CHECK(e.length == 6);
  CHECK(encode("a", {.special_tokens = false}).ids == ids_of(t, "a"));
  CHECK(encode("a b c d e", {.max_length = 4}).ids.size() == 4);
  CHECK(has(thrown([&] { encode("a", {.max_length = 1}); }), "pretext[tokenizer.011] max_length 1 has no room for 2 special tokens"));
  CHECK(has(thrown([&] { encode("a b", {.max_length = 3, .cut = truncation::only_second}); }), "pretext[tokenizer.011]"));
}

TEST_CASE("encoder: padding needs a padding token", "[tokenizer][encoding]") {
  const byte_bpe t = load_bpe(golden("bpe.json"));
  encoder<byte_bpe> encode(t);
  CHECK(has(thrown([&] { encode("a", {.pad_to = 3}); }), "pretext[tokenizer.004] the vocabulary has no padding token"));
}

TEST_CASE("offsets: characters, and without white space", "[tokenizer][encoding]") {
  const std::string text = "a\xC3\xA9 \xF0\x9F\x99\x82z";
  std::vector<token> split = {{0, 0, 1}, {0, 1, 2}, {0, 2, 3}, {0, 3, 5}, {0, 5, 8}, {0, 8, 9}};
  to_character_offsets(text, split);
  CHECK(offsets(split) == list{0, 1, 1, 2, 1, 2, 2, 4, 3, 4, 4, 5});
  std::vector<token> spaced = {{0, 0, 3}, {0, 3, 5}};
  trim_offsets(" ab  ", spaced);
  CHECK(offsets(spaced) == list{1, 3, 5, 5});
  CHECK(with_replacements("a\xFF\xC3\xA9\xC3") == "a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD");
}

TEST_CASE("bytes, characters, words: ids and texts by hand", "[tokenizer][simple]") {
  CHECK(ids_of(bytes{}, "A\xFF") == list{65, 255});
  CHECK(text_of(bytes{}, list{65, 258, 255}) == "A\xFF");
  const characters letters("ba\xC3\xA9" "ab\xFF");
  CHECK(letters.vocabulary_size() == 8);
  CHECK(ids_of(letters, "abc\xC3\xA9\xFF") == list{5, 6, 0, 7, 0});
  CHECK(text_of(letters, list{5, 7, 0}) == "a\xC3\xA9\xEF\xBF\xBD");
  CHECK(tokens_of(letters, "\xC3\xA9" "a")[1] == token{5, 2, 3});
  CHECK(characters::of({U'b', U'a', U'a'}).vocabulary_size() == 7);
  CHECK(has(thrown([] { characters::of({0xD800}); }), "pretext[tokenizer.005]"));
  const words w = words::of("the cat, the Cat; the end. b a", 9);
  CHECK(w.vocabulary_size() == 9);
  CHECK(ids_of(w, "The CAT the dog") == list{5, 6, 5, 1});
  CHECK(w.token_text(7) == ",");
  CHECK(w.token_text(8) == ".");
  CHECK(text_of(w, list{5, 6, 8}) == "the cat.");
  CHECK(ids_of(w, "thecat") == list{1});
  CHECK(has(thrown([] { words::of("a", 5); }), "pretext[tokenizer.012]"));
  CHECK(bytes::digest() != letters.digest());
  CHECK(letters.digest() != characters("ab").digest());
}
