// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "chain.hpp"
#include "image/normalize.hpp"
#include "image/resize.hpp"
#include "views.hpp"

namespace pretext::augment {

namespace detail {
PRETEXT_EITHER_SIDE template <class... Steps, class F>
PRETEXT_HOST_DEVICE constexpr void for_each_step(const pack<Steps...>& steps, F&& f) {
  if constexpr (sizeof...(Steps) > 0) {
    f(steps.first);
    for_each_step(steps.rest, f);
  }
}
}  // namespace detail

/// A sample as an encoder sees it outside of training: the whole image at the encoder's size, with the `normalize` steps
/// of the views' first chain and nothing random.
template <class Views>
struct plain_view {
  const Views* views = nullptr;

  /// For sources up to `source`: one of the size of `out` needs none, but a smaller one does.
  constexpr index_t scratch_floats(image_size source, image_size out) const { return resize{}.scratch_floats(source, out); }
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void write(Context& ctx, image_view<const In> source, image_view<float> out) const {
    if constexpr (std::is_same_v<Context, context>) check_images(size_of(source), size_of(out));
    if (source.height == out.height && source.width == out.width)
      convert(ctx, source, out);
    else
      resize{}.apply(ctx, resize::record{}, source, out);
    detail::for_each_step(views->template chain_of<0>().steps, [&](const auto& step) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(step)>, normalize>)
        step.apply(ctx, normalize::record{}, image_view<const float>(out), out);
    });
  }
};

}  // namespace pretext::augment
