// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string_view>

#include "augmentation.hpp"

namespace pretext::augment {

/// Runs step A with probability p, and leaves the image as it is otherwise. `Percent` is p's default, so that a chain
/// can say it in its type: apply_with_probability<color_jitter, 80>.
/// shapes  those of A, which must keep the image's size
/// laws    p = 0 is the identity; p = 1 is A
/// errors  pretext[augment.201] p outside [0, 1]; those of A
/// repeat  whether it ran is equal on every machine
/// source  torchvision.transforms.RandomApply
template <class A, int Percent = 50>
struct apply_with_probability {
  static_assert(explain_augmentation<A>());
  static_assert(!changes_size<A>,
                "pretext[augment.005] apply_with_probability needs a step that keeps the image's size: the view has one size "
                "whether the step runs or not");
  static_assert(Percent >= 0 && Percent <= 100, "pretext[augment.006] the percentage must lie in 0..100");

  setting<float> p = default_value(static_cast<float>(Percent) / 100.0f);
  A step{};

  struct record {
    bool applied = false;
    typename A::record inner{};  // drawn in any case
  };

  static constexpr std::string_view name = name_of<A>();
  static constexpr unsigned purposes = purposes_of<A>;
  static constexpr std::uint32_t depth = depth_of<A> + 1;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("p", self.p);
    visit(name, self.step);
  }

  constexpr void check() const {
    detail::check_probability(p, "apply_with_probability");
    check_settings(step);
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size in, image_size out) const {
    // A draws from blocks 0, 1, ... of the same key; the coin is tossed at the far end, one place for each nesting.
    const std::uint32_t coin = key.block(0u - depth)[0];
    const bool applied = static_cast<double>(coin) < static_cast<double>(p.value()) * 4294967296.0;
    return {applied, step.draw(key, in, out)};
  }

  PRETEXT_EITHER_SIDE template <class Context>
    requires AppliesIn<A, Context, float>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    if (drawn.applied)
      step.apply(ctx, drawn.inner, in, out);
    else
      convert(ctx, in, out);
  }

  constexpr index_t scratch_floats(image_size in, image_size out) const { return scratch_of(step, in, out); }
};

}  // namespace pretext::augment
