// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../concepts/tokenizer.hpp"
#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/view_of.hpp"
#include "../io/directory.hpp"
#include "../io/file.hpp"
#include "../io/json.hpp"
#include "../io/json_writer.hpp"
#include "../io/mapped_file.hpp"
#include "../tokenizer/token.hpp"

namespace pretext::data {

struct token_cache_settings {
  std::int32_t separator = -1;                          // an id put behind every document; -1: none
  std::uint64_t stretch_bytes = std::uint64_t{1} << 24;  // a longer document is encoded in stretches that end with a line
  std::uint64_t save_every = std::uint64_t{1} << 26;     // bytes of text between two states from which a killed build goes on
  bool lines = false;                                   // every line is a document of its own, without its end; empty ones are none
};

namespace detail {

static_assert(std::endian::native == std::endian::little, "token caches are written as this machine has its numbers");

/// The first 64 bytes of a cache.
struct token_header {
  char magic[8] = {'P', 'X', 'T', 'O', 'K', 'E', 'N', 'S'};
  std::uint32_t version = 1;
  std::uint32_t id_bytes = 4;     // 2 where the vocabulary has no more than 65536 tokens
  std::uint64_t tokenizer = 0;    // its digest
  std::uint64_t vocabulary = 0;
  std::uint64_t tokens = 0;
  std::uint64_t documents = 0;
  std::uint64_t checksum = 0;     // checksum_of
  std::uint64_t sources = 0;      // sources_of
};
static_assert(sizeof(token_header) == 64);

/// A checksum over bytes as they come, eight at a time.
class running_checksum {
 public:
  running_checksum() = default;
  running_checksum(std::uint64_t hash, std::string rest) : hash_(hash), rest_(std::move(rest)) {}
  void add(io::byte_view bytes) {
    const char* at = reinterpret_cast<const char*>(bytes.data());
    std::size_t left = bytes.size();
    while (left > 0 && (!rest_.empty() || left < 8)) {
      rest_ += *at++;
      --left;
      if (rest_.size() == 8) {
        word(rest_.data());
        rest_.clear();
      }
    }
    for (; left >= 8; left -= 8, at += 8) word(at);
    rest_.append(at, left);
  }
  std::uint64_t value() const {
    running_checksum end = *this;
    end.rest_.resize(8, '\0');
    end.word(end.rest_.data());
    return end.hash_;
  }
  std::uint64_t hash() const { return hash_; }
  const std::string& rest() const { return rest_; }

 private:
  void word(const char* at) {
    std::uint64_t w = 0;
    std::memcpy(&w, at, 8);
    hash_ = (hash_ ^ w) * 0x9E3779B97F4A7C15u;
    hash_ ^= hash_ >> 32;
  }
  std::uint64_t hash_ = 0x243F6A8885A308D3u;
  std::string rest_;
};

/// Over what follows the header, and what the header says of it.
PRETEXT_COLD inline std::uint64_t checksum_of(running_checksum sum, const token_header& h) {
  for (const std::uint64_t v : {h.vocabulary, h.tokens, h.documents, h.sources}) sum.add({reinterpret_cast<const std::byte*>(&v), sizeof v});
  return sum.value();
}

/// A file that grows at its end, and can be cut back to where a killed run had saved.
class growing_file {
 public:
  PRETEXT_COLD growing_file(std::string path, std::uint64_t keep) : path_(std::move(path)), size_(keep) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(keep)) != 0) failed("cannot be opened for writing");
  }
  growing_file(const growing_file&) = delete;
  growing_file& operator=(const growing_file&) = delete;
  ~growing_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  void append(io::byte_view bytes) {
    put(bytes, size_);
    size_ += bytes.size();
  }
  PRETEXT_COLD void put(io::byte_view bytes, std::uint64_t at) {
    while (!bytes.empty()) {
      const ssize_t wrote = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) failed("writing failed");
      at += static_cast<std::uint64_t>(wrote);
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
  }
  PRETEXT_COLD void sync() {
    if (::fsync(descriptor_) != 0) failed("could not be made durable");
  }
  std::uint64_t size() const { return size_; }

 private:
  [[noreturn]] PRETEXT_COLD void failed(const char* what) const {
    const int reason = errno;
    throw_error("data.113", {path_, ": ", what, " (", std::strerror(reason), "); check free space and permissions, then build again: it goes on from here"});
  }
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_;
};

