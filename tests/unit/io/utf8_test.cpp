// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/utf8.hpp"

#include "support/catch.hpp"

namespace io = pretext::io;

TEST_CASE("utf8: every code point is written as a sequence that is accepted, and no surrogate is", "[io][utf8]") {
  unsigned wrong = 0;
  for (std::uint32_t c = 0; c < 0x110000; ++c) {
    std::string text;
    io::append_utf8(text, c);
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    wrong += io::utf8_length(text, 0) != (surrogate ? 0 : text.size());
    wrong += text.size() != (c < 0x80 ? 1u : c < 0x800 ? 2u : c < 0x10000 ? 3u : 4u);
  }
  CHECK(wrong == 0);
}

TEST_CASE("utf8: of all sequences of two and three bytes exactly the well-formed ones are accepted", "[io][utf8]") {
  unsigned two = 0, three = 0;
  for (unsigned a = 0x80; a < 256; ++a)
    for (unsigned b = 0; b < 256; ++b) {
      const std::string pair = {static_cast<char>(a), static_cast<char>(b)};
      two += io::utf8_length(pair, 0) == 2;
      for (unsigned c = 0; c < 256; ++c) three += io::utf8_length(pair + static_cast<char>(c), 0) == 3;
    }
  CHECK(two == 0x800 - 0x80);
  CHECK(three == 0x10000 - 0x800 - 0x800);  // without the surrogates
}

TEST_CASE("utf8: the first wrong byte is found", "[io][utf8]") {
  CHECK(io::first_invalid_utf8("") == 0);
  CHECK(io::first_invalid_utf8("abc\xC3\xA9") == 5);
  CHECK(io::first_invalid_utf8("abc\xC3") == 3);
  CHECK(io::first_invalid_utf8("\xF0\x9F\x99\x82\x80") == 4);
  CHECK(io::first_invalid_utf8("\xF4\x90\x80\x80") == 0);
}
