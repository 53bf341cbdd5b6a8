// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "../augmentation.hpp"
#include "../detail/decide.hpp"
#include "../detail/rows.hpp"

namespace pretext::augment {

/// A Gaussian of random width over `kernel` x `kernel` pixels, the image mirrored at its edges (the edge pixel once).
/// shapes  in and out (H, W, C), may be one image
/// units   sigma in pixels, drawn uniformly; kernel odd, or 0 for the odd number next to a tenth of the view's longer side, at least 3
/// laws    a constant image stays constant within 1e-6; kernel = 1 is the identity
/// errors  pretext[augment.202] sigma not ordered or not above 0; pretext[augment.205] kernel even or out of range
/// cost    2 * min(kernel, 12 sigma) multiply-adds a value; memory one image, `kernel` rows and one row
/// repeat  sigma is equal on every machine
/// source  torchvision.transforms.GaussianBlur; kernel a tenth of the side and sigma 0.1 to 2 as in SimCLR (arXiv:2002.05709).
///         Where the image is smaller than half the kernel, which torchvision refuses, mirroring goes on.
struct gaussian_blur {
  setting<int> kernel = default_value(0);
  range sigma = default_range(0.1f, 2.0f);

  struct record {
    float sigma = 0.0f;
    std::int32_t kernel = 1;
  };

  static constexpr std::string_view name = "gaussian_blur";

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("kernel", self.kernel);
    visit("sigma", self.sigma);
  }

  constexpr void check() const {
    detail::check_range(sigma, 1e-3f, 1e3f, name, "sigma");
    const int k = kernel;
    if (k != 0 && (k < 1 || k > 1023 || k % 2 == 0)) refuse_kernel(k);
  }

  PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size, image_size out) const {
    rng::stream draws(key);
    return {detail::to_float(detail::uniform_q32(draws, detail::to_q32(sigma.low), detail::to_q32(sigma.high))),
            static_cast<std::int32_t>(kernel_for(out))};
  }

  void apply(context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    context local = ctx;
    const index_t reach = visible_reach(drawn), taps = 2 * reach + 1, channels = in.channels, count = in.width * channels;
    if (reach == 0) return convert(in, out);
    float* weights = local.take(taps);
    float* row = local.take(count + 2 * reach * channels);
    float* rows = local.take(count * (in.height + 2 * reach));  // with those mirrored at top and bottom
    double total = 0.0;
    for (index_t t = 0; t < taps; ++t) total += bell(t - reach, drawn.sigma);
    for (index_t t = 0; t < taps; ++t) weights[t] = static_cast<float>(bell(t - reach, drawn.sigma) / total);

    for (index_t y = 0; y < in.height; ++y) {
      const float* source = in.data + y * count;
      std::memcpy(row + reach * channels, source, static_cast<std::size_t>(count) * sizeof(float));
      for (index_t k = 1; k <= reach; ++k)
        for (index_t c = 0; c < channels; ++c) {
          row[(reach - k) * channels + c] = source[mirrored(-k, in.width) * channels + c];
          row[(reach + in.width - 1 + k) * channels + c] = source[mirrored(in.width - 1 + k, in.width) * channels + c];
        }
      detail::weighted_rows<simd::native_arch>(rows + (reach + y) * count, count, weights, taps, row, channels);
    }
    const auto mirror = [&](index_t y) {
      std::memcpy(rows + (reach + y) * count, rows + (reach + mirrored(y, in.height)) * count, static_cast<std::size_t>(count) * sizeof(float));
    };
    for (index_t k = 1; k <= reach; ++k) {
      mirror(-k);
      mirror(in.height - 1 + k);
    }
    for (index_t y = 0; y < in.height; ++y)
      detail::weighted_rows<simd::native_arch>(out.data + y * count, count, weights, taps, rows + y * count, count);
  }
  /// The same value by value, by many threads: along rows into memory, then along columns.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const float> in, image_view<float> out) const {
    Context local = ctx;
    const index_t reach = visible_reach(drawn), taps = 2 * reach + 1, channels = in.channels, count = in.width * channels;
    if (reach == 0) return convert(ctx, in, out);
    float* const weights = local.take(taps);
    float* const rows = local.take(in.size());
    const double total = ctx.sum(taps, [&](index_t t) { return bell(t - reach, drawn.sigma); });
    ctx.for_each(taps, [&](index_t t) { weights[t] = static_cast<float>(bell(t - reach, drawn.sigma) / total); });
    ctx.for_each(in.height, in.width, [&](index_t y, index_t x) {
      const float* row = in.data + y * count;
      for (index_t c = 0; c < channels; ++c) {
        float sum = 0.0f;
        for (index_t t = 0; t < taps; ++t) sum = weights[t] * row[mirrored(x + t - reach, in.width) * channels + c] + sum;
        rows[y * count + x * channels + c] = sum;
      }
    });
    ctx.for_each(in.height, count, [&](index_t y, index_t i) {
      float sum = 0.0f;
      for (index_t t = 0; t < taps; ++t) sum = weights[t] * rows[mirrored(y + t - reach, in.height) * count + i] + sum;
      out.data[y * count + i] = sum;
    });
  }

  constexpr index_t scratch_floats(image_size in, image_size out) const {
    // a step that keeps the size runs at the source's size before the first crop and at the view's after it
    const auto need = [&](image_size s) {
      const index_t taps = kernel_for(s);
      return taps + (s.width + taps) * s.channels + (s.height + taps) * s.width * s.channels;
    };
    return need(in) > need(out) ? need(in) : need(out);
  }

 private:
  [[noreturn]] static void refuse_kernel(int k) {
    throw_error("augment.205", {"gaussian_blur: kernel is ", k, "; it must be odd and at most 1023, or 0 to follow the view's size"});
  }

  PRETEXT_HOST_DEVICE constexpr index_t kernel_for(image_size size) const {
    if (kernel.value() != 0) return kernel.value();
    const index_t side = size.height > size.width ? size.height : size.width;
    const index_t odd = 2 * (side / 20) + 1;
    return odd < 3 ? 3 : odd;
  }

  PRETEXT_HOST_DEVICE static double bell(index_t i, float sigma) {
    const double x = static_cast<double>(i) / static_cast<double>(sigma);
    return std::exp(-0.5 * x * x);
  }

  /// The taps on each side of the middle that change a float: beyond six standard deviations a bell is below 2^-25 of its
  /// middle, and all of it together below the last digit of a sum.
  PRETEXT_HOST_DEVICE static index_t visible_reach(const record& drawn) {
    const index_t half = drawn.kernel / 2, visible = static_cast<index_t>(6.0f * drawn.sigma) + 1;
    return half < visible ? half : visible;
  }

  PRETEXT_HOST_DEVICE static constexpr index_t mirrored(index_t i, index_t size) {
    if (size == 1) return 0;
    while (i < 0 || i >= size) i = i < 0 ? -i : 2 * (size - 1) - i;
    return i;
  }
};

}  // namespace pretext::augment
