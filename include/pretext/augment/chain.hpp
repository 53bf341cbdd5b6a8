// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "augmentation.hpp"

namespace pretext::augment {

/// Values side by side, trivially copyable when they are (std::tuple is not).
template <class... Ts>
struct pack {};

template <class First, class... Rest>
struct pack<First, Rest...> {
  First first{};
  pack<Rest...> rest{};
};

template <std::size_t I, class Pack>
PRETEXT_HOST_DEVICE constexpr auto& get(Pack& p) {
  if constexpr (I == 0)
    return p.first;
  else
    return get<I - 1>(p.rest);
}

namespace detail {

constexpr pack<> make_pack() { return {}; }

template <class First, class... Rest>
constexpr pack<First, Rest...> make_pack(const First& first, const Rest&... rest) {
  return {first, make_pack(rest...)};
}

/// The name of a step among the fields of a chain: its own, with _2, _3 for repetitions.
struct field_name {
  std::array<char, 64> text{};
  std::size_t length = 0;

  constexpr void append(char c) {
    if (length < text.size()) text[length++] = c;
  }
  constexpr void append(std::string_view s) {
    for (char c : s) append(c);
  }
  constexpr void append_number(index_t n) {
    if (n >= 10) append_number(n / 10);
    append(static_cast<char>('0' + n % 10));
  }
  constexpr std::string_view view() const { return {text.data(), length}; }
};

template <class... Steps>
inline constexpr std::array<field_name, sizeof...(Steps)> field_names = [] {
  const std::array<std::string_view, sizeof...(Steps)> names{name_of<Steps>()...};
  std::array<field_name, sizeof...(Steps)> made{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    made[i].append(names[i]);
    int same = 1;
    for (std::size_t j = 0; j < i; ++j) same += names[j] == names[i] ? 1 : 0;
    if (same == 1) continue;
    made[i].append('_');
    made[i].append_number(same);
  }
  return made;
}();

}  // namespace detail

/// Steps one after the other, from a source image to a view of the wanted size in floats.
/// Steps before the first one that changes sizes work at the source's size, all others at the view's. The first step
/// reads the source's bytes where it can; otherwise they are converted to floats in [0, 1] first.
/// shapes  source (H, W, C), C = 1 or 3, bytes or floats in [0, 1]; out (h, w, C) floats
/// laws    replaying a record gives the same pixels; an empty chain converts
/// errors  pretext[augment.101..104] sizes and channels; pretext[augment.110] scratch; pretext[augment.2xx] settings
/// cost    that of the steps; memory scratch_floats(), planned once
/// repeat  step i draws from key.with_purpose(augment, i): records are equal on every machine, pixels within 1e-6
template <class... Steps>
class chain {
  static_assert((explain_augmentation<Steps>() && ... && true));
  static constexpr std::size_t count_ = sizeof...(Steps);

 public:
  using record = pack<typename Steps::record...>;
  using steps_type = pack<Steps...>;

  static constexpr std::string_view name = "chain";
  static constexpr unsigned purposes = (0u + ... + purposes_of<Steps>);
  static constexpr bool changes_size = (false || ... || augment::changes_size<Steps>);
  static constexpr std::uint32_t depth = [] {
    std::uint32_t most = 0;
    ((most = depth_of<Steps> > most ? depth_of<Steps> : most), ...);
    return most;
  }();
  static_assert(purposes <= 112, "pretext[augment.007] a chain has at most 112 steps");

  steps_type steps{};

  constexpr chain() = default;
  constexpr explicit(sizeof...(Steps) == 1) chain(const Steps&... s)
    requires(sizeof...(Steps) > 0)
      : steps(detail::make_pack(s...)) {}

  template <std::size_t I>
  constexpr auto& step() {
    return get<I>(steps);
  }
  template <std::size_t I>
  constexpr const auto& step() const {
    return get<I>(steps);
  }
  /// The first step of this type.
  template <class Step>
  constexpr Step& step() {
    static_assert((std::is_same_v<Step, Steps> || ...), "pretext[augment.008] the chain has no step of this type");
    return get<index_of<Step>()>(steps);
  }
  template <class Step>
  constexpr const Step& step() const {
    static_assert((std::is_same_v<Step, Steps> || ...), "pretext[augment.008] the chain has no step of this type");
    return get<index_of<Step>()>(steps);
  }

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit_fields(self, visit, std::make_index_sequence<count_>{});
  }