inline std::string hex_of(std::uint64_t v) {
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[v >> shift & 15];
  return out;
}
inline std::uint64_t of_hex(std::string_view text) {
  std::uint64_t v = 0;
  for (const char c : text) v = v << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return v;
}

/// How far a build has come.
struct build_state {
  std::string key;  // of tokenizer, settings and sources
  std::uint64_t file = 0, offset = 0, tokens = 0, documents = 0;
  bool inside = false;  // a document that goes on behind `offset`
  running_checksum sum;
};

PRETEXT_COLD inline void write_state(const std::string& path, const build_state& s) {
  io::json::writer w;
  w.begin_object().member("key", s.key).member("file", s.file).member("offset", s.offset).member("tokens", s.tokens);
  w.member("documents", s.documents).member("inside", s.inside).member("hash", hex_of(s.sum.hash()));
  std::string rest;
  for (const char c : s.sum.rest()) rest += hex_of(static_cast<unsigned char>(c)).substr(14);
  w.member("rest", rest).end_object();
  io::write_file_atomically(path, std::string_view(w.text()));
}
/// The state of a killed build of the same key, or that of a new one: what is left of another build is of no use.
PRETEXT_COLD inline build_state read_state(const std::string& path, const std::string& key, std::uint64_t id_bytes) {
  build_state s;
  s.key = key;
  try {
    const io::json::value v = io::json::read(path + ".state");
    if (v.get_string("key") != key) return s;
    const auto number = [&](const char* name) { return static_cast<std::uint64_t>(v.get_integer(name)); };
    std::string rest;
    const std::string& hex = v.get_string("rest");
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) rest += static_cast<char>(static_cast<unsigned char>(of_hex(std::string_view(hex).substr(i, 2))));
    const auto holds = [&](const char* ending, std::uint64_t bytes) {
      std::int64_t size = 0;
      return io::kind_of(path + ending, &size) == io::path_kind::file && static_cast<std::uint64_t>(size) >= bytes;
    };
    if (!holds(".partial", sizeof(token_header) + number("tokens") * id_bytes) || !holds(".begins", number("documents") * 8)) return s;
    build_state found{key, number("file"), number("offset"), number("tokens"), number("documents"), v.get_boolean("inside"),
                      running_checksum(of_hex(v.get_string("hash")), rest)};
    return found;
  } catch (const error&) {
    return s;
  }
}

}  // namespace detail

