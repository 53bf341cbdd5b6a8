// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "../core/error.hpp"
#include "../core/image.hpp"
#include "../core/index.hpp"
#include "../core/rng.hpp"
#include "../core/settings.hpp"

/// What a step of a view is, and the few types every step shares. docs/policies/augmentation.md: write your own.
namespace pretext::augment {

struct image_size {
  index_t height = 0;
  index_t width = 0;
  index_t channels = 0;

  PRETEXT_HOST_DEVICE constexpr index_t size() const { return height * width * channels; }
  friend constexpr bool operator==(const image_size&, const image_size&) = default;
};

template <class T>
PRETEXT_HOST_DEVICE constexpr image_size size_of(const image_view<T>& image) {
  return {image.height, image.width, image.channels};
}

/// A part of an image, in pixels of the image it was cut from; may reach outside where a step pads.
struct box {
  std::int32_t top = 0;
  std::int32_t left = 0;
  std::int32_t height = 0;
  std::int32_t width = 0;

  friend constexpr bool operator==(const box&, const box&) = default;
};

/// What a step works with: memory that was planned with scratch_floats, and loops. Copy it to keep what is taken local.
/// A GPU has a context of its own with the same functions (block_context): there many threads share the loops.
/// errors  pretext[augment.110] the planned memory is too small
struct context {
  std::span<float> scratch;

  /// f(i) for all i in [0, count), in any order and perhaps at once: no call may read what another one writes.
  template <class F>
  void for_each(index_t count, const F& f) {
    for (index_t i = 0; i < count; ++i) f(i);
  }
  /// f(row, column) for all places of a matrix, likewise.
  template <class F>
  void for_each(index_t rows, index_t columns, const F& f) {
    for (index_t row = 0; row < rows; ++row)
      for (index_t column = 0; column < columns; ++column) f(row, column);
  }
  /// The sum of f(i) over all i in [0, count), along a fixed tree.
  template <class F>
  double sum(index_t count, const F& f) {
    double total = 0.0;
    for (index_t i = 0; i < count; ++i) total += static_cast<double>(f(i));
    return total;
  }
  /// f(), computed by one thread for all of them.
  template <class F>
  auto once(const F& f) {
    return f();
  }

  float* take(index_t count) {
    if (count > static_cast<index_t>(scratch.size()))
      throw_error("augment.110", {"the scratch memory has ", scratch.size(), " floats left and a step needs ", count,
          "; plan it with scratch_floats() for the largest source image"});
    float* taken = scratch.data();
    scratch = scratch.subspan(static_cast<std::size_t>(count));
    return taken;
  }
};

/// Two numbers between which one is drawn, uniformly unless the step says otherwise: `.scale = {0.2f, 1.0f}`.
struct range {
  setting<float> low;
  setting<float> high;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("low", self.low);
    visit("high", self.high);
  }
};

constexpr range default_range(float low, float high) { return {default_value(low), default_value(high)}; }

// ---- the requirements, each small enough that a failed one reads as a sentence

template <class A>
concept HasRecord = requires { typename A::record; } && std::is_trivially_copyable_v<typename A::record> &&
                    std::is_default_constructible_v<typename A::record>;

template <class A>
concept HasDraw = requires(const A& a, rng::key key, image_size size) {
  { a.draw(key, size, size) } -> std::same_as<typename A::record>;
};

template <class A, class Context, class In>
concept AppliesIn = requires(const A& a, Context& ctx, const typename A::record& drawn, image_view<const In> in,
                             image_view<float> out) { a.apply(ctx, drawn, in, out); };
template <class A, class In>
concept AppliesTo = AppliesIn<A, context, In>;

/// A random change of an image: `draw` decides with integers (equal on every machine), `apply` makes the pixels.
template <class A>
concept Augmentation = std::copyable<A> && HasRecord<A> && HasDraw<A> && AppliesTo<A, float>;

