// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/rng.hpp"
#include "../core/settings.hpp"
#include "../core/tensor.hpp"

/// How the next token is chosen from a model's logits. docs/policies/choice.md: write your own.
namespace pretext::generate {

/// The logits of one position.
struct logit_row {
  const float* values = nullptr;
  index_t size = 0;
};

/// The key of token `step` of a text: what is chosen is a function of (seed, sample, step) and the logits, whatever else is
/// generated beside it.
/// limits  step < 2^24
PRETEXT_HOST_DEVICE constexpr rng::key choice_key(std::uint64_t seed, std::uint64_t sample, std::uint64_t step) {
  return rng::key{.seed = seed, .sample = sample, .epoch = static_cast<std::uint32_t>(step)}.with_purpose(rng::purpose::generate);
}

// ---- the requirements, each small enough that a failed one reads as a sentence

template <class P>
concept HasScratch = requires(const P& p, index_t vocabulary) {
  { p.scratch_floats(vocabulary) } -> std::convertible_to<index_t>;
};
template <class P>
concept HasChoose = requires(const P& p, rng::key key, logit_row logits, float* scratch) {
  { p.choose(key, logits, scratch) } -> std::same_as<std::int32_t>;
};

/// Chooses a token from logits.
template <class P>
concept Choice = std::is_trivially_copyable_v<P> && std::default_initializable<P> && HasScratch<P> && HasChoose<P>;

/// Stops with one sentence that names what a choice lacks.
template <class P>
constexpr bool explain_choice() {
  static_assert(std::is_trivially_copyable_v<P> && std::default_initializable<P>,
                "pretext[generate.001] a choice must be trivially copyable and default constructible: a kernel holds a copy; see "
                "docs/policies/choice.md#value");
  static_assert(HasScratch<P>, "pretext[generate.002] `index_t scratch_floats(index_t vocabulary) const` is missing; see "
                               "docs/policies/choice.md#scratch_floats");
  static_assert(HasChoose<P>, "pretext[generate.003] `std::int32_t choose(rng::key, logit_row, float* scratch) const` is missing; see "
                              "docs/policies/choice.md#choose");
  return Choice<P>;
}

/// The most likely token, of equals the first; -1 where no logit is a number.
/// cost    one pass
struct greedy {
  static constexpr const char* name = "greedy";
  PRETEXT_HOST_DEVICE constexpr index_t scratch_floats(index_t) const { return 0; }
  PRETEXT_HOST_DEVICE constexpr std::int32_t choose(rng::key, logit_row logits, float*) const {
    index_t best = -1;
    for (index_t i = 0; i < logits.size; ++i)
      if (logits.values[i] == logits.values[i] && (best < 0 || logits.values[i] > logits.values[best])) best = i;
    return static_cast<std::int32_t>(best);
  }
};

namespace detail {

/// 2^-x for x >= 0 with 32 fractional bits, as a number of 32 bits: 2^32 - 1 for x = 0, 0 from x = 32 on. In integers, since what
/// is drawn must not depend on a library's exp.
PRETEXT_HOST_DEVICE constexpr std::uint32_t falling_power(std::uint64_t x) {
  const std::uint64_t whole = x >> 32;
  if (whole >= 32) return 0;
  constexpr std::uint64_t ln2 = 0xB17217F8u;  // 32 fractional bits
  const std::uint64_t t = ((x & 0xFFFFFFFFu) * ln2) >> 32;
  // e^-t = 1 - t (1 - t/2 (1 - t/3 ...)), t < ln 2: twelve terms leave 2^-35. The reciprocals are rounded to 32 bits.
  std::uint64_t sum = std::uint64_t{1} << 32;
  constexpr std::uint64_t one = std::uint64_t{1} << 32;
  constexpr std::uint64_t inverse[] = {one / 1, one / 2, one / 3, one / 4, one / 5, one / 6, one / 7, one / 8, one / 9, one / 10, one / 11, one / 12};
  for (int n = 11; n >= 0; --n) sum = one - ((((sum * t) >> 32) * inverse[n]) >> 32);
  const std::uint64_t power = (sum >> whole);
  return static_cast<std::uint32_t>(power > 0xFFFFFFFFu ? 0xFFFFFFFFu : power);
}

/// Which weights stay: those above `least`, and the first `ties` of those equal to it.
struct weight_cut {
  std::uint32_t least = 1;
  index_t ties = 0;
};

PRETEXT_HOST_DEVICE inline std::uint32_t weight_at(const float* weights, index_t i) {
  std::uint32_t w;
  std::memcpy(&w, weights + i, sizeof w);
  return w;
}

}  // namespace detail

/// Draws a token with probability softmax(logits / temperature), of the `top_k` most likely ones, of the fewest that together
/// have probability `top_p`; each restriction is of what the one before it left. 0 and 1 switch them off.
/// laws    with top_k = 1, or top_p = 0, it is greedy; equal logits: the first are kept
/// errors  pretext[generate.101] a setting out of range
/// repeat  the same logits give the same token on every machine: weights are integers, 2^32 for the most likely token, and
///         a token 22 temperatures below it is never drawn
/// cost    some 30 integer operations a token; 32 passes over the weights for each of top_k and top_p; no sorting
/// source  Fan et al. 2018, arXiv:1805.04833 (top k); Holtzman et al. 2020, arXiv:1904.09751 (nucleus)
struct sampling {
  setting<float> temperature = default_value(1.0f);
  setting<int> top_k = default_value(0);
  setting<float> top_p = default_value(1.0f);

