// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/view_of.hpp"
#include "../io/directory.hpp"
#include "../io/file.hpp"
#include "../io/json.hpp"
#include "../io/json_writer.hpp"
#include "../io/lines.hpp"
#include "../io/utf8.hpp"
#include "bpe.hpp"
#include "unicode.hpp"
#include "wordpiece.hpp"

/// Tokenizers from and to the files of Hugging Face: vocab.txt, vocab.json with merges.txt, tokenizer.json.
namespace pretext::tokenizer {

namespace detail {

inline constexpr std::uint64_t most_file_bytes = 512'000'000;

[[noreturn]] PRETEXT_COLD inline void not_supported(std::string_view path, std::initializer_list<piece> what) {
  throw_error("tokenizer.009", {path, ": ", joined(what), ", which is not supported here; ids would differ, so the file is refused"});
}

/// An object whose keys are all known.
PRETEXT_COLD inline void check_keys(std::string_view path, std::string_view what, const io::json::value& v,
                                    std::initializer_list<std::string_view> known) {
  for (const io::json::member& m : v.as_members()) {
    bool found = false;
    for (const std::string_view k : known) found = found || m.key == k;
    if (!found) not_supported(path, {what, " has the key \"", m.key, "\""});
  }
}
inline const io::json::value* present(const io::json::value& v, std::string_view key) {
  const io::json::value* found = v.find(key);
  return found != nullptr && !found->is_null() ? found : nullptr;
}

/// The white space at the end gone, as Rust's trim_end takes it.
PRETEXT_COLD inline std::string_view trimmed_end(std::string_view line) {
  while (!line.empty()) {
    std::size_t begin = line.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(line[begin]) & 0xC0) == 0x80) --begin;
    if ((unicode::flags_of(unicode::point_at(line, begin).value) & unicode::space) == 0) break;
    line = line.substr(0, begin);
  }
  return line;
}

PRETEXT_COLD inline void check_line(const std::string& path, std::string_view line, std::size_t number) {
  if (io::first_invalid_utf8(line) != line.size())
    throw_error("tokenizer.013", {path, ", line ", number, ": not valid UTF-8; fetch the file again"});
}

/// Ids 0 to n - 1 from an object {token: id}.
PRETEXT_COLD inline vocabulary vocabulary_of(const std::string& path, const io::json::value& object) {
  std::vector<std::string> texts;
  for (const io::json::member& m : object.as_members()) {
    const std::int64_t id = m.value.kind() == io::json::kind::integer ? m.value.as_integer() : -1;
    if (id < 0 || id >= vocabulary::most)
      throw_error("tokenizer.005", {path, ": the token \"", m.key, "\" has an id that is no integer from 0 to ", vocabulary::most - 1,
                                    "; repair the vocabulary"});
    if (static_cast<std::size_t>(id) >= texts.size()) texts.resize(static_cast<std::size_t>(id) + 1);
    std::string& text = texts[static_cast<std::size_t>(id)];
    if (!text.empty())
      throw_error("tokenizer.005", {path, ": the tokens \"", text, "\" and \"", m.key, "\" have the same id ", id, "; repair the vocabulary"});
    text = m.key;
  }
  if (texts.empty()) throw_error("tokenizer.005", {path, ": the vocabulary is empty; fetch the file again"});
  return vocabulary(std::move(texts));
}

PRETEXT_COLD inline byte_bpe::merge merge_of(const std::string& path, std::string_view line, std::size_t number) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos || space == 0 || space + 1 == line.size())
    throw_error("tokenizer.006", {path, ", merge ", number, ": not two parts with one space between them; fetch the file again"});
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

