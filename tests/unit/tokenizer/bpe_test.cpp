// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/tokenizer/bpe.hpp"

#include "golden.hpp"
#include "pretext/core/rng.hpp"
#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/files.hpp"
#include "support/catch.hpp"

using namespace pretext::tokenizer;
using namespace tokenizer_test;
using list = std::vector<std::int32_t>;

namespace {
std::vector<std::string> bytes_and(std::vector<std::string> more) {
  std::vector<std::string> texts;
  for (unsigned b = 0; b < 256; ++b) texts.push_back(to_alphabet(std::string(1, static_cast<char>(b))));
  texts.insert(texts.end(), more.begin(), more.end());
  return texts;
}
/// Ids 0 to 255 are the bytes.
byte_bpe small(bpe_settings s = {}) {
  return byte_bpe(vocabulary(bytes_and({"ab", "bc", "abc", "aa", "\xC4\xA0" "a", "aaaa", "<|end|>"})),
                  {{"a", "b"}, {"b", "c"}, {"ab", "c"}, {"a", "a"}, {"\xC4\xA0", "a"}, {"aa", "aa"}}, s, {{.id = 262, .content = "<|end|>"}});
}
std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t to = next_piece(text, at, text.size());
    out.push_back(text.substr(at, to - at));
    at = to;
  }
  return out;
}
using texts = std::vector<std::string>;
}  // namespace

TEST_CASE("byte_alphabet: 256 characters, and back", "[tokenizer][bpe]") {
  CHECK(alphabet.character(' ') == 0x120);
  CHECK(alphabet.character('\n') == 0x10A);
  CHECK(alphabet.character('!') == '!');
  CHECK(alphabet.character(173) == 0x143);
  for (int b = 0; b < 256; ++b) CHECK(alphabet.byte(alphabet.character(static_cast<unsigned char>(b))) == b);
  for (const char32_t c : {char32_t{0}, char32_t{32}, char32_t{127}, char32_t{160}, char32_t{173}, char32_t{324}, char32_t{0x4F60}}) CHECK(alphabet.byte(c) == -1);
}

TEST_CASE("next_piece: the alternatives of GPT-2's expression, in their order", "[tokenizer][bpe]") {
  CHECK(pieces("Hello world") == texts{"Hello", " world"});
  CHECK(pieces("I'll  go\n\n now") == texts{"I", "'ll", " ", " go", "\n\n", " now"});
  CHECK(pieces("a  b") == texts{"a", " ", " b"});
  CHECK(pieces("a \n b") == texts{"a", " \n", " b"});
  CHECK(pieces("a\n\nb") == texts{"a", "\n", "\n", "b"});
  CHECK(pieces("a   ") == texts{"a", "   "});
  CHECK(pieces("x'S 123abc") == texts{"x", "'", "S", " 123", "abc"});
  CHECK(pieces("''s") == texts{"''", "s"});
  CHECK(pieces(" 's") == texts{" '", "s"});
  CHECK(pieces("'re've'll'd'm't'r") == texts{"'re", "'ve", "'ll", "'d", "'m", "'t", "'", "r"});
  CHECK(pieces("\t\ta b") == texts{"\t", "\t", "a", " b"});
  CHECK(pieces("a\xC2\xA0\xC2\xA0" "b") == texts{"a", "\xC2\xA0", "\xC2\xA0", "b"});
  CHECK(pieces("\xFF\xFE!") == texts{"\xFF\xFE!"});
  CHECK(pieces("1\xC2\xBD\xE2\x85\xA7") == texts{"1\xC2\xBD\xE2\x85\xA7"});
}

TEST_CASE("byte_bpe: the least rank first, of equals the leftmost", "[tokenizer][bpe]") {
  const byte_bpe t = small();
  CHECK(ids_of(t, "abc") == list{258});
  CHECK(ids_of(t, "bc") == list{257});
  CHECK(ids_of(t, "aaa") == list{259, 'a'});
  CHECK(ids_of(t, "aaaaaab") == list{261, 'a', 256});          // ab has rank 0
  CHECK(ids_of(t, " a<|end|>a") == list{260, 262, 'a'});
  CHECK(tokens_of(t, "aab c") == std::vector<token>{{'a', 0, 1}, {256, 1, 3}, {' ', 3, 4}, {'c', 4, 5}});
  CHECK(ids_of(t, "") == list{});
}