/// Stops with one sentence that names what an augmentation lacks.
template <class A>
constexpr bool explain_augmentation() {
  static_assert(std::copyable<A>, "pretext[augment.001] an augmentation must be copyable; see docs/policies/augmentation.md#value");
  static_assert(HasRecord<A>,
                "pretext[augment.002] `struct record` is missing or not trivially copyable; see "
                "docs/policies/augmentation.md#record");
  if constexpr (HasRecord<A>) {
    static_assert(HasDraw<A>,
                  "pretext[augment.003] `record draw(rng::key, image_size in, image_size out) const` is missing; see "
                  "docs/policies/augmentation.md#draw");
    static_assert(AppliesTo<A, float>,
                  "pretext[augment.004] `void apply(context&, const record&, image_view<const float> in, image_view<float> "
                  "out) const` is missing; see docs/policies/augmentation.md#apply");
  }
  return Augmentation<A>;
}

/// True for a step that writes whatever size `out` has (`static constexpr bool changes_size = true`).
/// Every other step gets `in` and `out` of one size, and `out.data` may be `in.data`.
template <class A>
inline constexpr bool changes_size = [] {
  if constexpr (requires { A::changes_size; })
    return A::changes_size;
  else
    return false;
}();

/// How many draw purposes a step uses: one, or one per step of a nested chain.
template <class A>
inline constexpr unsigned purposes_of = [] {
  if constexpr (requires { A::purposes; })
    return A::purposes;
  else
    return 1u;
}();

/// How deep apply_with_probability is nested in a step: each level tosses its coin at its own place.
template <class A>
inline constexpr std::uint32_t depth_of = [] {
  if constexpr (requires { A::depth; })
    return A::depth;
  else
    return std::uint32_t{0};
}();

template <class A>
constexpr std::string_view name_of() {
  if constexpr (requires { A::name; })
    return A::name;
  else
    return "step";
}

/// The floats of scratch memory one step takes for sources up to `in`; 0 for a step that says nothing.
template <class A>
constexpr index_t scratch_of(const A& step, image_size in, image_size out) {
  if constexpr (requires { step.scratch_floats(in, out); })
    return step.scratch_floats(in, out);
  else
    return 0;
}

/// Throws where a step's settings make no sense; a step without `check()` has none.
template <class A>
constexpr void check_settings(const A& step) {
  if constexpr (requires { step.check(); }) step.check();
}

// ---- pixels

/// A stored value as the float in [0, 1] that it stands for.
PRETEXT_HOST_DEVICE constexpr float to_unit(std::uint8_t value) { return static_cast<float>(value) * (1.0f / 255.0f); }
PRETEXT_HOST_DEVICE constexpr float to_unit(float value) { return value; }

PRETEXT_HOST_DEVICE constexpr float clamp_unit(float value) {
  const float above = value < 0.0f ? 0.0f : value;
  return above > 1.0f ? 1.0f : above;
}

/// Copies pixels, bytes becoming floats in [0, 1]. Does nothing when both views are one image.
template <class In>
void convert(image_view<const In> in, image_view<float> out) {
  if (static_cast<const void*>(in.data) == static_cast<const void*>(out.data)) return;
  const index_t count = in.size();
  constexpr index_t block = 16;  // a constant count is what g++ -O2 vectorises
  index_t i = 0;
  for (; i + block <= count; i += block) {
    float values[block];
    for (index_t k = 0; k < block; ++k) values[k] = to_unit(in.data[i + k]);
    for (index_t k = 0; k < block; ++k) out.data[i + k] = values[k];
  }
  for (; i < count; ++i) out.data[i] = to_unit(in.data[i]);
}

/// The same by whoever works in a context.
template <class In>
void convert(context&, image_view<const In> in, image_view<float> out) {
  convert(in, out);
}
PRETEXT_EITHER_SIDE template <class Context, class In>
PRETEXT_HOST_DEVICE void convert(Context& ctx, image_view<const In> in, image_view<float> out) {
  if (static_cast<const void*>(in.data) == static_cast<const void*>(out.data)) return;
  ctx.for_each(in.size(), [=](index_t i) { out.data[i] = to_unit(in.data[i]); });
}

/// `in` itself, or a copy in scratch memory where a step that moves pixels was asked to work in place.
PRETEXT_EITHER_SIDE template <class Context>
PRETEXT_HOST_DEVICE image_view<const float> apart_from(Context& ctx, image_view<const float> in, image_view<float> out) {
  if (in.data != out.data) return in;
  image_view<float> copy{ctx.take(in.size()), in.height, in.width, in.channels};
  convert(ctx, in, copy);
  return copy;
}

