// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/tokenizer.hpp>

#include <pretext/tokenizer/files.hpp>
#include <pretext/tokenizer/simple.hpp>

#include "support/catch.hpp"

namespace px = pretext;
using px::tokenizer::token;

// [doc:own_tokenizer]
/// Words between spaces, as numbers of a fixed size: the hash of a word is its id.
struct hashed_words {
  static constexpr const char* name = "hashed_words";
  struct cache {};  // nothing to remember between texts
  px::index_t buckets = 1 << 16;

  px::index_t vocabulary_size() const { return buckets; }
  px::tokenizer::special_ids special() const { return {.padding = 0}; }

  void encode(std::string_view text, std::vector<token>& out, cache&) const {
    px::tokenizer::check_text_size(text);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      const std::uint64_t hash = px::tokenizer::digest_builder().add(text.substr(at, end - at)).value();
      const auto id = static_cast<std::int32_t>(1 + hash % static_cast<std::uint64_t>(buckets - 1));
      if (end > at) out.push_back({id, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
      at = end + 1;
    }
  }
  void decode(std::span<const std::int32_t> ids, std::string& out) const {
    for (const std::int32_t id : ids) {
      px::tokenizer::check_id(id, static_cast<std::int32_t>(buckets));
      out += '#' + std::to_string(id) + ' ';
    }
  }
  std::uint64_t digest() const { return px::tokenizer::digest_builder().add(name).add(static_cast<std::uint64_t>(buckets)).value(); }
};
// [/doc:own_tokenizer]

TEST_CASE("check::tokenizer: the page's tokenizer obeys every law", "[check][tokenizer][docs]") {
  // [doc:check_tokenizer]
  const px::check::result found = px::check::tokenizer(hashed_words{}, {.texts = {"what my users write"}});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_tokenizer]
}

TEST_CASE("check::tokenizer: the library's tokenizers obey every law", "[check][tokenizer]") {
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  const std::string golden = PRETEXT_GOLDEN_DIR "/tokenizer/";
  holds(px::check::tokenizer(px::tokenizer::bytes{}, {.lossless = true}));
  holds(px::check::tokenizer(px::tokenizer::characters("abc")));
  holds(px::check::tokenizer(px::tokenizer::words::of("a b c", 8)));
  holds(px::check::tokenizer(px::tokenizer::load_wordpiece(golden + "wordpiece.json")));
  holds(px::check::tokenizer(px::tokenizer::load_bpe(golden + "bpe.json"), {.lossless = true}));
}

namespace {
struct plain : px::tokenizer::bytes {};
struct beyond : plain {
  static void encode(std::string_view text, std::vector<token>& out, cache&) {
    for (std::uint32_t i = 0; i < text.size(); ++i) out.push_back({300 * (text[i] == '\n'), i, i + 1});
  }
};
struct one_too_far : plain {
  static void encode(std::string_view text, std::vector<token>& out, cache&) {
    for (std::uint32_t i = 0; i < text.size(); ++i) out.push_back({1, i, i + 2});
  }
};
struct backwards : plain {
  static void encode(std::string_view text, std::vector<token>& out, cache&) {
    for (auto i = static_cast<std::uint32_t>(text.size()); i > 0; --i) out.push_back({1, i - 1, i});
  }
};
struct remembers : plain {
  struct cache {
    std::int32_t calls = 0;
  };
  static void encode(std::string_view text, std::vector<token>& out, cache& c) {
    c.calls = (c.calls + 1) % 200;
    if (!text.empty()) out.push_back({c.calls, 0, 1});
  }
};
struct clears : plain {
  static void encode(std::string_view text, std::vector<token>& out, cache& c) {
    out.clear();
    bytes::encode(text, out, c);
  }
};
struct refuses : plain {
  static void encode(std::string_view text, std::vector<token>& out, cache& c) {
    if (px::io::first_invalid_utf8(text) < text.size()) px::throw_error("user.001", {"not UTF-8"});
    bytes::encode(text, out, c);
  }
};
struct forgets_a_byte : plain {
  static void encode(std::string_view text, std::vector<token>& out, cache& c) { bytes::encode(text.substr(0, text.size() / 2 * 2), out, c); }
};
struct lower_case : plain {
  static void decode(std::span<const std::int32_t> ids, std::string& out) {
    bytes::decode(ids, out);
    for (char& c : out) c = c == 'H' ? 'h' : c;
  }
};
struct decodes_anything : plain {
  static void decode(std::span<const std::int32_t>, std::string&) {}
};
struct cannot_decode : plain {
  static void decode(std::span<const std::int32_t> ids, std::string&) {
    if (!ids.empty()) px::throw_error("user.002", {"no"});
  }
};
struct strange_special : plain {
  static px::tokenizer::special_ids special() { return {.mask = 260}; }
};
struct empty_vocabulary : plain {
  static px::index_t vocabulary_size() { return 0; }
};
struct random_digest : plain {
  std::uint64_t digest() const { return reinterpret_cast<std::uintptr_t>(this); }
};
}  // namespace

TEST_CASE("check::tokenizer: planted defects are named", "[check][tokenizer]") {
  using px::check::tokenizer;
  CHECK(tokenizer(plain{}, {.lossless = true}).ok());
  CHECK(tokenizer(beyond{}).broken("ids are in the vocabulary"));
  CHECK(tokenizer(one_too_far{}).broken("offsets lie in the text"));
  CHECK(tokenizer(backwards{}).broken("tokens are in the order of the text"));
  CHECK(tokenizer(remembers{}).broken("a fresh and a used cache give the same tokens"));
  CHECK(tokenizer(clears{}).broken("tokens are added to what is there"));
  CHECK(tokenizer(refuses{}).broken("no text is refused, broken UTF-8 included"));
  CHECK(tokenizer(forgets_a_byte{}, {.lossless = true}).broken("lossless: tokens cover every byte once"));
  CHECK(tokenizer(lower_case{}, {.lossless = true}).broken("lossless: decoding gives the bytes back"));
  CHECK(tokenizer(decodes_anything{}).broken("the id -1 is refused"));
  CHECK(tokenizer(decodes_anything{}).broken("the first id beyond the vocabulary is refused"));
  CHECK(tokenizer(cannot_decode{}).broken("what was encoded can be decoded"));
  CHECK(tokenizer(strange_special{}).broken("special ids are in the vocabulary, or -1"));
  CHECK(tokenizer(empty_vocabulary{}).broken("the vocabulary is not empty"));
  CHECK(tokenizer(random_digest{}).broken("the digest is that of a copy"));
}
