// SPDX-License-Identifier: BSD-3-Clause
// Any bytes are refused with pretext::error, or are a tokenizer.json whose tokenizer, written again, reads back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/files.hpp"

using namespace pretext::tokenizer;
namespace json = pretext::io::json;

template <class Make>
static void round_trip(std::string_view text, const Make& make) {
  try {
    const auto t = make(json::parse(text, "fuzz"));
    const auto again = make(json::parse(tokenizer_json(t), "written"));
    if (again.digest() != t.digest() || again.frame().pair.size() != t.frame().pair.size()) std::abort();
    const auto ids = ids_of(t, "a[MASK] \xC3\xA9\xFF<s>");
    if (ids != ids_of(again, "a[MASK] \xC3\xA9\xFF<s>")) std::abort();
    (void)text_of(t, ids);
  } catch (const pretext::error&) {
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  round_trip(text, [](const json::value& v) { return detail::wordpiece_of("fuzz", v); });
  round_trip(text, [](const json::value& v) { return detail::bpe_of("fuzz", v); });
  return 0;
}
