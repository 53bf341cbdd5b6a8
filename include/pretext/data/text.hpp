// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/view_of.hpp"
#include "../io/directory.hpp"
#include "../io/file.hpp"
#include "../io/json.hpp"
#include "../io/lines.hpp"
#include "../io/utf8.hpp"

/// Readers of text in the forms that people have. Every error names the file, the line (from 1) and the reason; nothing partial is
/// returned. Texts are UTF-8; a byte order mark at the begin of a file is passed over.
namespace pretext::data {

/// Rows of named columns: what a CSV, a TSV or a jsonl file holds.
struct text_table {
  std::string source;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  /// The number of a column.
  /// errors  pretext[data.103] no such column
  std::size_t column(std::string_view name) const {
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i] == name) return i;
    std::string known;
    for (const std::string& c : columns) known += (known.empty() ? "" : ", ") + c;
    throw_error("data.103", {source, ": there is no column \"", name, "\"; there are ", known});
  }
};

/// Texts, each with the number of its class; -1 where there is none.
struct labelled_texts {
  std::vector<std::string> texts;
  std::vector<std::int32_t> labels;
  std::vector<std::string> classes;

  std::size_t size() const { return texts.size(); }
};

namespace detail {

[[noreturn]] PRETEXT_COLD inline void text_error(const char* id, std::string_view source, std::size_t line, std::string_view reason) {
  throw_error(id, {source, ", line ", line, ": ", reason});
}

PRETEXT_COLD inline std::string_view without_mark(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
}
PRETEXT_COLD inline std::size_t line_of(std::string_view text, std::size_t at) {
  std::size_t line = 1;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) line += text[i] == '\n' ? 1 : 0;
  return line;
}
/// errors  pretext[data.100]
PRETEXT_COLD inline void check_text(std::string_view text, std::string_view source) {
  const std::size_t bad = io::first_invalid_utf8(text);
  if (bad < text.size())
    throw_error("data.100", {source, ", line ", line_of(text, bad), ": byte ", bad, " is not UTF-8; convert the file (iconv), or fetch it again"});
}
PRETEXT_COLD inline std::string read_checked(const std::string& path, std::uint64_t max_bytes) {
  const std::vector<std::byte> bytes = io::read_file(path, max_bytes);
  const std::string_view text = without_mark(io::text_of(view_of(bytes)));
  check_text(text, path);
  return std::string(text);
}

PRETEXT_COLD inline void collect_files(const std::string& folder, std::string_view ending, std::vector<std::string>& files) {
  std::vector<std::string> names;
  if (const int failed = io::list_folder(folder, names); failed != 0)
    throw_error("data.006", {folder, ": cannot be read as a folder (", std::strerror(-failed), "); check the path"});
  for (const std::string& name : names) {
    if (name[0] == '.') continue;
    const std::string path = io::path_in(folder, name);
    const io::path_kind kind = io::kind_of(path);
    if (kind == io::path_kind::folder && !io::is_link(path)) collect_files(path, ending, files);
    if (kind == io::path_kind::file && path.size() >= ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0)
      files.push_back(path);
  }
}

}  // namespace detail

/// The most a text file may hold unless a caller says otherwise: 4 GiB.
inline constexpr std::uint64_t most_text_bytes = std::uint64_t{1} << 32;

/// The files of a folder and the folders in it with an ending, in the order of their paths; a file is itself.
/// errors  pretext[data.006] not a folder; [data.107] no such file in it
PRETEXT_COLD inline std::vector<std::string> text_files(const std::string& path, std::string_view ending = ".txt") {
  std::vector<std::string> files;
  if (io::kind_of(path) == io::path_kind::file) {
    files.push_back(path);
    return files;
  }
  detail::collect_files(path, ending, files);
  if (files.empty()) throw_error("data.107", {path, ": holds no file that ends in ", ending, "; name another folder or ending"});
  sort_values(files);
  return files;
}

/// The text of a file.
/// errors  those of io::read_file; pretext[data.100] not UTF-8
PRETEXT_COLD inline std::string read_text(const std::string& path, std::uint64_t max_bytes = most_text_bytes) {
  return detail::read_checked(path, max_bytes);
}
/// The texts of a file, or of the files of a folder, each whole.
PRETEXT_COLD inline std::vector<std::string> read_texts(const std::string& path, std::string_view ending = ".txt") {
  std::vector<std::string> texts;
  for (const std::string& file : text_files(path, ending)) texts.push_back(read_text(file));
  return texts;
}
/// The lines of a file, without their ends; empty ones are left out on request.
PRETEXT_COLD inline std::vector<std::string> read_lines(const std::string& path, bool keep_empty = true) {
  const std::string text = read_text(path);
  std::vector<std::string> lines;
  io::for_each_line(text, [&](std::string_view line, std::size_t) {
    if (keep_empty || !line.empty()) lines.emplace_back(line);
  });
  return lines;
}

