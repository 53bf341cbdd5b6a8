// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <algorithm>

#include "../augment/text/corruption.hpp"
#include "result.hpp"

namespace pretext::check {

struct corruption_options {
  int keys = 24;             // samples tried for every length
  bool hides_always = true;  // something of a sample with an ordinary token; false for one that may hide nothing
};

namespace detail {

/// A corruption's result with a guard behind every array.
class corruption_probe {
 public:
  static constexpr std::int32_t words = 50, mask = 3, untouched = -77;
  static constexpr augment::token_ids ids{words, mask, {0, 1, 2}};
  static constexpr std::size_t guard = 32;

  std::vector<std::int32_t> shown, place, token;
  index_t count = 0;

  template <class P>
  corruption_probe(const P& policy, const std::vector<std::int32_t>& tokens, const std::vector<std::uint8_t>& starts, std::size_t length, rng::key key) {
    const auto capacity = static_cast<std::size_t>(policy.capacity(static_cast<index_t>(length)));
    shown.assign(length + guard, untouched);
    place.assign(capacity + guard, untouched);
    token = place;
    std::vector<std::int32_t> work(length + guard, untouched);
    count = policy.corrupt(key, ids, {tokens.data(), starts.data(), static_cast<index_t>(length)}, {shown.data(), place.data(), token.data(), work.data()});
    within_ = count >= 0 && count <= static_cast<index_t>(capacity) && clean(shown, length) && clean(place, capacity) && clean(token, capacity) &&
              clean(work, length);
    shown.resize(length);
    const auto n = static_cast<std::size_t>(std::clamp(count, index_t{0}, static_cast<index_t>(capacity)));
    place.resize(n);
    token.resize(n);
  }
  bool within() const { return within_; }
  friend bool operator==(const corruption_probe&, const corruption_probe&) = default;

 private:
  static bool clean(const std::vector<std::int32_t>& v, std::size_t used) {
    return std::all_of(v.begin() + static_cast<std::ptrdiff_t>(used), v.end(), [](std::int32_t x) { return x == untouched; });
  }
  bool within_ = false;
};

}  // namespace detail

/// The laws of a corruption: a function of key and tokens alone, drawn anew for every sample and epoch, special tokens stay,
/// the list says what is gone and nothing else is, the capacity is enough; on samples of 0 to 257 tokens, with and without
/// special ones.
///   check::corruption(my_corruption{})
template <class P>
result corruption(const P& policy, const corruption_options& o = {}) {
  static_assert(augment::explain_corruption<P>());
  using probe = detail::corruption_probe;
  result r("corruption " + std::string(augment::name_of<P>()));
  bool repeats = true, within = true, written = true, ascending = true, listed = true, known = true, special = true, own_length = true, hides = true;
  std::string where;
  int alike = 0, other_sample = 0, other_epoch = 0;
  const auto note = [&](bool& law, bool holds, std::size_t n) {
    if (!holds && law) where += (where.empty() ? "" : ", ") + std::to_string(n) + " tokens";
    law = law && holds;
  };
  try {
    augment::check_corruption(policy, probe::ids);
    for (const std::size_t n : {0, 1, 2, 7, 13, 31, 64, 257})
      for (const int kind : {0, 1, 2}) {  // ordinary tokens, a special one now and then, special ones only
        rng::stream draw(rng::key{.seed = 9, .sample = n}.with_purpose(rng::purpose::user));
        std::vector<std::int32_t> tokens;
        std::vector<std::uint8_t> starts;
        for (std::size_t t = 0; t < n; ++t) {
          const bool fixed = kind == 2 || (kind == 1 && draw.below(4) == 0);
          tokens.push_back(static_cast<std::int32_t>(fixed ? draw.below(4) : 4 + draw.below(probe::words - 4)));
          starts.push_back(draw.below(3) != 0);
        }
        const bool any = std::any_of(tokens.begin(), tokens.end(), [](std::int32_t t) { return probe::ids.ordinary(t); });
        for (int k = 0; k < o.keys; ++k) {
          const rng::key key = rng::key{.seed = 5, .sample = static_cast<std::uint64_t>(k)}.with_purpose(rng::purpose::corrupt);
          auto row = tokens;
          auto begins = starts;
          row.resize(n + probe::guard, 17), begins.resize(n + probe::guard, 1);
          const probe p(policy, row, begins, n, key);
          note(repeats, p == probe(policy, row, begins, n, key), n);
          std::fill(row.begin() + static_cast<std::ptrdiff_t>(n), row.end(), 23);  // of the next sample: none of its business
          std::fill(begins.begin() + static_cast<std::ptrdiff_t>(n), begins.end(), std::uint8_t{0});
          note(own_length, p == probe(policy, row, begins, n, key), n);
          note(within, p.within(), n);
          std::vector<std::int32_t> restored = p.shown;
          std::int32_t before = -1;
          for (std::size_t i = 0; i < p.place.size(); ++i) {
            const std::int32_t t = p.place[i];
            const bool inside = t > before && t < static_cast<std::int32_t>(n);
            note(ascending, inside, n);
            if (!inside) break;
            before = t;
            const auto at = static_cast<std::size_t>(t);
            note(listed, p.token[i] == tokens[at], n);
            note(special, probe::ids.ordinary(tokens[at]), n);
            restored[at] = tokens[at];
          }
          for (std::size_t t = 0; t < n; ++t) {
            const std::int32_t s = p.shown[t];
            note(written, s != probe::untouched, n);
            note(known, s >= -1 && s < probe::words && (s < 0 || s > 2 || s == tokens[t]), n);
          }
          note(listed, restored == tokens, n);
          if (o.hides_always) note(hides, p.count > 0 || !any, n);
          if (n == 64 && kind == 0) {
            rng::key next = key;
            ++next.epoch;
            ++alike;
            other_sample += !(p == probe(policy, row, begins, n, key.with_sample(key.sample + 1000)));
            other_epoch += !(p == probe(policy, row, begins, n, next));
          }
        }
      }
  } catch (const error& e) {
    r.add("no sample is refused", false, e.what());
    return r;
  }
  const auto said = [&](bool law) { return law ? std::string() : where; };
  r.add("the same key hides the same", repeats, said(repeats));
  r.add("samples are hidden differently", 2 * other_sample > alike, std::to_string(other_sample) + " of " + std::to_string(alike));
  r.add("every epoch hides anew", 2 * other_epoch > alike, std::to_string(other_epoch) + " of " + std::to_string(alike));
  r.add("what lies behind a sample is not read", own_length, said(own_length));
  r.add("the capacity is enough, and nothing else is written", within, said(within));
  r.add("every token is shown or replaced", written, said(written));
  r.add("places ascend and lie in the sample", ascending, said(ascending));
  r.add("the list says what is gone", listed, said(listed));
  r.add("special tokens stay", special, said(special));
  r.add("what is shown is a mask, nothing or an ordinary token", known, said(known));
  if (o.hides_always) r.add("something is hidden where it can be", hides, said(hides));
  return r;
}

}  // namespace pretext::check