/// Refuses what no step can work on.
/// errors  pretext[augment.101] channels not 1 or 3; pretext[augment.102] channels differ; pretext[augment.103] empty or
///         larger than 2^24 on a side
inline void check_images(image_size in, image_size out) {
  if (in.channels != 1 && in.channels != 3)
    throw_error("augment.101", {"an image has ", in.channels,
        " channels; augmentations take 1 (grey) or 3 (RGB), so convert or drop channels when loading"});
  if (in.channels != out.channels)
    throw_error("augment.102", {"the source image has ", in.channels, " channel(s) and the view ", out.channels,
        "; convert the images when loading, or change the input shape"});
  constexpr index_t limit = index_t{1} << 24;
  const auto bad = [](index_t side) { return side < 1 || side > limit; };
  if (bad(in.height) || bad(in.width) || bad(out.height) || bad(out.width))
    throw_error("augment.103", {"cannot make a view of ", out.height, "x", out.width, " from an image of ", in.height, "x", in.width,
        "; every side must be between 1 and 2^24 pixels"});
}

/// errors  pretext[augment.104] sizes differ
inline void check_same_size(image_size in, image_size out) {
  if (in != out)
    throw_error("augment.104", {"the source is ", in.height, "x", in.width, " and the view ", out.height, "x", out.width,
        ", but no step changes the size; add random_resized_crop, resize, center_crop or random_crop"});
}

/// Runs one step alone: checks, decides, and writes the pixels; returns what was decided.
/// shapes  in (H, W, C) bytes or floats in [0, 1], out floats; equal sizes unless the step changes sizes
/// errors  pretext[augment.101..103] as check_images; pretext[augment.104] sizes differ; the step's own
template <Augmentation A, class In>
typename A::record draw_and_apply(const A& step, context ctx, rng::key key, image_view<const In> in, image_view<float> out) {
  check_images(size_of(in), size_of(out));
  check_settings(step);
  if constexpr (!changes_size<A>) check_same_size(size_of(in), size_of(out));
  const typename A::record drawn = step.draw(key, size_of(in), size_of(out));
  if constexpr (AppliesTo<A, In>) {
    step.apply(ctx, drawn, in, out);
  } else if constexpr (changes_size<A>) {
    image_view<float> floats{ctx.take(in.size()), in.height, in.width, in.channels};
    convert(in, floats);
    step.apply(ctx, drawn, image_view<const float>(floats), out);
  } else {
    convert(in, out);
    step.apply(ctx, drawn, image_view<const float>(out), out);
  }
  return drawn;
}

namespace detail {

// The sentences stand apart so that the checks are constexpr: planning a chain works in a static_assert.
[[noreturn]] inline void refuse_probability(float p, std::string_view step) {
  throw_error("augment.201", {step, ": the probability is ", p, "; it must lie in [0, 1]"});
}

[[noreturn]] inline void refuse_range(float low, float high, float least, float most, std::string_view step, std::string_view what) {
  throw_error("augment.202", {step, ": ", what, " is [", low, ", ", high, "]; it must be ordered and lie within [", least, ", ", most, "]"});
}

[[noreturn]] inline void refuse_value(float value, float least, float most, std::string_view step, std::string_view what) {
  throw_error("augment.203", {step, ": ", what, " is ", value, "; it must lie within [", least, ", ", most, "]"});
}

constexpr void check_probability(float p, std::string_view step) {
  if (!(p >= 0.0f && p <= 1.0f)) refuse_probability(p, step);
}

/// low <= high, both within [least, most].
constexpr void check_range(const range& r, float least, float most, std::string_view step, std::string_view what) {
  const float low = r.low, high = r.high;
  if (!(low >= least && low <= high && high <= most)) refuse_range(low, high, least, most, step, what);
}

constexpr void check_value(float value, float least, float most, std::string_view step, std::string_view what) {
  if (!(value >= least && value <= most)) refuse_value(value, least, most, step, what);
}

}  // namespace detail
}  // namespace pretext::augment
