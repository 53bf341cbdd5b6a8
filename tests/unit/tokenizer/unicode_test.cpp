// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/tokenizer/unicode.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace unicode = pretext::tokenizer::unicode;

namespace {
std::u32string of(const unicode::points& p) { return {p.value, p.value + p.count}; }
}  // namespace

TEST_CASE("unicode: every code point has what the script computed before it made tables", "[tokenizer][unicode]") {
  std::uint64_t digest = 0xCBF29CE484222325u;
  const auto add = [&](std::uint64_t v) { digest = (digest ^ v) * 0x100000001B3u; };
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    add(unicode::flags_of(c));
    add(unicode::order_of(c));
    for (const char32_t l : of(unicode::lower_of(c))) add(l);
    for (const char32_t p : of(unicode::parts_of(c))) add(p);
  }
  CHECK(digest == unicode::tables::digest);
}

TEST_CASE("unicode: what well-known code points are", "[tokenizer][unicode]") {
  using namespace unicode;
  CHECK(flags_of(U'a') == letter);
  CHECK(flags_of(U'7') == number);
  CHECK(flags_of(U'$') == punctuation);
  CHECK(flags_of(U'\n') == space);
  CHECK(flags_of(U'\v') == (space | dropped));
  CHECK(flags_of(0) == dropped);
  CHECK(flags_of(0xFFFD) == dropped);
  CHECK(flags_of(0x200B) == dropped);
  CHECK(flags_of(0x3000) == space);
  CHECK(flags_of(0x301) == mark);
  CHECK(flags_of(0x4F60) == (letter | ideograph));
  CHECK(flags_of(0x2B820) == letter);              // not among the reference's ideographs, which begin at 2B920
  CHECK(flags_of(0x2167) == number);               // VIII
  CHECK(flags_of(0x3002) == punctuation);
  CHECK(flags_of(0x10FFFF) == 0);
  CHECK(order_of(0x301) == 230);
  CHECK(order_of(0x327) == 202);
  CHECK(of(lower_of(U'Z')) == U"z");
  CHECK(of(lower_of(0xC9)) == U"\u00E9");
  CHECK(of(lower_of(0x130)) == U"i\u0307");
  CHECK(of(lower_of(0x3A3)) == U"\u03C3");         // never the final form: a code point alone has no end of a word
  CHECK(of(lower_of(0x1E9E)) == U"\u00DF");
  CHECK(of(lower_of(0x10400)) == U"\U00010428");
  CHECK(of(parts_of(0xE9)) == U"e\u0301");
  CHECK(of(parts_of(0x1F87)) == U"\u03B1\u0314\u0342\u0345");
  CHECK(of(parts_of(0xAC01)) == U"\u1100\u1161\u11A8");
  CHECK(of(parts_of(0xAC00)) == U"\u1100\u1161");
  CHECK(of(parts_of(0xD7A3)) == U"\u1112\u1175\u11C2");
  CHECK(of(parts_of(0x212B)) == U"A\u030A");
  CHECK(of(parts_of(0xFB01)) == U"\uFB01");        // a compatibility decomposition is none here
}

TEST_CASE("unicode: bytes that are not UTF-8 are U+FFFD, one each", "[tokenizer][unicode]") {
  const std::string text = "a\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x99\x82\xC3(\xED\xA0\x80\xF8\xC0\x80";
  std::u32string seen;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::point p = unicode::point_at(text, at);
    seen += p.value;
    at += p.bytes;
  }
  CHECK(seen == U"a\u00E9\u4F60\U0001F642\uFFFD(\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
}
