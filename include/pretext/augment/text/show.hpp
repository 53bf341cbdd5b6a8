// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for families on tokens
#pragma once

#include "../detail/decide.hpp"
#include "corruption.hpp"

/// What stands in the place of a hidden token: `operator()(ids, fate, draw, token)` gets what stood there and 32 random bits
/// twice, `fate` shared by the places of a unit (a span), `draw` the place's own.
namespace pretext::augment::show {

/// The mask mostly, sometimes a random token, else what stood there: the model must not learn that only masks matter.
/// source  Devlin et al. 2019, arXiv:1810.04805, section 3.1 (80 %, 10 %, 10 %)
struct mixture {
  setting<float> mask = default_value(0.8f);
  setting<float> random = default_value(0.1f);

  static constexpr std::string_view name = "mixture";
  static constexpr bool shows_mask = true;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("mask", self.mask);
    visit("random", self.random);
  }
  constexpr void check() const {
    augment::detail::check_value(mask, 0, 1, name, "mask");
    augment::detail::check_value(random, 0, 1, name, "random");
    augment::detail::check_value(mask + random, 0, 1.000001f, name, "mask + random");
  }
  PRETEXT_HOST_DEVICE constexpr std::int32_t operator()(const token_ids& ids, std::uint32_t fate, std::uint32_t draw, std::int32_t token) const {
    const augment::detail::q32 masked = augment::detail::to_q32(static_cast<double>(mask.value()));
    const augment::detail::q32 exchanged = augment::detail::to_q32(static_cast<double>(random.value()));
    if (fate < masked) return ids.mask;
    return fate < masked + exchanged ? ids.drawn(draw) : token;
  }
};

/// Always the mask.
struct mask {
  static constexpr std::string_view name = "mask";
  static constexpr bool shows_mask = true;
  PRETEXT_HOST_DEVICE constexpr std::int32_t operator()(const token_ids& ids, std::uint32_t, std::uint32_t, std::int32_t) const { return ids.mask; }
};

/// Nothing: -1, whose embedding is zero and learns nothing. The vocabulary needs no mask.
struct nothing {
  static constexpr std::string_view name = "nothing";
  static constexpr bool shows_mask = false;
  PRETEXT_HOST_DEVICE constexpr std::int32_t operator()(const token_ids&, std::uint32_t, std::uint32_t, std::int32_t) const { return -1; }
};

/// A random ordinary token, which may be the one that stood there.
struct random_token {
  static constexpr std::string_view name = "random_token";
  static constexpr bool shows_mask = false;
  PRETEXT_HOST_DEVICE constexpr std::int32_t operator()(const token_ids& ids, std::uint32_t, std::uint32_t draw, std::int32_t) const { return ids.drawn(draw); }
};

}  // namespace pretext::augment::show