struct csv_settings {
  char separator = ',';
  bool header = true;                      // the first row names the columns; else they are "0", "1", ...
  bool quotes = true;                      // false for TSV files that know no quotes
};

/// A table from text of the form of RFC 4180: fields between separators, in double quotes where they hold separators, line ends or
/// quotes (doubled). Line ends are \n or \r\n; empty lines are passed over; every row has the same number of fields.
/// errors  pretext[data.100] not UTF-8; [data.101] quotes; [data.102] a row of another length; [data.107] nothing in it
PRETEXT_COLD inline text_table parse_csv(std::string_view text, std::string source, const csv_settings& s = {}) {
  text = detail::without_mark(text);
  detail::check_text(text, source);
  text_table table;
  table.source = std::move(source);
  std::vector<std::string> row;
  std::size_t line = 1, wanted = 0;
  const auto end_row = [&](std::size_t first_line) {
    if (wanted == 0) {
      wanted = row.size();
      for (std::size_t i = 0; i < wanted; ++i) table.columns.push_back(s.header ? row[i] : std::to_string(i));
      if (s.header) return row.clear();
    }
    if (row.size() != wanted)
      throw_error("data.102", {table.source, ", line ", first_line, ": ", row.size(), " fields where ", wanted,
                               " are wanted; quote fields that hold separators, or name the right separator"});
    table.rows.push_back(std::move(row));
    row.clear();
  };
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '\n' || (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n')) {
      at += text[at] == '\r' ? 2 : 1;
      ++line;
      continue;
    }
    const std::size_t first_line = line;
    for (bool more = true; more;) {
      std::string field;
      if (s.quotes && at < text.size() && text[at] == '"') {
        const std::size_t open = line;
        for (++at;; ++at) {
          if (at == text.size()) detail::text_error("data.101", table.source, open, "the quotes that open here are never closed; close them");
          if (text[at] == '"') {
            if (at + 1 < text.size() && text[at + 1] == '"')
              ++at;
            else
              break;
          }
          line += text[at] == '\n' ? 1 : 0;
          field += text[at];
        }
        ++at;
      } else {
        while (at < text.size() && text[at] != s.separator && text[at] != '\n' && !(text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n')) {
          if (s.quotes && text[at] == '"')
            detail::text_error("data.101", table.source, line, "quotes in a field that does not begin with them; quote the field and double them");
          field += text[at++];
        }
      }
      row.push_back(std::move(field));
      more = at < text.size() && text[at] == s.separator;
      if (more) {
        ++at;
      } else if (at < text.size()) {
        if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
        if (text[at] != '\n') detail::text_error("data.101", table.source, line, "text follows the closing quotes of a field; double quotes inside it");
        ++at;
        ++line;
      }
    }
    end_row(first_line);
  }
  if (table.columns.empty()) throw_error("data.107", {table.source, ": holds no row; name another file"});
  return table;
}
/// errors  those of io::read_file and parse_csv
PRETEXT_COLD inline text_table read_csv(const std::string& path, const csv_settings& s = {}, std::uint64_t max_bytes = most_text_bytes) {
  const std::vector<std::byte> bytes = io::read_file(path, max_bytes);
  return parse_csv(io::text_of(view_of(bytes)), path, s);
}
/// Tabs between fields, and no quotes.
PRETEXT_COLD inline text_table read_tsv(const std::string& path, bool header = true) {
  return read_csv(path, {.separator = '\t', .header = header, .quotes = false});
}

