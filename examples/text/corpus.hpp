// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/data/text.hpp>
#include <pretext/io/directory.hpp>
#include <pretext/tokenizer/bpe.hpp>
#include <pretext/tokenizer/files.hpp>
#include <pretext/tokenizer/simple.hpp>
#include <pretext/tokenizer/train.hpp>

#include "../common/command_line.hpp"

/// The project's own pages and headers (examples/embed_text.cmake).
std::span<const std::string_view> embedded_texts();

/// What the text programs share: texts, and tokenizers behind one face.
namespace text_programs {

namespace px = pretext;

struct corpus {
  std::string name, text;
};

inline corpus open_corpus(const std::string& path) {
  corpus c;
  if (path.empty()) {
    c.name = "pages and headers of pretext";
    for (const std::string_view text : embedded_texts()) c.text += text;
    return c;
  }
  c.name = path;
  for (const std::string& text : px::data::read_texts(path)) c.text += text;
  return c;
}

/// A tokenizer of any kind behind two functions: what follows is compiled once for all of them.
struct codec {
  px::index_t words = 0;
  px::tokenizer::special_ids special;
  std::vector<std::int32_t> (*encode_)(const void*, std::string_view) = nullptr;
  std::string (*decode_)(const void*, std::span<const std::int32_t>) = nullptr;
  std::shared_ptr<const void> self;

  std::vector<std::int32_t> encode(std::string_view text) const { return encode_(self.get(), text); }
  std::string decode(std::span<const std::int32_t> ids) const { return decode_(self.get(), ids); }
};
template <class Tokenizer>
codec codec_of(Tokenizer t) {
  codec c;
  c.words = t.vocabulary_size();
  c.special = t.special();
  c.self = std::make_shared<const Tokenizer>(std::move(t));
  c.encode_ = [](const void* self, std::string_view text) {
    std::vector<px::tokenizer::token> tokens;
    typename Tokenizer::cache cache;
    static_cast<const Tokenizer*>(self)->encode(text, tokens, cache);
    std::vector<std::int32_t> ids;
    ids.reserve(tokens.size());
    for (const px::tokenizer::token& one : tokens) ids.push_back(one.id);
    return ids;
  };
  c.decode_ = [](const void* self, std::span<const std::int32_t> ids) {
    std::string text;
    static_cast<const Tokenizer*>(self)->decode(ids, text);
    return text;
  };
  return c;
}

/// The tokenizer of that name, made from the training part alone: bytes, characters, words (the most frequent), or byte-level BPE trained on
/// it and kept in `folder`.
inline codec make_codec(std::string_view kind, px::index_t vocabulary, std::string_view train, const std::string& folder) {
  if (kind == "bytes") return codec_of(px::tokenizer::bytes());
  if (kind == "characters") return codec_of(px::tokenizer::characters(train));
  if (kind == "words") return codec_of(px::tokenizer::words::of(train, static_cast<std::size_t>(vocabulary)));
  px::tokenizer::bpe_trainer trainer({.vocabulary_size = static_cast<std::size_t>(vocabulary), .special_tokens = {"<|endoftext|>", "<|mask|>"}});
  trainer.feed(train);
  px::tokenizer::byte_bpe bpe = trainer.train();
  static_cast<void>(px::io::make_folders(folder));
  px::tokenizer::save(bpe, folder);
  codec c = codec_of(std::move(bpe));
  c.special = {.last = 0};
  c.special.mask = 1;
  return c;
}

/// A text as numbers: nine tenths to learn from, and the last.
struct split_text {
  std::string name;
  codec words;
  std::vector<std::int32_t> known, unseen;
};
/// errors  usage_error: a text too short to learn anything from
inline split_text open_text(const std::string& path, std::string_view kind, px::index_t vocabulary, const std::string& folder) {
  const corpus text = open_corpus(path);
  std::size_t cut = text.text.size() / 10 * 9;
  while (cut < text.text.size() && (static_cast<unsigned char>(text.text[cut]) & 0xC0) == 0x80) ++cut;  // never within a character
  const std::string_view whole = text.text;
  split_text s;
  s.name = text.name;
  s.words = make_codec(kind, vocabulary, whole.substr(0, cut), folder);
  s.known = s.words.encode(whole.substr(0, cut));
  s.unseen = s.words.encode(whole.substr(cut));
  if (s.known.size() < 1000 || s.unseen.size() < 2)
    throw command_line::usage_error(text.name + ": the text has " + std::to_string(s.known.size() + s.unseen.size()) + " tokens; give a thousand or more");
  return s;
}

}  // namespace text_programs
