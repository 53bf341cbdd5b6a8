// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "pretext/augment/text/hide.hpp"

/// One sample corrupted, in vectors.
namespace hidden {

namespace au = pretext::augment;
using pretext::index_t;

inline constexpr std::int32_t pad = 0, cls = 101, sep = 102, mask = 103, words = 1000;
inline constexpr au::token_ids ids(words, mask, {cls, sep, pad});

struct row {
  std::vector<std::int32_t> shown, place, token;
  std::int32_t count = 0;
  friend bool operator==(const row&, const row&) = default;
};

template <class P>
row corrupt(const P& policy, const std::vector<std::int32_t>& tokens, pretext::rng::key key, const std::vector<std::uint8_t>& starts = {},
            const au::token_ids& vocabulary = ids) {
  const auto n = static_cast<index_t>(tokens.size());
  const auto most = static_cast<std::size_t>(policy.capacity(n));
  row r{std::vector<std::int32_t>(tokens.size(), -99), std::vector<std::int32_t>(most, -99), std::vector<std::int32_t>(most, -99), 0};
  std::vector<std::int32_t> work(tokens.size());
  r.count = policy.corrupt(key, vocabulary, {tokens.data(), starts.empty() ? nullptr : starts.data(), n},
                           {r.shown.data(), r.place.data(), r.token.data(), work.data()});
  r.place.resize(static_cast<std::size_t>(r.count));
  r.token.resize(static_cast<std::size_t>(r.count));
  return r;
}

inline pretext::rng::key key(std::uint64_t sample, std::uint32_t epoch = 0, std::uint64_t seed = 1) {
  return pretext::rng::key{.seed = seed, .sample = sample, .epoch = epoch}.with_purpose(pretext::rng::purpose::corrupt);
}

/// [CLS], n ordinary tokens from 200 on, [SEP].
inline std::vector<std::int32_t> sentence(int n) {
  std::vector<std::int32_t> t{cls};
  for (int i = 0; i < n; ++i) t.push_back(200 + i % 700);
  t.push_back(sep);
  return t;
}

}  // namespace hidden
