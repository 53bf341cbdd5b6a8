// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/comm/threads.hpp"
#include "pretext/recipe/joint_embedding.hpp"

/// One batch cut over ranks has to train as the same batch on one rank.
namespace ranks {

namespace px = pretext;
using px::index_t;

/// Small pictures of a linear congruential generator.
struct pictures {
  std::vector<std::uint8_t> bytes;
  std::vector<px::image_view<const std::uint8_t>> views;
  std::vector<std::uint64_t> ids;

  explicit pictures(index_t count) : bytes(static_cast<std::size_t>(count * 64)) {
    std::uint32_t state = 5;
    for (auto& b : bytes) b = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    for (index_t i = 0; i < count; ++i) {
      views.push_back({bytes.data() + 64 * i, 8, 8, 1});
      ids.push_back(static_cast<std::uint64_t>(100 + i));
    }
  }
  px::image_list part(index_t begin, index_t end) const {
    return {views.data() + begin, ids.data() + begin, end - begin};
  }
};

/// What training left behind: losses, then all players' parameters and buffers, then the targets'.
struct outcome {
  std::vector<double> losses, weights, buffers, target;
};

template <class Trainer>
void collect(Trainer& t, outcome& o) {
  const auto push = [](std::vector<double>& v, const auto& b) { v.insert(v.end(), b.begin(), b.end()); };
  for (const auto& p : t.players()) {
    push(o.weights, p.parameters);
    push(o.buffers, p.buffers);
  }
  for (const auto& p : t.targets()) {
    push(o.target, p.parameters);
    push(o.target, p.buffers);
  }
}

/// Trains `steps` steps on batches of `batch` pictures, each cut evenly over the ranks.
template <class Recipe>
using settings_of = typename px::train::trainer<Recipe, px::backend::reference, px::comm::threads>::settings_type;

template <class Recipe>
std::vector<outcome> train(int count, index_t batch, int steps, settings_of<Recipe> settings) {
  const pictures data(batch * steps);
  std::vector<outcome> all(static_cast<std::size_t>(count));
  const index_t share = batch / count;
  settings.batch_size = share;
  px::comm::threads_group group(count);
  group.run([&](px::comm::threads& me) {
    px::backend::reference be;
    px::train::trainer<Recipe, px::backend::reference, px::comm::threads> t(settings, be, me);
    t.set_steps_total(static_cast<std::uint64_t>(steps));
    outcome& o = all[static_cast<std::size_t>(me.rank())];
    for (int s = 0; s < steps; ++s) {
      const index_t first = s * batch + me.rank() * share;
      t.step(data.part(first, first + share));
      o.losses.push_back(t.loss());
    }
    collect(t, o);
  });
  return all;
}

inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return HUGE_VAL;
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return HUGE_VAL;
    worst = std::max(worst, std::fabs(a[i] - b[i]));
    largest = std::max(largest, std::fabs(b[i]));
  }
  return largest == 0 ? worst : worst / largest;
}

/// The largest relative difference between `count` ranks and one; HUGE_VAL where ranks differ from each other.
template <class Recipe>
double against_one(int count, index_t batch, int steps, const settings_of<Recipe>& settings) {
  const outcome one = train<Recipe>(1, batch, steps, settings)[0];
  const std::vector<outcome> many = train<Recipe>(count, batch, steps, settings);
  for (const outcome& o : many)
    if (o.losses != many[0].losses || o.weights != many[0].weights || o.buffers != many[0].buffers || o.target != many[0].target)
      return HUGE_VAL;
  double moved = 0;  // a run in which nothing happens proves nothing
  for (std::size_t i = 1; i < one.losses.size(); ++i) moved = std::max(moved, std::fabs(one.losses[i] - one.losses[0]));
  if (moved < 1e-4) return HUGE_VAL;
  const outcome& m = many[0];
  return std::max({difference(m.losses, one.losses), difference(m.weights, one.weights), difference(m.buffers, one.buffers),
                   difference(m.target, one.target)});
}

/// A tiny network in double with batch_norm whose statistics are those of all ranks. No biases before it: their gradients
/// are rounding errors, which AdamW would blow up.
template <class Base>
struct tiny : Base {
  using input = px::image<1, 8, 8>;
  using encoder = px::nn::sequential<px::nn::conv2d<4, 3, px::nn::stride<2>, px::nn::no_bias>, px::nn::batch_norm, px::nn::relu, px::nn::conv2d<6, 3, px::nn::no_bias>,
                                     px::nn::batch_norm, px::nn::relu, px::nn::global_avg_pool>;
  using head = px::nn::mlp_batch_norm<8, 5>;
  using views = px::augment::chain<px::augment::horizontal_flip, px::augment::gaussian_noise>;
  using precision = px::train::f64;
};

}  // namespace ranks