  constexpr void check() const {
    check_each(std::make_index_sequence<count_>{});
  }

  /// What every step decides for one view.
  PRETEXT_APART PRETEXT_HOST_DEVICE constexpr record draw(rng::key key, image_size in, image_size out) const {
    record drawn{};
    // A chain inside a chain is given a purpose and counts on from there; an outermost one starts at the first.
    const unsigned base = key.use >= first_purpose ? key.use - first_purpose : 0u;
    draw_from<0>(drawn, key, base, in, out);
    return drawn;
  }

  /// The pixels of decisions made before: the same image again, or the same geometry on another one.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, image_view<const In> in, image_view<float> out) const {
    check_sizes(ctx, size_of(in), size_of(out));
    Context local = ctx;
    if constexpr (count_ == 0)
      convert(local, in, out);
    else
      run<0, false, Context, In>(local, drawn, in, out);
  }

  /// Decides and writes one view.
  PRETEXT_EITHER_SIDE template <class Context, class In>
  PRETEXT_HOST_DEVICE record apply(Context& ctx, rng::key key, image_view<const In> in, image_view<float> out) const {
    check_sizes(ctx, size_of(in), size_of(out));
    const record& drawn = ctx.once([&] { return draw(key, size_of(in), size_of(out)); });
    apply(ctx, drawn, in, out);
    return drawn;
  }

  /// Floats of scratch memory for sources up to `in` and views of `out`. Checks the settings too: it is called once,
  /// where a mistake should be reported.
  constexpr index_t scratch_floats(image_size in, image_size out) const {
    check();
    return plan<0>(in, out);
  }
  constexpr index_t scratch_floats(index_t max_source_height, index_t max_source_width, index_t channels, index_t height,
                                   index_t width) const {
    return scratch_floats({max_source_height, max_source_width, channels}, {height, width, channels});
  }

 private:
  static constexpr unsigned first_purpose = static_cast<unsigned>(rng::purpose::augment);

  template <std::size_t I>
  using step_type = std::remove_cvref_t<decltype(get<I>(std::declval<steps_type&>()))>;

  /// The first step that changes the size; count_ if none does.
  static constexpr std::size_t resizer_ = [] {
    const std::array<bool, sizeof...(Steps) + 1> flags{augment::changes_size<Steps>..., true};
    std::size_t i = 0;
    while (!flags[i]) ++i;
    return i;
  }();

  template <class Step>
  static constexpr std::size_t index_of() {
    const std::array<bool, sizeof...(Steps)> flags{std::is_same_v<Step, Steps>...};
    std::size_t i = 0;
    while (i + 1 < flags.size() && !flags[i]) ++i;
    return i;
  }

  template <class Self, class Visit, std::size_t... I>
  static constexpr void visit_fields(Self& self, Visit& visit, std::index_sequence<I...>) {
    (visit(detail::field_names<Steps...>[I].view(), get<I>(self.steps)), ...);
  }

  template <std::size_t... I>
  constexpr void check_each(std::index_sequence<I...>) const {
    (check_settings(get<I>(steps)), ...);
  }

  template <std::size_t I>
  PRETEXT_HOST_DEVICE constexpr void draw_from(record& drawn, rng::key key, unsigned purpose, image_size in, image_size out) const {
    if constexpr (I < count_) {
      using step_t = step_type<I>;
      get<I>(drawn) = get<I>(steps).draw(key.with_purpose(rng::purpose::augment, purpose), in, out);
      draw_from<I + 1>(drawn, key, purpose + purposes_of<step_t>, augment::changes_size<step_t> ? out : in, out);
    }
  }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE static void check_sizes(Context& ctx, image_size in, image_size out) {
    if constexpr (std::is_same_v<Context, context>) {
      check_images(in, out);
      if constexpr (!changes_size) check_same_size(in, out);
    } else {  // cannot throw: whoever launched has looked at what it knows
      ctx.expect(in.channels == out.channels && (in.channels == 1 || in.channels == 3) && in.size() > 0 && out.size() > 0);
      if constexpr (!changes_size) ctx.expect(in.height == out.height && in.width == out.width);
    }
  }

  /// Whether step I writes its rows from right to left as easily as from left to right and a flip comes next: then one
  /// pass over the pixels does both.
  template <std::size_t I, class Context>
  static constexpr bool takes_flip = [] {
    if constexpr (I + 1 < count_) {
      return requires { requires step_type<I + 1>::mirrors_columns; } &&
             requires(const step_type<I>& a, Context& ctx, const typename step_type<I>::record& r, image_view<const float> in,
                      image_view<float> out) { a.apply(ctx, r, in, out, true); };
    } else {
      return false;
    }
  }();

  /// Steps I.. on `now`. Not `Mine`: the source, which is only read; otherwise `out` or this chain's scratch memory.
  PRETEXT_EITHER_SIDE template <std::size_t I, bool Mine, class Context, class In>
  PRETEXT_APART PRETEXT_HOST_DEVICE void run(Context& ctx, const record& drawn, image_view<const In> now, image_view<float> out) const {
    if constexpr (I < count_) {
      using step_t = step_type<I>;
      static_assert(AppliesIn<step_t, Context, float>,
                    "pretext[augment.014] a step of this chain runs on the CPU alone: for a GPU its apply must be `template <class Context> "
                    "PRETEXT_HOST_DEVICE void apply(Context& ctx, ...)`; see docs/policies/augmentation.md#gpu");
      if constexpr (!AppliesIn<step_t, Context, float>) {
        // said above
      } else if constexpr (!AppliesIn<step_t, Context, In>) {
        const image_view<float> floats = working_image<false>(ctx, now, out);
        convert(ctx, now, floats);
        run<I, true, Context, float>(ctx, drawn, floats, out);
      } else if constexpr (augment::changes_size<step_t>) {
        Context local = ctx;
        if constexpr (I > resizer_) {  // `now` is `out`
          const image_view<float> copy{local.take(now.size()), now.height, now.width, now.channels};
          convert(ctx, now, copy);
          resize_by<I>(local, drawn, image_view<const float>(copy), out);
        } else {
          resize_by<I>(local, drawn, now, out);
        }
        run<takes_flip<I, Context> ? I + 2 : I + 1, true, Context, float>(ctx, drawn, out, out);
      } else {
        const image_view<float> target = working_image<Mine>(ctx, now, out);
        Context local = ctx;
        get<I>(steps).apply(local, get<I>(drawn), now, target);
        run<I + 1, true, Context, float>(ctx, drawn, target, out);
      }
    }
  }

  /// Step I, which changes the size, with the flip behind it where one pass can do both.
  PRETEXT_EITHER_SIDE template <std::size_t I, class Context, class In>
  PRETEXT_HOST_DEVICE void resize_by(Context& ctx, const record& drawn, image_view<const In> from, image_view<float> out) const {
    if constexpr (takes_flip<I, Context>)
      get<I>(steps).apply(ctx, get<I>(drawn), from, out, get<I + 1>(drawn).flipped);
    else
      get<I>(steps).apply(ctx, get<I>(drawn), from, out);
  }

  /// Where a step that keeps the size of `now` writes: in place, or for the source the first image that may be written.
  PRETEXT_EITHER_SIDE template <bool Mine, class Context, class In>
  PRETEXT_HOST_DEVICE static image_view<float> working_image(Context& ctx, image_view<const In> now, image_view<float> out) {
    if constexpr (Mine)
      return {const_cast<float*>(now.data), now.height, now.width, now.channels};  // came from here, as a float*
    else if constexpr (resizer_ < count_)
      return {ctx.take(now.size()), now.height, now.width, now.channels};
    else
      return out;
  }

  template <std::size_t I>
  constexpr index_t plan(image_size in, image_size out) const {
    if constexpr (I >= count_) {
      return 0;
    } else {
      // One image at the source's size when the first step keeps it or cannot read bytes, one of the view's size for
      // each later change of size, and the largest of what the steps ask for themselves.
      const bool after = I > resizer_;
      const image_size now = after ? out : in;
      index_t own = scratch_of(get<I>(steps), now, out);
      if constexpr (augment::changes_size<step_type<I>> && I > resizer_) own += out.size();
      const index_t later = plan<I + 1>(in, out);
      const index_t most = own > later ? own : later;
      return I == 0 && resizer_ < count_ && (resizer_ > 0 || !AppliesTo<step_type<0>, std::uint8_t>) ? most + in.size() : most;
    }
  }
};

template <class... Steps>
chain(const Steps&...) -> chain<Steps...>;

}  // namespace pretext::augment