  static constexpr const char* name = "sampling";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("temperature", self.temperature);
    visit("top_k", self.top_k);
    visit("top_p", self.top_p);
  }
  void check() const {
    if (!(temperature > 0 && temperature < 1e6f && top_k >= 0 && top_p >= 0 && top_p <= 1))
      throw_error("generate.101", {"sampling: temperature ", static_cast<double>(temperature.value()), ", top_k ", index_t{top_k.value()}, ", top_p ",
          static_cast<double>(top_p.value()), "; a temperature is above 0 (greedy has none), top_k 0 or more, top_p in [0, 1]"});
  }
  /// One weight a token.
  PRETEXT_HOST_DEVICE constexpr index_t scratch_floats(index_t vocabulary) const { return vocabulary; }

  PRETEXT_HOST_DEVICE std::int32_t choose(rng::key key, logit_row logits, float* weights) const {
    const std::int32_t likely = greedy{}.choose(key, logits, nullptr);
    if (likely < 0) return -1;
    const index_t n = logits.size;
    const double most = static_cast<double>(logits.values[likely]);
    const double scale = 1.4426950408889634 / static_cast<double>(temperature.value());  // log2 e
    for (index_t i = 0; i < n; ++i) {
      const double below = (most - static_cast<double>(logits.values[i])) * scale;
      // Also of a NaN or -inf nothing; of two infinite logits the difference is a NaN, and the first of them is meant.
      const std::uint32_t w = i == likely ? 0xFFFFFFFFu : below < 32 ? detail::falling_power(static_cast<std::uint64_t>(below * 4294967296.0)) : 0;
      std::memcpy(weights + i, &w, sizeof w);
    }
    detail::weight_cut cut{1, n};
    if (top_k > 0) cut = most_likely(weights, n, top_k);
    if (top_p < 1) cut = nucleus(weights, n, cut);
    const std::uint64_t mass = mass_of(weights, n, cut);
    rng::stream draw(key);
    std::uint64_t at = multiply_high(draw.bits64(), mass);
    index_t ties = cut.ties;
    for (index_t i = 0; i < n; ++i) {
      const std::uint32_t w = detail::weight_at(weights, i);
      if (w < cut.least || (w == cut.least && ties-- <= 0)) continue;
      if (at < w) return static_cast<std::int32_t>(i);
      at -= w;
    }
    return likely;  // never: `at` is below the sum of what the loop passes
  }

