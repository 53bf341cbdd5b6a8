// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "pretext/augment/augmentation.hpp"
#include "support/golden.hpp"

namespace pictures {

using pretext::image_view;
using pretext::index_t;
using pretext::augment::image_size;

/// An image that owns its pixels.
template <class T>
struct picture {
  index_t height, width, channels;
  std::vector<T> values;

  picture(index_t h, index_t w, index_t c, T value = T{}) : height(h), width(w), channels(c), values(static_cast<std::size_t>(h * w * c), value) {}
  image_view<const T> view() const { return {values.data(), height, width, channels}; }
  image_view<T> target() { return {values.data(), height, width, channels}; }
  image_size size() const { return {height, width, channels}; }
};

/// The images of tests/golden/augment.py: bytes of a small generator.
inline picture<std::uint8_t> bytes(index_t h, index_t w, index_t c, std::uint32_t seed = 1) {
  picture<std::uint8_t> p(h, w, c);
  for (auto& v : p.values) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<std::uint8_t>(seed >> 24);
  }
  return p;
}

inline picture<float> floats(const picture<std::uint8_t>& from) {
  picture<float> p(from.height, from.width, from.channels);
  for (std::size_t i = 0; i < p.values.size(); ++i) p.values[i] = static_cast<float>(from.values[i]) / 255.0f;
  return p;
}
inline picture<float> floats(index_t h, index_t w, index_t c, std::uint32_t seed = 1) { return floats(bytes(h, w, c, seed)); }

inline picture<std::uint8_t> golden_image(const golden::file& file, const std::string& name) {
  const golden::tensor t = file["image." + name];
  picture<std::uint8_t> p(t.extents[0], t.extents[1], t.extents[2]);
  p.values = t.as<std::uint8_t>();
  return p;
}

inline double difference(const std::vector<float>& a, const golden::tensor& b) {
  if (static_cast<index_t>(a.size()) != b.size()) return INFINITY;
  double most = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::fmax(most, std::fabs(static_cast<double>(a[i]) - b.values[i]));
  return most;
}
inline double difference(const picture<float>& a, const picture<float>& b) {
  if (a.values.size() != b.values.size()) return INFINITY;
  double most = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    most = std::fmax(most, std::fabs(static_cast<double>(a.values[i]) - static_cast<double>(b.values[i])));
  return most;
}

/// Applies a drawn record to `in`; scratch of just the planned size, with a guard behind it.
template <class Step, class T>
picture<float> applied(const Step& step, const typename Step::record& drawn, const picture<T>& in, index_t h, index_t w) {
  picture<float> out(h, w, in.channels, -7.0f);
  const index_t planned = pretext::augment::scratch_of(step, in.size(), out.size());
  std::vector<float> memory(static_cast<std::size_t>(planned) + 8, 123.0f);
  pretext::augment::context ctx{{memory.data(), static_cast<std::size_t>(planned)}};
  step.apply(ctx, drawn, in.view(), out.target());
  for (std::size_t i = static_cast<std::size_t>(planned); i < memory.size(); ++i)
    if (memory[i] != 123.0f) out.values.assign(out.values.size(), NAN);
  return out;
}
template <class Step, class T>
picture<float> applied(const Step& step, const typename Step::record& drawn, const picture<T>& in) {
  return applied(step, drawn, in, in.height, in.width);
}

/// The same in place.
template <class Step>
picture<float> applied_in_place(const Step& step, const typename Step::record& drawn, picture<float> image) {
  std::vector<float> memory(static_cast<std::size_t>(pretext::augment::scratch_of(step, image.size(), image.size())));
  pretext::augment::context ctx{memory};
  step.apply(ctx, drawn, image.view(), image.target());
  return image;
}

inline pretext::rng::key key(std::uint64_t sample, std::uint64_t seed = 7) {
  return pretext::rng::key{.seed = seed, .sample = sample}.with_purpose(pretext::rng::purpose::augment);
}

/// Whether `hits` of `trials` is what probability p gives, within 5 standard deviations.
inline bool plausible(index_t hits, index_t trials, double p) {
  const double expected = p * static_cast<double>(trials);
  return std::fabs(static_cast<double>(hits) - expected) <= 5.0 * std::sqrt(expected * (1.0 - p)) + 1e-9;
}

}  // namespace pictures
