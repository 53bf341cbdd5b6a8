// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
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

#include "options.hpp"

/// The project's own pages and headers (examples/embed_text.cmake).
std::span<const std::string_view> embedded_texts();

namespace gpt {

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

/// The tokenizer of a run. One that is trained is made from the training part alone, and kept in the output folder.
inline codec make_codec(const options& o, std::string_view train) {
  if (o.tokenizer == "bytes") return codec_of(px::tokenizer::bytes());
  if (o.tokenizer == "characters") return codec_of(px::tokenizer::characters(train));
  px::tokenizer::bpe_trainer trainer({.vocabulary_size = static_cast<std::size_t>(o.vocabulary), .special_tokens = {"<|endoftext|>"}});
  trainer.feed(train);
  px::tokenizer::byte_bpe bpe = trainer.train();
  static_cast<void>(px::io::make_folders(o.out));
  px::tokenizer::save(bpe, o.out);
  return codec_of(std::move(bpe));
}

}  // namespace gpt
