// SPDX-License-Identifier: BSD-3-Clause
// Any bytes either are refused with pretext::error or are a table, sentences or questions that are whole. The first byte chooses the form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pretext/data/text.hpp"

namespace data = pretext::data;

static void require(bool holds) {
  if (!holds) std::abort();
}

static std::string quoted(const data::text_table& t) {
  std::string out;
  for (const auto& row : t.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += i == 0 ? "\"" : ",\"";
      for (const char c : row[i]) {
        if (c == '"') out += '"';
        out += c;
      }
      out += '"';
    }
    out += '\n';
  }
  return out;
}

static void try_one(unsigned form, std::string_view text) {
  switch (form % 5) {
    case 0:
    case 1: {
      const data::text_table t = data::parse_csv(text, "fuzz", {.separator = form % 2 == 0 ? ',' : '\t', .header = false, .quotes = form % 3 != 0});
      for (const auto& row : t.rows) require(row.size() == t.columns.size());
      // Written with quotes it reads back as the same.
      require(data::parse_csv(quoted(t), "written", {.header = false}).rows == t.rows);
      return;
    }
    case 2: {
      for (const auto& row : data::parse_jsonl(text, "fuzz", {"text"}).rows) require(row.size() == 1);
      return;
    }
    case 3: {
      for (const data::tagged_sentence& s : data::parse_conllu(text, "fuzz")) {
        const std::size_t n = s.words.size();
        require(n > 0 && s.tags.size() == n && s.features.size() == n && s.heads.size() == n && s.relations.size() == n);
        for (const std::int32_t h : s.heads) require(h >= -1 && h <= static_cast<std::int32_t>(n));
      }
      return;
    }
    default: {
      const data::question_set s = data::parse_squad(text, "fuzz");
      for (const data::question& q : s.questions)
        for (const auto& a : q.answers) require(s.contexts.at(q.context).substr(a.begin, a.end - a.begin) == a.text);
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  try {
    try_one(bytes[0], std::string_view(reinterpret_cast<const char*>(bytes) + 1, size - 1));
  } catch (const pretext::error&) {
  }
  return 0;
}
