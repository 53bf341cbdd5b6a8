// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for families on tokens
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "../augmentation.hpp"

/// What a corruption of a row of tokens is. docs/policies/corruption.md: write your own.
namespace pretext::augment {

/// What a corruption has to know of a vocabulary: its size, the token that stands for a hidden one, and the tokens that are
/// never hidden and never drawn ([CLS], [SEP], padding, ...). A plain value, so that a kernel may hold it.
/// errors  pretext[augment.301] no ordinary token is left, an id lies outside the vocabulary, or there are more than 8 special ones
struct token_ids {
  static constexpr int most_special = 8;

  constexpr token_ids() = default;
  /// `mask` -1: the vocabulary has none.
  constexpr token_ids(std::int32_t words, std::int32_t mask_id, std::span<const std::int32_t> special) : size(words), mask(mask_id) {
    if (mask_id != -1) add(mask_id);
    for (const std::int32_t id : special) add(id);
    if (size <= fixed_count)
      throw_error("augment.301", {"a vocabulary of ", index_t{size}, " tokens has no ordinary token beside its ", index_t{fixed_count},
          " special ones; give the tokenizer's size"});
  }
  constexpr token_ids(std::int32_t words, std::int32_t mask_id, std::initializer_list<std::int32_t> special = {})
      : token_ids(words, mask_id, std::span<const std::int32_t>(special.begin(), special.size())) {}

  /// Whether a token may be hidden: one of the vocabulary, and not special.
  PRETEXT_HOST_DEVICE constexpr bool ordinary(std::int32_t token) const {
    bool yes = token >= 0 && token < size;
    for (int i = 0; i < fixed_count; ++i) yes = yes && token != fixed[i];
    return yes;
  }
  /// One of the ordinary tokens, all equally likely for 32 random bits.
  PRETEXT_HOST_DEVICE constexpr std::int32_t drawn(std::uint32_t bits) const {
    const auto among = static_cast<std::uint64_t>(size - fixed_count);
    auto token = static_cast<std::int32_t>((bits * among) >> 32);
    for (int i = 0; i < fixed_count; ++i) token += token >= fixed[i] ? 1 : 0;
    return token;
  }

  std::int32_t size = 0;  // ids are 0 to size - 1
  std::int32_t mask = -1;
  std::int32_t fixed[most_special + 1] = {};  // the special ones and the mask, ascending
  int fixed_count = 0;

 private:
  constexpr void add(std::int32_t id) {
    if (id < 0 || id >= size)
      throw_error("augment.301", {"the special token ", index_t{id}, " lies outside the vocabulary of ", index_t{size},
          "; give the tokenizer's ids and size"});
    int at = 0;
    while (at < fixed_count && fixed[at] < id) ++at;
    if (at < fixed_count && fixed[at] == id) return;
    if (fixed_count == most_special + 1)
      throw_error("augment.301", {"more than ", index_t{most_special}, " special tokens; name those that occur in the text"});
    for (int i = fixed_count++; i > at; --i) fixed[i] = fixed[i - 1];
    fixed[at] = id;
  }
};

/// The tokens of one sample, without padding. `starts`: 1 where a word begins, 0 where a token continues one; null: every
/// token is a word. A special token ends a word whatever `starts` says.
struct token_row {
  const std::int32_t* tokens = nullptr;
  const std::uint8_t* starts = nullptr;
  index_t length = 0;

  PRETEXT_HOST_DEVICE constexpr bool starts_word(index_t t) const { return starts == nullptr || starts[t] != 0; }
};

/// Where the result goes: shown (length), place and token (capacity(length)), work (length), which nobody reads afterwards.
struct hidden_row {
  std::int32_t* shown = nullptr;  // what the model reads; -1: nothing, its embedding is zero
  std::int32_t* place = nullptr;  // hidden place k of the sample, ascending
  std::int32_t* token = nullptr;  // what stood there
  std::int32_t* work = nullptr;
};

// ---- the requirements, each small enough that a failed one reads as a sentence

template <class P>
concept HasCapacity = requires(const P& p, index_t length) {
  { p.capacity(length) } -> std::convertible_to<index_t>;
};

template <class P>
concept HasCorrupt = requires(const P& p, rng::key key, const token_ids& ids, const token_row& in, const hidden_row& out) {
  { p.corrupt(key, ids, in, out) } -> std::same_as<std::int32_t>;
};

/// Hides tokens of a sample: `corrupt` writes what is shown and lists what is hidden, `capacity` says how many there can be.
template <class P>
concept Corruption = std::is_trivially_copyable_v<P> && std::default_initializable<P> && HasCapacity<P> && HasCorrupt<P>;

/// Stops with one sentence that names what a corruption lacks.
template <class P>
constexpr bool explain_corruption() {
  static_assert(std::is_trivially_copyable_v<P> && std::default_initializable<P>,
                "pretext[augment.021] a corruption must be trivially copyable and default constructible: a kernel holds a copy; see "
                "docs/policies/corruption.md#value");
  static_assert(HasCapacity<P>, "pretext[augment.022] `index_t capacity(index_t length) const` is missing; see "
                                "docs/policies/corruption.md#capacity");
  static_assert(HasCorrupt<P>,
                "pretext[augment.023] `std::int32_t corrupt(rng::key, const token_ids&, const token_row& in, const hidden_row& out) "
                "const` is missing; see docs/policies/corruption.md#corrupt");
  return Corruption<P>;
}

/// Whether a corruption shows the vocabulary's mask (`static constexpr bool shows_mask = true`), and so needs one.
template <class P>
inline constexpr bool shows_mask = [] {
  if constexpr (requires { P::shows_mask; })
    return P::shows_mask;
  else
    return false;
}();

/// Refuses what a corruption cannot work on; before a step, never within one.
/// errors  pretext[augment.302] it shows a mask and the vocabulary has none; pretext[augment.301] an empty vocabulary; the
///         policy's own
template <class P>
constexpr void check_corruption(const P& policy, const token_ids& ids) {
  check_settings(policy);
  if (ids.size == 0) throw_error("augment.301", "the vocabulary is empty; give the tokenizer's size and special tokens");
  if (shows_mask<P> && ids.mask < 0)
    throw_error("augment.302", {name_of<P>(), " shows a mask, and the vocabulary has none; give its id, or hide embeddings instead"});
}

}  // namespace pretext::augment
