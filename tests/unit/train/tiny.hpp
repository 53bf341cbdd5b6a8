// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../io/scratch.hpp"
#include "pretext/data/in_memory.hpp"
#include "pretext/nn/dropout.hpp"
#include "pretext/recipe/joint_embedding.hpp"
#include "pretext/train/checkpoint.hpp"

/// Networks, pictures and comparisons for the tests of trainers.
namespace tiny {

namespace px = pretext;
namespace nn = pretext::nn;
namespace augment = pretext::augment;
using px::index_t;

/// Odd sizes everywhere, so that every tail of a vector is there.
template <class Base>
struct odd : Base {
  using input = px::image<1, 9, 7>;
  using encoder = nn::sequential<nn::conv2d<5, 3>, nn::batch_norm, nn::relu, nn::max_pool2d<2>, nn::conv2d<7, 3>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
  using views = augment::chain<augment::random_resized_crop, augment::horizontal_flip, augment::gaussian_noise>;
};
struct simclr : odd<px::recipe::simclr> {
  using head = nn::mlp<11, 6>;
};
struct byol : odd<px::recipe::byol> {
  using head = nn::mlp_batch_norm<11, 6>;
  using predictor = nn::mlp_batch_norm<9, 6>;
};
struct moco : odd<px::recipe::moco> {
  using head = nn::mlp<11, 6>;
  using optimizer = px::optimizer::sgd;
};

template <class Trainer>
typename Trainer::settings_type settings(index_t batch, std::uint64_t epochs = 2) {
  typename Trainer::settings_type s{};
  s.batch_size = batch;
  s.epochs = epochs;
  s.seed = 7;
  s.schedule.warmup_steps = 2;
  if constexpr (requires { s.negatives.size; }) s.negatives.size = 6 * batch;
  return s;
}

/// Pictures of a linear congruential generator.
inline px::data::image_set pictures(index_t n, index_t h = 9, index_t w = 7, index_t c = 1, std::uint32_t state = 5) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n * h * w * c));
  for (auto& b : bytes) b = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  return px::data::in_memory(bytes, n, h, w, c);
}

/// Three classes that a linear model on pixels can tell: a bright bar in the upper, middle or lower third.
inline px::data::image_set bars(index_t n, std::uint32_t state = 5, index_t h = 9, index_t w = 7) {
  std::vector<std::uint8_t> bytes;
  std::vector<int> labels;
  for (index_t i = 0; i < n; ++i) {
    labels.push_back(static_cast<int>(i % 3));
    for (index_t y = 0; y < h; ++y)
      for (index_t x = 0; x < w; ++x) {
        state = state * 1664525u + 1013904223u;
        bytes.push_back(static_cast<std::uint8_t>((state >> 26) + (y * 3 / h == i % 3 ? 150u : 20u)));
      }
  }
  return px::data::in_memory(bytes, n, h, w, 1, labels);
}

/// All images of a set as one batch of a step.
struct batch {
  px::data::image_batch images;
  explicit batch(const px::data::image_set& set, index_t first = 0, index_t count = -1) {
    std::vector<index_t> ids;
    for (index_t i = first; i < (count < 0 ? set.size() : first + count); ++i) ids.push_back(i);
    set.gather(ids, images);
  }
  px::image_list list() const { return {images.images.data(), images.ids.data(), images.size()}; }
};

/// Every byte a checkpoint would hold, by the trainer's own walk: counters, players, buffers, optimizer, targets, states.
struct image_of {
  std::string bytes;
  bool counters = true;

  void counter(const std::string&, std::uint64_t& v) {
    if (counters) bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  template <class T>
  void entries(const std::string&, const std::vector<px::parameter_entry>& list, T* data) {
    for (const auto& e : list) bytes.append(reinterpret_cast<const char*>(data + e.offset), static_cast<std::size_t>(e.size) * sizeof(T));
  }
  template <class T>
  void array(const std::string&, px::tensor_view<T> v) {
    bytes.append(reinterpret_cast<const char*>(v.data), static_cast<std::size_t>(v.size()) * sizeof(T));
  }
};
template <class Trainer>
std::string state(Trainer& t, bool counters = true) {
  image_of i;
  i.counters = counters;
  t.visit_state(i);
  return i.bytes;
}
/// Everything that lies in players and targets, whether or not a checkpoint would have it.
template <class Trainer>
std::string memory(const Trainer& t) {
  std::string bytes;
  const auto add = [&](const auto& b) {
    if (b.size() > 0) bytes.append(reinterpret_cast<const char*>(b.data()), b.bytes());
  };
  for (const auto& p : t.players()) add(p.parameters), add(p.gradients), add(p.buffers), add(p.state0), add(p.state1);
  for (const auto& p : t.targets()) add(p.parameters), add(p.buffers);
  return bytes;
}
/// In how many bytes two states differ; all of them where the sizes do.
inline std::size_t differences(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return std::max(a.size(), b.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += a[i] != b[i];
  return n;
}
/// Padding between parameters, which no step may write.
template <class Trainer>
bool padding_is_zero(const Trainer& t) {
  bool zero = true;
  for (const auto& p : t.players())
    for (const auto* b : {&p.parameters, &p.gradients, &p.state0, &p.state1})
      for (std::size_t i = 0; i < p.table.parameters.size() && b->size() > 0; ++i) {
        const auto& e = p.table.parameters[i];
        for (index_t k = e.offset + e.size; k < e.offset + px::padded(e.size); ++k) zero = zero && (*b)[k] == 0;
      }
  return zero;
}

/// A view that is not a number for one image, by its permanent number: what a broken augmentation of a user would do.
struct poison {
  px::setting<double> id = px::default_value(-1.0);
  static constexpr std::string_view name = "poison";
  struct record {
    bool bad = false;
  };
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("id", self.id);
  }
  constexpr record draw(px::rng::key key, augment::image_size, augment::image_size) const {
    return {id.value() == static_cast<double>(key.sample)};
  }
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& r, px::image_view<const float> in, px::image_view<float> out) const {
    ctx.for_each(in.size(), [&](index_t i) { out.data[i] = r.bad ? std::nanf("") : in.data[i]; });
  }
};

}  // namespace tiny
