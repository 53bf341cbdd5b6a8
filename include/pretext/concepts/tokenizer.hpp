// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/index.hpp"

namespace pretext::concepts {

template <class K>
concept NamesTokenizer = requires {
  { K::name } -> std::convertible_to<std::string_view>;
};
/// `struct cache`: memory of one caller, so that encode is const and runs on any thread.
template <class K>
concept HasTokenizerCache = std::default_initializable<typename K::cache>;
template <class K>
concept HasVocabularySize = requires(const K& k) {
  { k.vocabulary_size() } -> std::convertible_to<index_t>;
};
/// `Token` is tokenizer::token, `Special` tokenizer::special_ids.
template <class K, class Token>
concept HasEncode = requires(const K& k, std::string_view text, std::vector<Token>& out, typename K::cache& c) { k.encode(text, out, c); };
template <class K>
concept HasDecode = requires(const K& k, std::span<const std::int32_t> ids, std::string& out) { k.decode(ids, out); };
template <class K, class Special>
concept HasSpecialIds = requires(const K& k) {
  { k.special() } -> std::convertible_to<Special>;
};
template <class K>
concept HasDigest = requires(const K& k) {
  { k.digest() } -> std::same_as<std::uint64_t>;
};

template <class K, class Token, class Special>
concept Tokenizer = NamesTokenizer<K> && HasTokenizerCache<K> && HasVocabularySize<K> && HasEncode<K, Token> && HasDecode<K> &&
                    HasSpecialIds<K, Special> && HasDigest<K>;

/// Stops with one sentence that names what a tokenizer lacks.
template <class K, class Token, class Special>
constexpr bool explain_tokenizer() {
  static_assert(NamesTokenizer<K>, "pretext[tokenizer.101] `static constexpr const char* name` is missing; see docs/policies/tokenizer.md#name");
  static_assert(HasTokenizerCache<K>, "pretext[tokenizer.102] `struct cache`, default constructible, is missing; see "
                                      "docs/policies/tokenizer.md#cache");
  static_assert(HasVocabularySize<K>, "pretext[tokenizer.103] `index_t vocabulary_size() const` is missing; see "
                                      "docs/policies/tokenizer.md#vocabulary_size");
  if constexpr (HasTokenizerCache<K>)
    static_assert(HasEncode<K, Token>, "pretext[tokenizer.104] `void encode(std::string_view text, std::vector<token>& out, cache&) const` is "
                                       "missing; see docs/policies/tokenizer.md#encode");
  static_assert(HasDecode<K>, "pretext[tokenizer.105] `void decode(std::span<const std::int32_t> ids, std::string& out) const` is missing; see "
                              "docs/policies/tokenizer.md#decode");
  static_assert(HasSpecialIds<K, Special>, "pretext[tokenizer.106] `special_ids special() const` is missing; see "
                                           "docs/policies/tokenizer.md#special");
  static_assert(HasDigest<K>, "pretext[tokenizer.107] `std::uint64_t digest() const` is missing; see docs/policies/tokenizer.md#digest");
  return Tokenizer<K, Token, Special>;
}

}  // namespace pretext::concepts