/// The tokens of a corpus in a file, looked at through the system's memory: a corpus larger than memory is one.
///   data::build_token_cache("corpus.tokens", bpe, data::text_files("corpus/"), {.separator = 50256});
///   const data::token_cache tokens("corpus.tokens", bpe);
/// layout  64 bytes of header; ids of 2 or 4 bytes; zeros up to 8; begins of the documents and their end, 8 bytes each
/// errors  those of io::mapped_file; pretext[data.110] no cache, or cut off; [data.111] of another tokenizer; [data.112] damaged
/// cost    opening reads the file once for its checksum, unless `check` is false
class token_cache {
 public:
  PRETEXT_COLD token_cache(const std::string& path, std::uint64_t tokenizer_digest, std::string_view tokenizer_name, bool check = true)
      : file_(path) {
    const auto broken = [&](std::string_view what) { throw_error("data.110", {path, ": ", what, "; build the cache again"}); };
    if (file_.size() < sizeof header_) broken("is too short to be a cache of tokens");
    std::memcpy(&header_, file_.bytes().data(), sizeof header_);
    const detail::token_header wanted;
    if (std::memcmp(header_.magic, wanted.magic, sizeof wanted.magic) != 0) broken("is no cache of tokens");
    if (header_.version != wanted.version) broken(joined({"is of version ", header_.version, " where ", wanted.version, " is known"}));
    if (header_.tokenizer != tokenizer_digest)
      throw_error("data.111", {path, ": was made by another tokenizer than this ", tokenizer_name, " (digest ", detail::hex_of(header_.tokenizer), ", not ",
                               detail::hex_of(tokenizer_digest), "); build the cache again, or use the tokenizer that made it"});
    const std::uint64_t bytes = file_.size();
    if ((header_.id_bytes != 2 && header_.id_bytes != 4) || header_.tokens > bytes / header_.id_bytes || header_.documents > bytes / 8)
      broken("has a header that its size contradicts");
    const std::uint64_t ids = (header_.tokens * header_.id_bytes + 7) / 8 * 8;
    if (sizeof header_ + ids + (header_.documents + 1) * 8 != bytes) broken("is cut off, or has bytes too many");
    begins_ = file_.bytes().data() + sizeof header_ + ids;
    if (check) {
      detail::running_checksum sum;
      sum.add(file_.bytes().subspan(sizeof header_));
      if (detail::checksum_of(sum, header_) != header_.checksum)
        throw_error("data.112", {path, ": its bytes are not those that were written (checksum); check the disk, and build the cache again"});
    }
    std::uint64_t before = 0;
    for (index_t i = 0; i <= documents(); ++i) {
      if (begin_of(i) < before || begin_of(i) > header_.tokens) broken("has documents out of order");
      before = begin_of(i);
    }
    if (begin_of(documents()) != header_.tokens) broken("has documents that do not end with the tokens");
  }
  template <class T>
    requires requires(const T& t) { t.digest(); }
  token_cache(const std::string& path, const T& tokenizer, bool check = true) : token_cache(path, tokenizer.digest(), T::name, check) {}

  /// Tokens.
  index_t size() const { return static_cast<index_t>(header_.tokens); }
  index_t vocabulary_size() const { return static_cast<index_t>(header_.vocabulary); }
  std::uint64_t sources() const { return header_.sources; }
  index_t documents() const { return static_cast<index_t>(header_.documents); }
  /// The tokens of a document are [first, second).
  std::pair<index_t, index_t> document(index_t i) const {
    check_range(i, i + 1, documents(), "document");
    return {static_cast<index_t>(begin_of(i)), static_cast<index_t>(begin_of(i + 1))};
  }
  std::int32_t operator[](index_t i) const {
    const std::byte* const at = file_.bytes().data() + sizeof header_ + static_cast<std::size_t>(i) * header_.id_bytes;
    if (header_.id_bytes == 2) {
      std::uint16_t v = 0;
      std::memcpy(&v, at, 2);
      return v;
    }
    std::int32_t v = 0;
    std::memcpy(&v, at, 4);
    return v;
  }
  /// Copies the tokens from `begin` on.
  /// errors  pretext[data.115] outside the corpus
  void read(index_t begin, std::span<std::int32_t> out) const {
    check_range(begin, begin + static_cast<index_t>(out.size()), size(), "token");
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = (*this)[begin + static_cast<index_t>(i)];
  }

 private:
  static void check_range(index_t begin, index_t end, index_t size, const char* what) {
    if (begin < 0 || end > size)
      throw_error("data.115", {"token cache: ", what, "s ", begin, " to ", end, " were asked of ", size, "; stay inside"});
  }
  std::uint64_t begin_of(index_t i) const {
    std::uint64_t v = 0;
    std::memcpy(&v, begins_ + 8 * static_cast<std::size_t>(i), 8);
    return v;
  }
  io::mapped_file file_;
  detail::token_header header_;
  const std::byte* begins_ = nullptr;
};

