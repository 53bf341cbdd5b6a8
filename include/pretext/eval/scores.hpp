// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../config.hpp"
#include "../core/error.hpp"
#include "../core/index.hpp"

namespace pretext::eval {

/// How often each class was taken for each other: counts(true class, predicted class).
struct confusion_matrix {
  int classes = 0;
  std::vector<std::int64_t> counts;

  std::int64_t operator()(int truth, int predicted) const {
    return counts[static_cast<std::size_t>(truth) * static_cast<std::size_t>(classes) +
                  static_cast<std::size_t>(predicted)];
  }
};

namespace detail {

inline void check_paired(std::span<const int> predicted, std::span<const int> labels) {
  if (predicted.size() != labels.size() || labels.empty())
    throw_error("eval.010", {predicted.size(), " predictions for ", labels.size(), " labels; pass one prediction a label, at least one"});
}

}  // namespace detail

/// The share of predictions that are right, in [0, 1].
/// errors  pretext[eval.010] none, or not one prediction a label
PRETEXT_COLD inline double accuracy(std::span<const int> predicted, std::span<const int> labels) {
  detail::check_paired(predicted, labels);
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i] ? 1u : 0u;
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

/// errors  pretext[eval.005] a label or prediction outside the classes; pretext[eval.010] not one prediction a label
inline confusion_matrix confusion(std::span<const int> predicted, std::span<const int> labels, int classes) {
  detail::check_paired(predicted, labels);
  confusion_matrix m;
  m.classes = classes;
  const std::size_t n = classes > 0 ? static_cast<std::size_t>(classes) : 0;
  m.counts.assign(n * n, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (const int c : {labels[i], predicted[i]})
      if (c < 0 || c >= classes)
        throw_error("eval.005", {"confusion: entry ", i, " has class ", c, ", outside the classes 0 to ", classes - 1,
            "; number the classes from 0"});
    ++m.counts[static_cast<std::size_t>(labels[i]) * n + static_cast<std::size_t>(predicted[i])];
  }
  return m;
}

/// The F1 score of each class, averaged over the classes that occur as a label or a prediction.
///   F1 = 2 hits / (labelled so + predicted so)
inline double macro_f1(const confusion_matrix& m) {
  double sum = 0;
  int seen = 0;
  for (int c = 0; c < m.classes; ++c) {
    std::int64_t both = 0;
    for (int other = 0; other < m.classes; ++other) both += m(c, other) + m(other, c);
    if (both == 0) continue;
    sum += 2.0 * static_cast<double>(m(c, c)) / static_cast<double>(both);
    ++seen;
  }
  return seen == 0 ? 0.0 : sum / seen;
}

}  // namespace pretext::eval