TEST_CASE("byte_bpe: long pieces go through a heap and come to the same tokens", "[tokenizer][bpe]") {
  const byte_bpe t = small();
  pretext::rng::stream draw(pretext::rng::key{.seed = 3});
  for (const std::size_t n : {1u, 7u, 13u, 31u, 63u, 64u, 65u, 66u, 257u, 1000u}) {
    for (int round = 0; round < 20; ++round) {
      std::string text;
      for (std::size_t i = 0; i < n; ++i) text += "aaabc"[draw.below(5)];
      // By hand: the best pair of all, again and again.
      std::vector<std::string> parts;
      for (const char c : text) parts.push_back(std::string(1, c));
      for (;;) {
        std::size_t best = 0, rank = t.merges().size();
        for (std::size_t i = 0; i + 1 < parts.size(); ++i)
          for (std::size_t m = 0; m < rank; ++m)
            if (t.merges()[m] == byte_bpe::merge{parts[i], parts[i + 1]}) {
              best = i;
              rank = m;
            }
        if (rank == t.merges().size()) break;
        parts[best] += parts[best + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      }
      list expected;
      for (const std::string& p : parts) expected.push_back(t.find(p));
      CHECK(ids_of(t, text) == expected);
    }
  }
  CHECK(ids_of(t, std::string(1'000'000, 'a')).size() == 250'000);
}

TEST_CASE("byte_bpe: a space before the text where it is asked for is no byte of the source", "[tokenizer][bpe]") {
  const byte_bpe t = small({.add_prefix_space = true});
  CHECK(tokens_of(t, "a") == std::vector<token>{{260, 0, 1}});
  CHECK(tokens_of(t, " a") == std::vector<token>{{260, 0, 2}});
  CHECK(tokens_of(t, "b<|end|>a") == std::vector<token>{{' ', 0, 0}, {'b', 0, 1}, {262, 1, 8}, {260, 8, 9}});
}

TEST_CASE("byte_bpe: decoding gives any bytes back", "[tokenizer][bpe]") {
  const byte_bpe t = load_bpe(golden("bpe.json"));
  byte_bpe::cache cache;
  pretext::rng::stream draw(pretext::rng::key{.seed = 4});
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint32_t n = draw.below(120); n > 0; --n) text += static_cast<char>(draw.below(round % 3 == 0 ? 256 : 128));
    std::vector<token> found;
    t.encode(text, found, cache);
    std::string back;
    const list numbers = ids(found);
    t.decode({numbers.data(), numbers.size()}, back);
    REQUIRE(back == text);
    std::uint32_t at = 0;
    for (const token& k : found) {
      REQUIRE(k.begin == at);
      at = k.end;
    }
    REQUIRE(at == text.size());
  }
}

TEST_CASE("byte_bpe: a cache that served another tokenizer is emptied", "[tokenizer][bpe]") {
  const byte_bpe a = small();
  const byte_bpe b(vocabulary(bytes_and({"bc"})), {{"b", "c"}});
  byte_bpe::cache cache;
  std::vector<token> out;
  a.encode("abc", out, cache);
  b.encode("abc", out, cache);
  CHECK(ids(out) == list{258, 'a', 256});
}

TEST_CASE("byte_bpe: a vocabulary that cannot spell, and merges of another one, are one sentence each", "[tokenizer][bpe]") {
  std::vector<std::string> lacking = bytes_and({});
  lacking[255] = "zz";
  CHECK(has(thrown([&] { byte_bpe(vocabulary(lacking), {}); }), "pretext[tokenizer.008] the vocabulary has no token \"\xC3\xBF\" for the byte 255"));
  CHECK(has(thrown([] { byte_bpe(vocabulary(bytes_and({"ab"})), {{"a", "b"}, {"ab", "c"}}); }), "pretext[tokenizer.007] merge 2: \"abc\" is not in the vocabulary"));
  CHECK(has(thrown([] { text_of(small(), list{-1}); }), "pretext[tokenizer.003] token -1"));
}

TEST_CASE("byte_bpe: ids and offsets are those of the reference", "[tokenizer][bpe][golden]") {
  const byte_bpe t = load_bpe(golden("bpe.json"));
  const json::value rows = json::read(golden("strings.json"));
  REQUIRE(rows.items().size() > 200);
  for (const json::value& row : rows.items()) {
    const std::string& text = row.get_string("text");
    INFO(text);
    std::vector<token> found = tokens_of(t, text);
    CHECK(ids(found) == integers(row.at("bpe")));
    CHECK(text_of(t, ids(found)) == text);
    to_character_offsets(text, found);
    CHECK(offsets(found) == integers(row.at("bpe_offsets")));
  }
}
