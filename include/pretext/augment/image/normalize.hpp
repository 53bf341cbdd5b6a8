// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "../augmentation.hpp"

namespace pretext::augment {

/// One number per channel; a grey image uses the first.
struct per_channel {
  setting<float> first;
  setting<float> second;
  setting<float> third;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("0", self.first);
    visit("1", self.second);
    visit("2", self.third);
  }

  PRETEXT_HOST_DEVICE constexpr float operator[](index_t channel) const {
    return channel == 0 ? first.value() : channel == 1 ? second.value() : third.value();
  }
};

/// (v - mean) / deviation per channel: the last step, since what comes before expects values in [0, 1].
/// shapes  in and out (H, W, C), may be one image
/// errors  pretext[augment.203] deviation not in [1e-6, 1e6], mean not in [-1e6, 1e6]
/// source  torchvision.transforms.Normalize. The defaults map [0, 1] to [-2, 2]; measure your own where you can.
struct normalize {
  per_channel mean = {default_value(0.5f), default_value(0.5f), default_value(0.5f)};
  per_channel deviation = {default_value(0.25f), default_value(0.25f), default_value(0.25f)};

  struct record {};

  static constexpr std::string_view name = "normalize";

  static constexpr normalize imagenet() { return {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}}; }
  static constexpr normalize cifar10() { return {{0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}}; }
  static constexpr normalize mnist() { return {{0.1307f, 0.1307f, 0.1307f}, {0.3081f, 0.3081f, 0.3081f}}; }

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("mean", self.mean);
    visit("deviation", self.deviation);
  }

  constexpr void check() const {
    for (index_t c = 0; c < 3; ++c) {
      detail::check_value(mean[c], -1e6f, 1e6f, name, "mean");
      detail::check_value(deviation[c], 1e-6f, 1e6f, name, "deviation");
    }
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key, image_size, image_size) const { return {}; }

  void apply(context&, const record&, image_view<const float> in, image_view<float> out) const {
    // A period of 3 * 16 values holds every channel at fixed places, whatever the number of channels.
    constexpr index_t period = 48;
    float minus[period], times[period];
    for (index_t i = 0; i < period; ++i) {
      const index_t c = in.channels == 3 ? i % 3 : 0;
      minus[i] = mean[c];
      times[i] = 1.0f / deviation[c];
    }
    const index_t count = in.size();
    index_t i = 0;
    for (; i + period <= count; i += period) {
      float v[period];
      for (index_t k = 0; k < period; ++k) v[k] = (in.data[i + k] - minus[k]) * times[k];
      for (index_t k = 0; k < period; ++k) out.data[i + k] = v[k];
    }
    for (index_t k = 0; i + k < count; ++k) out.data[i + k] = (in.data[i + k] - minus[k]) * times[k];
  }
  /// The same pixel by pixel, by many threads.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record&, image_view<const float> in, image_view<float> out) const {
    ctx.for_each(in.height * in.width, [&](index_t pixel) {
      for (index_t c = 0; c < in.channels; ++c) {
        const index_t i = pixel * in.channels + c;
        out.data[i] = (in.data[i] - mean[c]) * (1.0f / deviation[c]);
      }
    });
  }
};

}  // namespace pretext::augment