/// A table from text of one JSON object a line: of each the named members. Texts are taken as they are, numbers and truth values as they
/// are written, null as an empty text. Empty lines are passed over.
/// errors  pretext[io.2xx] a line that is no JSON, with its number; [data.100] not UTF-8; [data.104] no object, or a member missing or
///         of another kind; [data.107] nothing in it
PRETEXT_COLD inline text_table parse_jsonl(std::string_view text, std::string source, std::vector<std::string> members) {
  text = detail::without_mark(text);
  detail::check_text(text, source);
  text_table table;
  table.source = std::move(source);
  table.columns = std::move(members);
  io::for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) return;
    const io::json::value v = io::json::parse(line, joined({table.source, ", line ", number}));
    if (v.kind() != io::json::kind::object)
      detail::text_error("data.104", table.source, number, joined({"is ", io::json::name_of(v.kind()), ", not an object; write {\"text\": ...}"}));
    std::vector<std::string> row;
    for (const std::string& name : table.columns) {
      const io::json::value* const m = v.find(name);
      if (m == nullptr) detail::text_error("data.104", table.source, number, joined({"the member \"", name, "\" is missing; add it, or ask for another"}));
      switch (m->kind()) {
        case io::json::kind::null: row.emplace_back(); break;
        case io::json::kind::boolean: row.emplace_back(m->as_boolean() ? "true" : "false"); break;
        case io::json::kind::integer: row.push_back(std::to_string(m->as_integer())); break;
        case io::json::kind::string: row.push_back(m->as_string()); break;
        default:
          detail::text_error("data.104", table.source, number,
                             joined({"the member \"", name, "\" is ", io::json::name_of(m->kind()), "; a text, an integer or a truth value is wanted"}));
      }
    }
    table.rows.push_back(std::move(row));
  });
  if (table.rows.empty()) throw_error("data.107", {table.source, ": holds no object; name another file"});
  return table;
}
PRETEXT_COLD inline text_table read_jsonl(const std::string& path, std::vector<std::string> members, std::uint64_t max_bytes = most_text_bytes) {
  const std::vector<std::byte> bytes = io::read_file(path, max_bytes);
  return parse_jsonl(io::text_of(view_of(bytes)), path, std::move(members));
}

/// Texts and classes from two columns. Classes are numbered in the order of their names, or as `classes` has them (a test part).
/// errors  pretext[data.103] a column; [data.108] a class that is not among those given
PRETEXT_COLD inline labelled_texts labelled(const text_table& table, std::string_view text, std::string_view label,
                                            std::vector<std::string> classes = {}) {
  const std::size_t of_text = table.column(text), of_label = table.column(label);
  labelled_texts out;
  if (classes.empty()) {
    std::vector<std::string> all;
    for (const auto& row : table.rows) all.push_back(row[of_label]);
    sort_values(all);
    for (const std::string& c : all)
      if (classes.empty() || classes.back() != c) classes.push_back(c);
  }
  out.classes = std::move(classes);
  const auto order = sorted_order(out.classes.size(), [&](std::size_t a, std::size_t b) { return out.classes[a] < out.classes[b]; });
  for (const auto& row : table.rows) {
    const std::string& name = row[of_label];
    const auto found = std::lower_bound(order.begin(), order.end(), name, [&](std::size_t i, const std::string& n) { return out.classes[i] < n; });
    if (found == order.end() || out.classes[*found] != name)
      throw_error("data.108", {table.source, ": the class \"", name, "\" is not among the ", out.classes.size(), " classes of the training part; use parts of one data set"});
    out.texts.push_back(row[of_text]);
    out.labels.push_back(static_cast<std::int32_t>(*found));
  }
  return out;
}

/// A sentence of CoNLL-U: its words (multi-word ranges as 1-2 and empty nodes as 8.1 are left out) and the columns of each.
struct tagged_sentence {
  std::vector<std::string> words;     // FORM
  std::vector<std::string> tags;      // UPOS
  std::vector<std::string> features;  // FEATS
  std::vector<std::int32_t> heads;    // HEAD, 0 the root
  std::vector<std::string> relations; // DEPREL
};