PRETEXT_COLD inline std::vector<added_token> added_of(const std::string& path, const io::json::value& list) {
  std::vector<added_token> out;
  for (const io::json::value& v : list.items()) {
    check_keys(path, "an added token", v, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    added_token t;
    t.content = v.get_string("content");
    const std::int64_t id = v.get_integer("id");
    if (id < 0 || id >= vocabulary::most || t.content.empty())
      throw_error("tokenizer.010", {path, ": the added token \"", t.content, "\" has the id ", id, "; it needs a text and an id from 0 to ",
                                    vocabulary::most - 1});
    if (v.get_boolean("single_word", false)) not_supported(path, {"the added token \"", t.content, "\" has single_word"});
    t.id = static_cast<std::int32_t>(id);
    t.lstrip = v.get_boolean("lstrip", false);
    t.rstrip = v.get_boolean("rstrip", false);
    t.normalized = v.get_boolean("normalized", false);
    t.special = v.get_boolean("special", false);
    out.push_back(std::move(t));
  }
  return out;
}

/// The parts of one template of a TemplateProcessing.
PRETEXT_COLD inline std::vector<frame_part> template_of(const std::string& path, const io::json::value& list, const io::json::value& specials,
                                                        bool pair) {
  std::vector<frame_part> out;
  int first = 0, second = 0;
  for (const io::json::value& v : list.items()) {
    const io::json::value* text = v.find("Sequence");
    const io::json::value& part = text != nullptr ? *text : v.at("SpecialToken");
    const std::int64_t type = part.get_integer("type_id", 0);
    if (type != 0 && type != 1) not_supported(path, {"the post_processor's type_id ", type});
    const std::string& id = part.get_string("id");
    if (text != nullptr) {
      if (id != "A" && id != "B") not_supported(path, {"the post_processor's sequence \"", id, "\""});
      ++(id == "A" ? first : second);
      out.push_back({id == "A" ? frame_part::first_text : frame_part::second_text, static_cast<std::uint8_t>(type)});
    } else {
      for (const io::json::value& n : specials.at(id).at("ids").items()) {
        if (n.as_integer() < 0 || n.as_integer() >= vocabulary::most) not_supported(path, {"the post_processor's token id ", n.as_integer()});
        out.push_back({static_cast<std::int32_t>(n.as_integer()), static_cast<std::uint8_t>(type)});
      }
    }
  }
  if (first != 1 || second != (pair ? 1 : 0)) not_supported(path, {"a post_processor whose template does not hold each text once"});
  return out;
}

PRETEXT_COLD inline std::int32_t id_in_pair(const std::string& path, const io::json::value& v) {
  const std::int64_t id = v.items().size() == 2 ? v.items()[1].as_integer() : -1;
  if (id < 0 || id >= vocabulary::most) not_supported(path, {"the post_processor's token, which is no [text, id],"});
  return static_cast<std::int32_t>(id);
}

PRETEXT_COLD inline frame frame_of(const std::string& path, const io::json::value& root) {
  const io::json::value* p = present(root, "post_processor");
  if (p == nullptr) return bare_frame();
  const std::string& type = p->get_string("type");
  if (type == "ByteLevel") return bare_frame();
  if (type == "TemplateProcessing")
    return {template_of(path, p->at("single"), p->at("special_tokens"), false), template_of(path, p->at("pair"), p->at("special_tokens"), true)};
  if (type == "BertProcessing") return bert_frame(id_in_pair(path, p->at("cls")), id_in_pair(path, p->at("sep")));
  if (type == "RobertaProcessing") {
    const std::int32_t cls = id_in_pair(path, p->at("cls")), sep = id_in_pair(path, p->at("sep"));
    constexpr std::int32_t a = frame_part::first_text, b = frame_part::second_text;
    return {{{cls, 0}, {a, 0}, {sep, 0}}, {{cls, 0}, {a, 0}, {sep, 0}, {sep, 0}, {b, 0}, {sep, 0}}};
  }
  not_supported(path, {"the post_processor \"", type, "\""});
}

PRETEXT_COLD inline const io::json::value& component(const std::string& path, const io::json::value& root, const char* what, const char* type) {
  const io::json::value* v = present(root, what);
  const std::string found = v == nullptr ? "null" : v->get_string("type");
  if (found != type) not_supported(path, {"the ", what, " \"", found, "\" (", type, " is known)"});
  return *v;
}
PRETEXT_COLD inline void check_root(const std::string& path, const io::json::value& root) {
  check_keys(path, "the file", root,
             {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"});
  if (root.get_string("version", "1.0") != "1.0") not_supported(path, {"version \"", root.get_string("version"), "\""});
}

/// The words that a folder's files call its special tokens, where they do.
struct special_names {
  std::string unknown, padding, first, separator, mask, last;
};
PRETEXT_COLD inline void read_names(const std::string& path, special_names& names) {
  if (io::kind_of(path) != io::path_kind::file) return;
  const io::json::value root = io::json::read(path);
  const auto take = [&](const char* key, std::string& into) {
    const io::json::value* v = present(root, key);
    if (v != nullptr) into = v->kind() == io::json::kind::object ? v->get_string("content") : v->as_string();
  };
  take("unk_token", names.unknown);
  take("pad_token", names.padding);
  take("bos_token", names.first);
  take("cls_token", names.first);
  take("sep_token", names.separator);
  take("mask_token", names.mask);
  take("eos_token", names.last);
}
template <class Tokenizer>
void set_special(Tokenizer& t, const special_names& n) {
  const auto id = [&](const std::string& text) { return text.empty() ? -1 : t.find(text); };
  t.set_special({id(n.unknown), id(n.padding), id(n.first), id(n.separator), id(n.mask), id(n.last)});
}
inline special_names bert_names() { return {"[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", ""}; }
inline special_names gpt2_names() { return {"<|endoftext|>", "", "<|endoftext|>", "", "", "<|endoftext|>"}; }
PRETEXT_COLD inline special_names names_in(const std::string& folder, special_names names) {
  read_names(io::path_in(folder, "special_tokens_map.json"), names);
  read_names(io::path_in(folder, "tokenizer_config.json"), names);
  return names;
}

PRETEXT_COLD inline wordpiece wordpiece_of(const std::string& path, const io::json::value& root) {
  check_root(path, root);
  const io::json::value& model = component(path, root, "model", "WordPiece");
  check_keys(path, "the model", model, {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
  wordpiece_settings s;
  s.unknown = model.get_string("unk_token", "[UNK]");
  s.prefix = model.get_string("continuing_subword_prefix", "##");
  s.max_characters = model.get_integer("max_input_chars_per_word", 100);
  const io::json::value& n = component(path, root, "normalizer", "BertNormalizer");
  check_keys(path, "the normalizer", n, {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
  s.basic.clean_text = n.get_boolean("clean_text", true);
  s.basic.split_ideographs = n.get_boolean("handle_chinese_chars", true);
  s.basic.lower_case = n.get_boolean("lowercase", true);
  s.basic.strip_accents = n.get_boolean("strip_accents", s.basic.lower_case);
  component(path, root, "pre_tokenizer", "BertPreTokenizer");
  if (present(root, "decoder") != nullptr) {
    const io::json::value& d = component(path, root, "decoder", "WordPiece");
    if (d.get_string("prefix", "##") != s.prefix || !d.get_boolean("cleanup", true))
      not_supported(path, {"a decoder with another prefix than the model's, or without cleanup"});
  }
  std::vector<added_token> added;
  if (const io::json::value* list = present(root, "added_tokens")) added = added_of(path, *list);
  for (const added_token& t : added)
    if (t.normalized) not_supported(path, {"the added token \"", t.content, "\", which is matched in normalised text"});
  return wordpiece(vocabulary_of(path, model.at("vocab")), std::move(s), std::move(added), frame_of(path, root));
}

PRETEXT_COLD inline byte_bpe bpe_of(const std::string& path, const io::json::value& root) {
  check_root(path, root);
  const io::json::value& model = component(path, root, "model", "BPE");
  check_keys(path, "the model", model, {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                                        "byte_fallback", "ignore_merges", "vocab", "merges"});
  if (const io::json::value* p = present(model, "dropout"); p != nullptr && p->as_number() != 0) not_supported(path, {"the model's dropout"});
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.get_string(key, "").empty()) not_supported(path, {"the model's ", key, " \"", model.get_string(key), "\""});
  for (const char* key : {"byte_fallback", "ignore_merges"})
    if (model.get_boolean(key, false)) not_supported(path, {"the model's ", key});
  if (const io::json::value* n = present(root, "normalizer")) not_supported(path, {"the normalizer \"", n->get_string("type"), "\""});
  const io::json::value& pre = component(path, root, "pre_tokenizer", "ByteLevel");
  check_keys(path, "the pre_tokenizer", pre, {"type", "add_prefix_space", "trim_offsets", "use_regex"});
  if (!pre.get_boolean("use_regex", true)) not_supported(path, {"the pre_tokenizer without use_regex"});
  if (present(root, "decoder") != nullptr) component(path, root, "decoder", "ByteLevel");
  std::vector<byte_bpe::merge> merges;
  for (const io::json::value& m : model.at("merges").items()) {
    if (m.kind() == io::json::kind::string) {
      merges.push_back(merge_of(path, m.as_string(), merges.size() + 1));
    } else {
      if (m.items().size() != 2)
        throw_error("tokenizer.006", {path, ", merge ", merges.size() + 1, ": not two parts; fetch the file again"});
      merges.push_back({m.items()[0].as_string(), m.items()[1].as_string()});
    }
  }
  std::vector<added_token> added;
  if (const io::json::value* list = present(root, "added_tokens")) added = added_of(path, *list);
  return byte_bpe(vocabulary_of(path, model.at("vocab")), std::move(merges), {.add_prefix_space = pre.get_boolean("add_prefix_space", true)},
                  std::move(added), frame_of(path, root));
}

inline bool is_json(const std::string& path) { return path.size() >= 5 && path.compare(path.size() - 5, 5, ".json") == 0; }
inline io::json::value read_json(const std::string& path) { return io::json::read(path, most_file_bytes); }

}  // namespace detail

/// vocab.txt: one token a line, its id the number of the line from 0; white space at the end of a line goes.
/// errors  those of io::read_file; pretext[tokenizer.005] empty, or too large; [tokenizer.013] not UTF-8
PRETEXT_COLD inline vocabulary read_vocabulary_text(const std::string& path) {
  const std::vector<std::byte> bytes = io::read_file(path, detail::most_file_bytes);
  std::vector<std::string> texts;
  io::for_each_line(io::text_of(view_of(bytes)), [&](std::string_view line, std::size_t number) {
    detail::check_line(path, line, number);
    texts.emplace_back(detail::trimmed_end(line));
  });
  if (texts.empty()) throw_error("tokenizer.005", {path, ": the vocabulary is empty; fetch the file again"});
  return vocabulary(std::move(texts));
}
/// vocab.json: {"token": id, ...}.
/// errors  those of io::json::read; pretext[tokenizer.005] ids that are no integers, twice, or too large
PRETEXT_COLD inline vocabulary read_vocabulary_json(const std::string& path) { return detail::vocabulary_of(path, detail::read_json(path)); }
/// merges.txt: two parts a line, in the order of their ranks; lines that begin with #version are passed over.
/// errors  those of io::read_file; pretext[tokenizer.006] a line of another form; [tokenizer.013] not UTF-8
PRETEXT_COLD inline std::vector<byte_bpe::merge> read_merges(const std::string& path) {
  const std::vector<std::byte> bytes = io::read_file(path, detail::most_file_bytes);
  std::vector<byte_bpe::merge> merges;
  io::for_each_line(io::text_of(view_of(bytes)), [&](std::string_view line, std::size_t number) {
    if (line.starts_with("#version")) return;
    detail::check_line(path, line, number);
    merges.push_back(detail::merge_of(path, line, merges.size() + 1));
  });
  return merges;
}

/// A WordPiece tokenizer from a folder (tokenizer.json, else vocab.txt with what tokenizer_config.json says), a tokenizer.json
/// or a vocab.txt.
/// errors  those of the files; pretext[tokenizer.009] something in the file that is not supported; [tokenizer.010] an added
///         token; [tokenizer.002] no unknown token; [tokenizer.004] no [CLS] or [SEP] in a vocab.txt
PRETEXT_COLD inline wordpiece load_wordpiece(const std::string& path) {
  const bool folder = io::kind_of(path) == io::path_kind::folder;
  const std::string home = folder ? path : io::folder_of(path);
  const std::string json = folder ? io::path_in(path, "tokenizer.json") : path;
  if (folder ? io::kind_of(json) == io::path_kind::file : detail::is_json(path)) {
    wordpiece t = detail::wordpiece_of(json, detail::read_json(json));
    detail::special_names names = detail::names_in(home, detail::bert_names());
    names.unknown = t.settings().unknown;
    detail::set_special(t, names);
    return t;
  }
  const std::string text = folder ? io::path_in(path, "vocab.txt") : path;
  vocabulary v = read_vocabulary_text(text);
  wordpiece_settings s;
  const detail::special_names names = folder ? detail::names_in(home, detail::bert_names()) : detail::bert_names();
  const std::string config = io::path_in(home, "tokenizer_config.json");
  std::vector<added_token> added;
  if (folder && io::kind_of(config) == io::path_kind::file) {
    const io::json::value c = io::json::read(config);
    s.basic.lower_case = c.get_boolean("do_lower_case", true);
    s.basic.strip_accents = c.get_boolean("strip_accents", s.basic.lower_case);
    s.basic.split_ideographs = c.get_boolean("tokenize_chinese_chars", true);
  }
  s.unknown = names.unknown;
  for (const std::string* name : {&names.unknown, &names.padding, &names.first, &names.separator, &names.mask})
    if (const std::int32_t id = v.find(*name); id >= 0) added.push_back({.id = id, .content = *name});
  const std::int32_t first = required(v.find(names.first), names.first), separator = required(v.find(names.separator), names.separator);
  wordpiece t(std::move(v), std::move(s), std::move(added), bert_frame(first, separator));
  detail::set_special(t, names);
  return t;
}

/// A byte-level BPE tokenizer from vocab.json and merges.txt. <|endoftext|>, where the vocabulary has it, is cut out of texts.
PRETEXT_COLD inline byte_bpe load_bpe(const std::string& vocabulary_json, const std::string& merges_text) {
  vocabulary v = read_vocabulary_json(vocabulary_json);
  const detail::special_names names = detail::gpt2_names();
  std::vector<added_token> added;
  if (const std::int32_t id = v.find(names.last); id >= 0) added.push_back({.id = id, .content = names.last});
  byte_bpe t(std::move(v), read_merges(merges_text), {}, std::move(added));
  detail::set_special(t, names);
  return t;
}
/// The same from a folder (tokenizer.json, else vocab.json and merges.txt) or a tokenizer.json.
/// errors  those of the files; pretext[tokenizer.006] a merge of another form; [tokenizer.007] a merge without ids;
///         [tokenizer.008] a byte without a token; [tokenizer.009] something in the file that is not supported; [tokenizer.010]
PRETEXT_COLD inline byte_bpe load_bpe(const std::string& path) {
  const bool folder = io::kind_of(path) == io::path_kind::folder;
  const std::string json = folder ? io::path_in(path, "tokenizer.json") : path;
  if (folder && io::kind_of(json) != io::path_kind::file) {
    byte_bpe t = load_bpe(io::path_in(path, "vocab.json"), io::path_in(path, "merges.txt"));
    detail::set_special(t, detail::names_in(path, detail::gpt2_names()));
    return t;
  }
  byte_bpe t = detail::bpe_of(json, detail::read_json(json));
  detail::set_special(t, detail::names_in(folder ? path : io::folder_of(path), detail::gpt2_names()));
  return t;
}

namespace detail {

PRETEXT_COLD inline void write_vocabulary(io::json::writer& w, const vocabulary& v) {
  w.begin_object();
  for (std::int32_t id = 0; id < v.size(); ++id)
    if (!v.text(id).empty() && v.find(v.text(id)) == id) w.member(v.text(id), id);
  w.end_object();
}
PRETEXT_COLD inline void write_template(io::json::writer& w, const char* key, const std::vector<frame_part>& parts,
                                        const std::vector<std::string>& names) {
  w.key(key).begin_array();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool text = parts[i].id < 0;
    w.begin_object().key(text ? "Sequence" : "SpecialToken").begin_object().member("id", names[i]);
    w.member("type_id", static_cast<int>(parts[i].type)).end_object().end_object();
  }
  w.end_array();
}
template <class Tokenizer>
void write_common(io::json::writer& w, const Tokenizer& t) {
  w.member("version", "1.0").key("truncation").value(nullptr).key("padding").value(nullptr).key("added_tokens").begin_array();
  for (const added_token& a : t.added().list()) {
    w.begin_object().member("id", a.id).member("content", a.content).member("single_word", false).member("lstrip", a.lstrip);
    w.member("rstrip", a.rstrip).member("normalized", a.normalized).member("special", a.special).end_object();
  }
  w.end_array();
}
template <class Tokenizer>
void write_frame(io::json::writer& w, const Tokenizer& t) {
  const frame& f = t.frame();
  const auto names = [&](const std::vector<frame_part>& parts) {
    std::vector<std::string> out;
    for (const frame_part& p : parts)
      out.emplace_back(p.id == frame_part::first_text ? "A" : p.id == frame_part::second_text ? "B" : t.token_text(p.id));
    return out;
  };
  w.key("post_processor").begin_object().member("type", "TemplateProcessing");
  write_template(w, "single", f.single, names(f.single));
  write_template(w, "pair", f.pair, names(f.pair));
  std::vector<std::int32_t> done;
  w.key("special_tokens").begin_object();
  for (const auto* parts : {&f.single, &f.pair})
    for (const frame_part& p : *parts) {
      bool again = p.id < 0;
      for (const std::int32_t id : done) again = again || id == p.id;
      if (again) continue;
      done.push_back(p.id);
      const std::string text(t.token_text(p.id));
      w.key(text).begin_object().member("id", text).key("ids").begin_array().value(p.id).end_array();
      w.key("tokens").begin_array().value(text).end_array().end_object();
    }
  w.end_object().end_object();
}
template <class Tokenizer>
void write_config(const std::string& path, const Tokenizer& t, const char* class_name, const wordpiece_settings* bert) {
  io::json::writer w;
  w.begin_object().member("tokenizer_class", class_name);
  const special_ids& s = t.special();
  const auto put = [&](const char* key, std::int32_t id) {
    if (id >= 0) w.member(key, std::string(t.token_text(id)));
  };
  put("unk_token", s.unknown);
  put("pad_token", s.padding);
  put(bert != nullptr ? "cls_token" : "bos_token", s.first);
  put("sep_token", s.separator);
  put("mask_token", s.mask);
  put("eos_token", s.last);
  if (bert != nullptr) {
    w.member("do_lower_case", bert->basic.lower_case).member("strip_accents", bert->basic.strip_accents);
    w.member("tokenize_chinese_chars", bert->basic.split_ideographs);
  }
  w.end_object();
  io::write_file_atomically(path, std::string_view(w.text()));
}
PRETEXT_COLD inline void make_home(const std::string& folder) {
  if (const int failed = io::make_folders(folder); failed != 0)
    throw_error("tokenizer.014", {folder, ": cannot be made a folder (", std::strerror(-failed), "); check the path and the permissions"});
}

}  // namespace detail

/// The text of a tokenizer.json that Hugging Face's `tokenizers` and load_wordpiece read.
PRETEXT_COLD inline std::string tokenizer_json(const wordpiece& t) {
  io::json::writer w;
  const wordpiece_settings& s = t.settings();
  w.begin_object();
  detail::write_common(w, t);
  w.key("normalizer").begin_object().member("type", "BertNormalizer").member("clean_text", s.basic.clean_text);
  w.member("handle_chinese_chars", s.basic.split_ideographs).member("strip_accents", s.basic.strip_accents);
  w.member("lowercase", s.basic.lower_case).end_object();
  w.key("pre_tokenizer").begin_object().member("type", "BertPreTokenizer").end_object();
  detail::write_frame(w, t);
  w.key("decoder").begin_object().member("type", "WordPiece").member("prefix", s.prefix).member("cleanup", true).end_object();
  w.key("model").begin_object().member("type", "WordPiece").member("unk_token", s.unknown).member("continuing_subword_prefix", s.prefix);
  w.member("max_input_chars_per_word", s.max_characters).key("vocab");
  detail::write_vocabulary(w, t.vocabulary());
  w.end_object().end_object();
  return w.text();
}
/// The same for byte-level BPE, with its merges in the form that old and new readers know.
PRETEXT_COLD inline std::string tokenizer_json(const byte_bpe& t) {
  io::json::writer w;
  const bool space = t.settings().add_prefix_space;
  w.begin_object();
  detail::write_common(w, t);
  w.key("normalizer").value(nullptr);
  w.key("pre_tokenizer").begin_object().member("type", "ByteLevel").member("add_prefix_space", space).member("trim_offsets", true);
  w.member("use_regex", true).end_object();
  detail::write_frame(w, t);
  w.key("decoder").begin_object().member("type", "ByteLevel").member("add_prefix_space", true).member("trim_offsets", true);
  w.member("use_regex", true).end_object();
  w.key("model").begin_object().member("type", "BPE").key("dropout").value(nullptr).key("unk_token").value(nullptr);
  w.member("continuing_subword_prefix", "").member("end_of_word_suffix", "").member("fuse_unk", false).member("byte_fallback", false);
  w.member("ignore_merges", false).key("vocab");
  detail::write_vocabulary(w, t.vocabulary());
  w.key("merges").begin_array();
  for (const byte_bpe::merge& m : t.merges()) w.value(m.first + " " + m.second);
  w.end_array().end_object().end_object();
  return w.text();
}

/// Writes tokenizer.json, tokenizer_config.json and vocab.txt into a folder, which is made where it is missing.
/// errors  those of io::write_file_atomically; pretext[tokenizer.014] the folder
PRETEXT_COLD inline void save(const wordpiece& t, const std::string& folder) {
  detail::make_home(folder);
  std::string lines;
  for (const std::string& text : t.vocabulary().texts()) lines += text + "\n";
  io::write_file_atomically(io::path_in(folder, "vocab.txt"), std::string_view(lines));
  detail::write_config(io::path_in(folder, "tokenizer_config.json"), t, "BertTokenizer", &t.settings());
  io::write_file_atomically(io::path_in(folder, "tokenizer.json"), std::string_view(tokenizer_json(t)));
}
/// Writes tokenizer.json, tokenizer_config.json, vocab.json and merges.txt.
PRETEXT_COLD inline void save(const byte_bpe& t, const std::string& folder) {
  detail::make_home(folder);
  io::json::writer w;
  detail::write_vocabulary(w, t.vocabulary());
  io::write_file_atomically(io::path_in(folder, "vocab.json"), std::string_view(w.text()));
  std::string lines = "#version: 0.2\n";
  for (const byte_bpe::merge& m : t.merges()) lines += m.first + " " + m.second + "\n";
  io::write_file_atomically(io::path_in(folder, "merges.txt"), std::string_view(lines));
  detail::write_config(io::path_in(folder, "tokenizer_config.json"), t, "GPT2Tokenizer", nullptr);
  io::write_file_atomically(io::path_in(folder, "tokenizer.json"), std::string_view(tokenizer_json(t)));
}

}  // namespace pretext::tokenizer