namespace detail {

/// What a cache was made of: tokenizer, settings, and names and sizes of files.
template <class T>
std::uint64_t sources_of(const T& tokenizer, const std::vector<std::string>& files, const token_cache_settings& s) {
  tokenizer::digest_builder d;
  d.add(tokenizer.digest()).add(static_cast<std::uint64_t>(static_cast<std::int64_t>(s.separator))).add(s.stretch_bytes).add(s.lines ? 1u : 0u);
  for (const std::string& f : files) {
    const io::input_file<> file(f);
    d.add(f).add(file.size());
  }
  return d.value();
}

/// One build on its way.
template <class T>
class token_cache_builder {
 public:
  token_cache_builder(const std::string& path, const T& tokenizer, const std::vector<std::string>& files, const token_cache_settings& s)
      : path_(path), tokenizer_(tokenizer), files_(files), settings_(s), narrow_(tokenizer.vocabulary_size() <= 65536),
        state_(read_state(path, hex_of(sources_of(tokenizer, files, s)), narrow_ ? 2 : 4)),
        ids_(path + ".partial", sizeof(token_header) + state_.tokens * (narrow_ ? 2 : 4)), begins_(path + ".begins", state_.documents * 8) {}

  void run() {
    for (; state_.file < files_.size(); ++state_.file) {
      encode_file(files_[state_.file]);
      state_.offset = 0;
    }
    finish();
  }

 private:
  void encode_file(const std::string& name) {
    const io::mapped_file file(name);
    const std::string_view text = io::text_of(file.bytes());
    std::uint64_t at = state_.offset;
    if (at > text.size()) throw_error("data.113", {name, ": has become shorter since the build began; leave the files alone meanwhile"});
    if (at == 0 && text.empty()) return;
    while (at < text.size()) {
      std::uint64_t end = at;
      if (settings_.lines) {
        const std::size_t line_end = text.find('\n', at);
        end = line_end == std::string_view::npos ? text.size() : line_end + 1;
        std::string_view line = text.substr(at, end - at);
        while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
        if (!line.empty()) {
          open_document();
          encode(line);
          close_document();
        }
      } else {
        end = stretch_end(text, at);
        if (!state_.inside) open_document();
        state_.inside = true;
        encode(text.substr(at, end - at));
        if (end == text.size()) close_document();
      }
      since_ += end - at;
      at = end;
      state_.offset = at;
      if (since_ >= settings_.save_every) save();
    }
  }
  /// Up to the last line end within the allowed length; a longer line is cut before a character.
  std::uint64_t stretch_end(std::string_view text, std::uint64_t at) const {
    const std::uint64_t most = settings_.stretch_bytes < 16 ? 16 : settings_.stretch_bytes;
    if (text.size() - at <= most) return text.size();
    const std::size_t line = text.rfind('\n', at + most - 1);
    if (line != std::string_view::npos && line >= at) return line + 1;
    std::uint64_t end = at + most;
    for (int i = 0; i < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80; ++i) --end;
    return end;
  }

  void open_document() { append_begin(state_.tokens); }
  void close_document() {
    if (settings_.separator >= 0) {
      found_.push_back({settings_.separator, 0, 0});
      flush();
    }
    state_.inside = false;
  }
  void append_begin(std::uint64_t begin) {
    begins_.append({reinterpret_cast<const std::byte*>(&begin), sizeof begin});
    ++state_.documents;
  }
  void encode(std::string_view text) {
    tokenizer_.encode(text, found_, cache_);
    flush();
  }
  void flush() {
    const index_t size = tokenizer_.vocabulary_size();
    packed_.clear();
    for (const tokenizer::token& t : found_) {
      if (t.id < 0 || t.id >= size)
        throw_error("data.113", {path_, ": the token ", t.id, " is outside the vocabulary of ", size, "; mend the tokenizer or the separator"});
      packed_.append(reinterpret_cast<const char*>(&t.id), narrow_ ? 2 : 4);  // the low bytes come first
    }
    const io::byte_view bytes = io::bytes_of(packed_);
    ids_.append(bytes);
    state_.sum.add(bytes);
    state_.tokens += found_.size();
    found_.clear();
  }
  PRETEXT_COLD void save() {
    ids_.sync();
    begins_.sync();
    write_state(path_ + ".state", state_);
    since_ = 0;
  }

