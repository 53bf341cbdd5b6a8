// SPDX-License-Identifier: BSD-3-Clause
// build: O2
#include <algorithm>
#include <filesystem>

#include "golden.hpp"
#include "pretext/tokenizer/encoding.hpp"
#include "pretext/tokenizer/files.hpp"
#include "support/catch.hpp"

using namespace pretext::tokenizer;
using namespace tokenizer_test;
using list = std::vector<std::int32_t>;

namespace {
wordpiece bert() { return load_wordpiece(real_data() + "/vocab/bert-base-uncased-vocab.txt"); }
byte_bpe gpt2() { return load_bpe(real_data() + "/vocab/gpt2-encoder.json", real_data() + "/vocab/gpt2-vocab.bpe"); }
bool no_data() {
  if (there(real_data() + "/vocab/gpt2-vocab.bpe")) return false;
  WARN("no real data: set PRETEXT_DATA to its folder");
  return true;
}

template <class T>
void compare(const T& t, const std::string& key) {
  typename T::cache cache;
  const json::value rows = json::read(golden("corpora.json"));
  for (const json::value& row : rows.items()) {
    const std::string place = real_data() + "/" + row.get_string("file");
    if (!there(place)) continue;
    std::vector<std::string> files;
    if (std::filesystem::is_directory(place)) {
      for (const auto& entry : std::filesystem::directory_iterator(place))
        if (entry.path().extension() == ".txt") files.push_back(entry.path().string());
      std::sort(files.begin(), files.end());
    } else {
      files.push_back(place);
    }
    std::uint64_t hash = 0xCBF29CE484222325u;
    std::int64_t count = 0;
    for (const std::string& file : files) {
      std::vector<token> out;
      t.encode(read_text(file), out, cache);
      count += static_cast<std::int64_t>(out.size());
      for (const token& k : out) hash = (hash ^ static_cast<std::uint64_t>(k.id)) * 0x100000001B3u;
    }
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    INFO(place);
    CHECK(count == row.get_integer(key + "_count"));
    CHECK(std::string(text) == row.get_string(key));
  }
}
}  // namespace

TEST_CASE("wordpiece: bert-base-uncased gives the published ids", "[tokenizer][wordpiece][data]") {
  if (no_data()) return;
  const wordpiece t = bert();
  CHECK(t.vocabulary_size() == 30522);
  encoder<wordpiece> encode(t);
  CHECK(encode("Hello, world!").ids == list{101, 7592, 1010, 2088, 999, 102});
  CHECK(ids_of(t, "na\xC3\xAFve caf\xC3\xA9") == list{15743, 7668});
  CHECK(ids_of(t, "unaffable") == list{14477, 20961, 3468});
  CHECK(ids_of(t, "don't $5.00") == list{2123, 1005, 1056, 1002, 1019, 1012, 4002});
  CHECK(ids_of(t, "a[MASK]b [mask]") == list{1037, 103, 1038, 1031, 7308, 1033});
  CHECK(ids_of(t, "a\xE2\x80\x8B" "b") == list{11113});
  CHECK(ids_of(t, "\xE9\x93\xA0\xE9\x93\xA1") == list{100, 100});
  CHECK(ids_of(t, std::string(101, 'x')) == list{100});
  CHECK(t.special().mask == 103);
  CHECK(t.special().padding == 0);
}

TEST_CASE("byte_bpe: gpt2 gives the published ids", "[tokenizer][bpe][data]") {
  if (no_data()) return;
  const byte_bpe t = gpt2();
  CHECK(t.vocabulary_size() == 50257);
  CHECK(t.merges().size() == 50000);
  CHECK(ids_of(t, "Hello world") == list{15496, 995});
  CHECK(ids_of(t, " Hello world") == list{18435, 995});
  CHECK(ids_of(t, "I'll  go\n\n now") == list{40, 1183, 220, 467, 628, 783});
  CHECK(ids_of(t, "na\xC3\xAFve \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x99\x82") == list{2616, 38776, 220, 19526, 254, 25001, 121, 32485});
  CHECK(ids_of(t, "x'S 123abc") == list{87, 6, 50, 17031, 39305});
  CHECK(ids_of(t, "a<|endoftext|>") == list{64, 50256});
  CHECK(t.special().last == 50256);
}

TEST_CASE("wordpiece: whole corpora become the ids of the reference", "[tokenizer][wordpiece][data]") {
  if (no_data()) return;
  compare(bert(), "bert");
}
TEST_CASE("byte_bpe: whole corpora become the ids of the reference", "[tokenizer][bpe][data]") {
  if (no_data()) return;
  compare(gpt2(), "gpt2");
}
