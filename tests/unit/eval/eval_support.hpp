// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pretext/core/rng.hpp"
#include "pretext/eval/feature_matrix.hpp"

namespace eval_support {

using pretext::index_t;
using pretext::eval::feature_matrix;

/// Standard normal numbers of one seed.
class normals {
 public:
  explicit normals(std::uint64_t seed) : draws_(pretext::rng::key{.seed = seed}.with_purpose(pretext::rng::purpose::user)) {}
  double operator()() {
    const double u = 1 - draws_.uniform_double(), angle = 6.283185307179586 * draws_.uniform_double();
    return std::sqrt(-2 * std::log(u)) * std::cos(angle);
  }

 private:
  pretext::rng::stream draws_;
};

inline feature_matrix noise(index_t rows, index_t columns, std::uint64_t seed) {
  feature_matrix x{{}, rows, columns, {}};
  normals next(seed);
  for (index_t i = 0; i < rows * columns; ++i) x.values.push_back(static_cast<float>(next()));
  return x;
}

/// Row i is class i % classes: noise around a centre that has `distance` in coordinate i % classes.
inline feature_matrix clusters(index_t rows, index_t columns, int classes, double distance, std::uint64_t seed) {
  feature_matrix x = noise(rows, columns, seed);
  for (index_t i = 0; i < rows; ++i) {
    x.labels.push_back(static_cast<int>(i % classes));
    x.values[static_cast<std::size_t>(i * columns + (i % classes) % columns)] += static_cast<float>(distance);
  }
  return x;
}

/// The id of the pretext::error that f throws, or "nothing".
template <class F>
std::string id_of(F&& f) {
  try {
    f();
  } catch (const pretext::error& e) {
    return e.id();
  }
  return "nothing";
}

}  // namespace eval_support