  PRETEXT_COLD void finish() {
    if (state_.tokens == 0) throw_error("data.107", {path_, ": the files hold no token; name others"});
    save();  // should what follows be interrupted, it is done again from here
    const std::uint64_t width = narrow_ ? 2 : 4;
    std::vector<std::byte> tail((8 - state_.tokens * width % 8) % 8);
    running_checksum sum = state_.sum;
    const auto add = [&](io::byte_view bytes) {
      ids_.append(bytes);
      sum.add(bytes);
    };
    add(view_of(tail));
    {
      const io::mapped_file begins(path_ + ".begins");
      add(begins.bytes().first(state_.documents * 8));
    }
    add({reinterpret_cast<const std::byte*>(&state_.tokens), 8});
    token_header h;
    h.id_bytes = static_cast<std::uint32_t>(width);
    h.tokenizer = tokenizer_.digest();
    h.vocabulary = static_cast<std::uint64_t>(tokenizer_.vocabulary_size());
    h.tokens = state_.tokens;
    h.documents = state_.documents;
    h.sources = of_hex(state_.key);
    h.checksum = checksum_of(sum, h);
    ids_.put({reinterpret_cast<const std::byte*>(&h), sizeof h}, 0);
    ids_.sync();
    if (std::rename((path_ + ".partial").c_str(), path_.c_str()) != 0)
      throw_error("data.113", {path_, ": cannot be put in place (", std::strerror(errno), "); check the permissions"});
    const io::posix_files system;
    const std::string folder = io::folder_of(path_);
    if (const int open = system.open_folder(folder.empty() ? "." : folder.c_str()); open >= 0) {
      (void)system.sync(open);  // some file systems have no sync of folders
      system.close(open);
    }
    ::unlink((path_ + ".begins").c_str());
    ::unlink((path_ + ".state").c_str());
  }

  std::string path_;
  const T& tokenizer_;
  const std::vector<std::string>& files_;
  token_cache_settings settings_;
  bool narrow_;
  build_state state_;
  growing_file ids_, begins_;
  typename T::cache cache_;
  std::vector<tokenizer::token> found_;
  std::string packed_;
  std::uint64_t since_ = 0;
};

}  // namespace detail

/// Encodes files, one after another, into a token cache, which is put in place when it is whole. A build that was killed goes on from its
/// last state when it is called again with the same tokenizer, settings and files; what a build of others left is begun anew.
/// laws    the cache is the same bytes whether the build was interrupted or not
/// errors  pretext[data.107] no token; [data.113] writing, a file that became shorter, a token outside the vocabulary; those of the files
/// cost    memory of one stretch's tokens
template <class T>
void build_token_cache(const std::string& path, const T& tokenizer, const std::vector<std::string>& files, const token_cache_settings& s = {}) {
  static_assert(concepts::explain_tokenizer<T, tokenizer::token, tokenizer::special_ids>());
  detail::token_cache_builder<T>(path, tokenizer, files, s).run();
}

/// The cache at a path, built where it is not there yet.
/// errors  those of both; pretext[data.116] it was made of other files, or with other settings
template <class T>
token_cache cached_tokens(const std::string& path, const T& tokenizer, const std::vector<std::string>& files, const token_cache_settings& s = {}) {
  if (io::kind_of(path) == io::path_kind::nothing) build_token_cache(path, tokenizer, files, s);
  token_cache cache(path, tokenizer);
  if (cache.sources() != detail::sources_of(tokenizer, files, s))
    throw_error("data.116", {path, ": was made of other files, or with other settings; remove it to build it again, or name another path"});
  return cache;
}

}  // namespace pretext::data
