// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include "../augment/augmentation.hpp"
#include "rig.hpp"

namespace pretext::check {

struct augmentation_options {
  bool unit_range = true;  // values stay in [0, 1]; false for steps like normalize
  int keys = 24;           // decisions tried for every size
};

namespace detail {

template <class A>
class augmentation_probe {
 public:
  using record = typename A::record;
  augmentation_probe(const A& step, augment::image_size in, augment::image_size out) : step_(step), in_(in), out_(out) {
    const auto u = normals(in.size(), 81);
    for (const double v : u) source.push_back(static_cast<float>(0.5 + 0.5 * std::tanh(v)));
    planned_ = augment::scratch_of(step, in, out);
  }
  std::vector<float> source, pixels;

  record draw(std::uint64_t key) const {
    return step_.draw(rng::key{.seed = 5, .sample = key}.with_purpose(rng::purpose::augment), in_, out_);
  }
  /// Into pixels that start as NaN. Every float of scratch that was not planned is guarded.
  bool apply(const record& drawn) {
    pixels = filled(out_.size(), std::numeric_limits<float>::quiet_NaN());
    return with_scratch([&](augment::context& ctx) { step_.apply(ctx, drawn, image_view<const float>(view_of(source, in_)), view_of(pixels, out_)); });
  }
  bool apply_in_place(const record& drawn) {
    pixels = source;
    return with_scratch([&](augment::context& ctx) {
      const image_view<float> image = view_of(pixels, out_);
      step_.apply(ctx, drawn, image_view<const float>(image), image);
    });
  }

 private:
  static image_view<float> view_of(std::vector<float>& v, augment::image_size s) { return {v.data(), s.height, s.width, s.channels}; }
  template <class F>
  bool with_scratch(F&& f) {
    constexpr std::size_t guard = 64;
    std::vector<float> scratch(static_cast<std::size_t>(planned_) + guard, -77.0f);
    augment::context ctx{{scratch.data(), static_cast<std::size_t>(planned_)}};
    f(ctx);
    for (std::size_t i = static_cast<std::size_t>(planned_); i < scratch.size(); ++i)
      if (scratch[i] != -77.0f) return false;
    return true;
  }
  const A& step_;
  augment::image_size in_, out_;
  index_t planned_ = 0;
};

template <class T>
bool same_record(const T& a, const T& b) {
  if constexpr (requires { { a == b } -> std::convertible_to<bool>; })
    return a == b;
  else
    return true;  // compared through the pixels it makes
}

}  // namespace detail

/// The laws of an augmentation: decisions and pixels repeat, a record replays, in place equals apart, every value is
/// written and stays in [0, 1], planned scratch is enough; on pictures from 1 x 1 up, with 1 and 3 channels.
///   check::augmentation(my_step{})
template <class A>
result augmentation(const A& step, const augmentation_options& o = {}) {
  static_assert(augment::explain_augmentation<A>());
  result r("augmentation " + std::string(augment::name_of<A>()));
  bool repeats = true, replays = true, written = true, in_range = true, in_place = true, guarded = true, alone = true;
  std::string where, thrown;
  bool scratch = true;
  const auto note = [&](bool& law, bool holds, augment::image_size in) {
    if (!holds && law) where += (where.empty() ? "" : ", ") + std::to_string(in.height) + "x" + std::to_string(in.width) + "x" + std::to_string(in.channels);
    law = law && holds;
  };
  for (const index_t channels : {1, 3})
    for (const auto& [h, w] : {std::pair<index_t, index_t>{1, 1}, {1, 7}, {5, 1}, {9, 8}, {17, 23}}) {
      const augment::image_size in{h, w, channels};
      const augment::image_size out = augment::changes_size<A> ? augment::image_size{6, 5, channels} : in;
      try {
        augment::check_settings(step);
        for (int k = 0; k < o.keys; ++k) {
          detail::augmentation_probe<A> p(step, in, out);
          const auto before = p.source;
          const auto drawn = p.draw(static_cast<std::uint64_t>(k)), again = p.draw(static_cast<std::uint64_t>(k));
          note(repeats, detail::same_record(drawn, again), in);
          note(guarded, p.apply(drawn), in);
          const auto pixels = p.pixels;
          note(alone, detail::same_bits(before, p.source), in);
          note(written, detail::all_finite(pixels), in);
          if (o.unit_range)
            for (const float v : pixels) note(in_range, !(v < -1e-6f || v > 1 + 1e-6f), in);
          p.apply(drawn);
          note(replays, detail::same_bits(pixels, p.pixels), in);
          p.apply(again);
          note(repeats, detail::same_bits(pixels, p.pixels), in);
          if constexpr (!augment::changes_size<A>) {
            note(guarded, p.apply_in_place(drawn), in);
            note(in_place, detail::same_bits(pixels, p.pixels), in);
          }
        }
      } catch (const error& e) {
        if (e.id() == "augment.110") scratch = false;
        thrown = e.what();
      }
    }
  r.add("the same key gives the same decision", repeats, repeats ? "" : where);
  r.add("a record replays", replays, replays ? "" : where);
  r.add("the source is left alone", alone, alone ? "" : where);
  r.add("every value is written", written, written ? "" : where);
  if (o.unit_range) r.add("values stay in [0, 1]", in_range, in_range ? "" : where);
  if constexpr (!augment::changes_size<A>) r.add("in place equals apart", in_place, in_place ? "" : where);
  r.add("planned scratch is enough", scratch && guarded, scratch ? "" : thrown);
  r.add("no size from 1 x 1 up is refused", thrown.empty() || !scratch, thrown);
  return r;
}

}  // namespace pretext::check