 private:
  PRETEXT_HOST_DEVICE static constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t a0 = a & 0xFFFFFFFFu, a1 = a >> 32, b0 = b & 0xFFFFFFFFu, b1 = b >> 32;
    const std::uint64_t middle = a1 * b0 + ((a0 * b0) >> 32);
    return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xFFFFFFFFu)) >> 32);
  }
  PRETEXT_HOST_DEVICE static index_t count_from(const float* weights, index_t n, std::uint32_t least) {
    index_t count = 0;
    for (index_t i = 0; i < n; ++i) count += detail::weight_at(weights, i) >= least;
    return count;
  }
  PRETEXT_HOST_DEVICE static std::uint64_t mass_from(const float* weights, index_t n, std::uint32_t least) {
    std::uint64_t sum = 0;
    for (index_t i = 0; i < n; ++i) {
      const std::uint32_t w = detail::weight_at(weights, i);
      sum += w >= least ? w : 0;
    }
    return sum;
  }
  PRETEXT_HOST_DEVICE static std::uint64_t mass_of(const float* weights, index_t n, const detail::weight_cut& cut) {
    const std::uint64_t above = cut.least == 0xFFFFFFFFu ? 0 : mass_from(weights, n, cut.least + 1);
    const index_t equal = count_from(weights, n, cut.least) - (cut.least == 0xFFFFFFFFu ? 0 : count_from(weights, n, cut.least + 1));
    return above + static_cast<std::uint64_t>(equal < cut.ties ? equal : cut.ties) * cut.least;
  }
  /// The largest threshold in [low, 2^32) at which enough is kept; at `low` there is.
  template <class Enough>
  PRETEXT_HOST_DEVICE static std::uint32_t bisect(std::uint32_t low, const Enough& enough) {
    std::uint32_t high = 0xFFFFFFFFu;
    while (low < high) {
      const auto middle = static_cast<std::uint32_t>(low + (static_cast<std::uint64_t>(high) - low + 1) / 2);
      if (enough(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  PRETEXT_HOST_DEVICE static detail::weight_cut most_likely(const float* weights, index_t n, index_t k) {
    if (count_from(weights, n, 1) <= k) return {1, n};
    const std::uint32_t least = bisect(1, [&](std::uint32_t x) { return count_from(weights, n, x) >= k; });
    return {least, k - (least == 0xFFFFFFFFu ? 0 : count_from(weights, n, least + 1))};
  }
  PRETEXT_HOST_DEVICE detail::weight_cut nucleus(const float* weights, index_t n, const detail::weight_cut& cut) const {
    // The share with 32 fractional bits, rounded up; at least the most likely token stays.
    const auto share = static_cast<std::uint64_t>(static_cast<double>(top_p.value()) * 4294967296.0);
    const std::uint64_t all = mass_of(weights, n, cut);
    std::uint64_t wanted = (all >> 32) * share + (((all & 0xFFFFFFFFu) * share + 0xFFFFFFFFu) >> 32);
    if (wanted == 0) wanted = 1;
    const std::uint32_t least = bisect(cut.least, [&](std::uint32_t x) { return x == cut.least || mass_from(weights, n, x) >= wanted; });
    const std::uint64_t above = least == 0xFFFFFFFFu ? 0 : mass_from(weights, n, least + 1);
    const auto ties = static_cast<index_t>((wanted - above + least - 1) / least);
    return {least, least == cut.least && cut.ties < ties ? cut.ties : ties};
  }
};

/// Chooses the next token of sample b from row b of the logits, for op::for_each_sample.
/// shapes  logits (B, vocabulary), chosen (B); samples (B) their numbers, or null: 0 to B - 1
template <class Policy>
struct token_chooser {
  static_assert(explain_choice<Policy>());
  Policy policy;
  tensor_view<const float> logits;
  std::int32_t* chosen = nullptr;
  std::uint64_t seed = 0, step = 0;
  const std::uint64_t* samples = nullptr;
  index_t scratch_floats = 0;

  constexpr token_chooser(const Policy& p, tensor_view<const float> l, std::int32_t* to, std::uint64_t s, std::uint64_t t,
                          const std::uint64_t* numbers = nullptr)
      : policy(p), logits(l), chosen(to), seed(s), step(t), samples(numbers), scratch_floats(p.scratch_floats(l.columns())) {
    if constexpr (requires { p.check(); }) p.check();
  }
  void operator()(index_t b, tensor_view<float> scratch) const {
    const index_t vocabulary = logits.columns();
    const rng::key key = choice_key(seed, samples == nullptr ? static_cast<std::uint64_t>(b) : samples[b], step);
    chosen[b] = policy.choose(key, {logits.data + b * vocabulary, vocabulary}, scratch.data);
  }
};

}  // namespace pretext::generate