/// errors  pretext[data.100] not UTF-8; [data.105] a line that is not ten columns, an id out of order, or a head outside the sentence;
///         [data.107] nothing in it
PRETEXT_COLD inline std::vector<tagged_sentence> parse_conllu(std::string_view text, const std::string& source) {
  text = detail::without_mark(text);
  detail::check_text(text, source);
  std::vector<tagged_sentence> out;
  tagged_sentence now;
  std::size_t begin = 0;
  const auto end_sentence = [&] {
    for (std::size_t i = 0; i < now.heads.size(); ++i)
      if (now.heads[i] < -1 || now.heads[i] > static_cast<std::int32_t>(now.words.size()))
        detail::text_error("data.105", source, begin, joined({"the head ", now.heads[i], " of word ", i + 1, " is outside its sentence; repair the file"}));
    if (!now.words.empty()) out.push_back(std::move(now));
    now = {};
  };
  io::for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (line.empty()) return end_sentence();
    if (line[0] == '#') return;
    std::string_view fields[10];
    std::size_t n = 0;
    for (std::string_view rest = line;; ++n) {
      const std::size_t tab = rest.find('\t');
      if (n < 10) fields[n] = rest.substr(0, tab);
      if (tab == std::string_view::npos) break;
      rest.remove_prefix(tab + 1);
    }
    if (++n != 10) detail::text_error("data.105", source, number, joined({n, " columns where ten are wanted, with tabs between them; repair the file"}));
    const auto number_of = [&](std::string_view digits, const char* what) {
      std::int32_t v = 0;
      if (digits.empty() || digits.size() > 6) v = -1;
      for (const char c : digits) v = v < 0 || c < '0' || c > '9' ? -1 : 10 * v + (c - '0');
      if (v < 0) detail::text_error("data.105", source, number, joined({"the ", what, " \"", digits, "\" is no number; repair the file"}));
      return v;
    };
    if (fields[0].find_first_of("-.") != std::string_view::npos) return;
    if (now.words.empty()) begin = number;
    const std::int32_t id = number_of(fields[0], "id");
    if (id != static_cast<std::int32_t>(now.words.size()) + 1)
      detail::text_error("data.105", source, number, joined({"the id ", id, " where ", now.words.size() + 1, " is wanted; an empty line ends a sentence"}));
    now.words.emplace_back(fields[1]);
    now.tags.emplace_back(fields[3]);
    now.features.emplace_back(fields[5]);
    now.heads.push_back(fields[6] == "_" ? -1 : number_of(fields[6], "head"));
    now.relations.emplace_back(fields[7]);
  });
  end_sentence();
  if (out.empty()) throw_error("data.107", {source, ": holds no sentence; name another file"});
  return out;
}
PRETEXT_COLD inline std::vector<tagged_sentence> read_conllu(const std::string& path, std::uint64_t max_bytes = most_text_bytes) {
  const std::vector<std::byte> bytes = io::read_file(path, max_bytes);
  return parse_conllu(io::text_of(view_of(bytes)), path);
}

/// A question about a text. Answers are places in it, in bytes: SQuAD's files count characters.
struct question {
  struct answer {
    std::string text;
    std::size_t begin = 0, end = 0;
  };
  std::string id, title, text;
  std::size_t context = 0;      // number in question_set::contexts
  std::vector<answer> answers;  // none where the question cannot be answered
};
struct question_set {
  std::vector<std::string> contexts;
  std::vector<question> questions;
};

/// SQuAD's JSON, versions 1.1 and 2.0 (XQuAD is of the first).
/// errors  pretext[io.2xx] no JSON, or of another form; [data.106] an answer that does not stand at its place; [data.107] no question
PRETEXT_COLD inline question_set parse_squad(std::string_view text, const std::string& source) {
  const io::json::value root = io::json::parse(detail::without_mark(text), source);
  question_set out;
  const auto texts = [&](const io::json::value& v, const std::string& context, question& q) {
    for (const io::json::value& a : v.items()) {
      question::answer one;
      one.text = a.get_string("text");
      std::int64_t left = a.get_integer("answer_start");
      // From characters to bytes.
      std::size_t at = 0;
      for (; left > 0 && at < context.size(); --left) at += io::utf8_length(context, at);
      one.begin = at;
      one.end = at + one.text.size();
      if (left != 0 || one.text.empty() || context.compare(at, one.text.size(), one.text) != 0)
        throw_error("data.106", {source, ": the answer \"", one.text, "\" of question ", q.id, " does not stand at character ",
                                 a.get_integer("answer_start"), " of its text; repair the file"});
      q.answers.push_back(std::move(one));
    }
  };
  for (const io::json::value& article : root.at("data").items()) {
    const std::string title = article.get_string("title", "");
    for (const io::json::value& paragraph : article.at("paragraphs").items()) {
      out.contexts.push_back(paragraph.get_string("context"));
      for (const io::json::value& v : paragraph.at("qas").items()) {
        question q;
        const io::json::value& id = v.at("id");
        q.id = id.kind() == io::json::kind::integer ? std::to_string(id.as_integer()) : id.as_string();
        q.title = title;
        q.text = v.get_string("question");
        q.context = out.contexts.size() - 1;
        if (!v.get_boolean("is_impossible", false)) texts(v.at("answers"), out.contexts.back(), q);
        out.questions.push_back(std::move(q));
      }
    }
  }
  if (out.questions.empty()) throw_error("data.107", {source, ": holds no question; name another file"});
  return out;
}
PRETEXT_COLD inline question_set read_squad(const std::string& path, std::uint64_t max_bytes = most_text_bytes) {
  const std::vector<std::byte> bytes = io::read_file(path, max_bytes);
  return parse_squad(io::text_of(view_of(bytes)), path);
}

}  // namespace pretext::data
