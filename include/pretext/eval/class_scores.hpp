// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for labelled tasks on text
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "scores.hpp"

namespace pretext::eval {

/// What was found of what was there, and how much of what was found is right.
struct retrieval {
  std::int64_t hits = 0;       // predicted and true
  std::int64_t predicted = 0;
  std::int64_t labelled = 0;   // true

  /// 0 where nothing was predicted, or nothing was there.
  double precision() const { return predicted == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(predicted); }
  double recall() const { return labelled == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(labelled); }
  /// 2 hits / (predicted + labelled), the harmonic mean of the two.
  double f1() const {
    const std::int64_t both = predicted + labelled;
    return both == 0 ? 0.0 : 2.0 * static_cast<double>(hits) / static_cast<double>(both);
  }
  retrieval& operator+=(const retrieval& o) {
    hits += o.hits;
    predicted += o.predicted;
    labelled += o.labelled;
    return *this;
  }
};

/// One row a class.
inline std::vector<retrieval> class_retrieval(const confusion_matrix& m) {
  std::vector<retrieval> out(static_cast<std::size_t>(m.classes));
  for (int truth = 0; truth < m.classes; ++truth)
    for (int predicted = 0; predicted < m.classes; ++predicted) {
      const std::int64_t n = m(truth, predicted);
      out[static_cast<std::size_t>(truth)].labelled += n;
      out[static_cast<std::size_t>(predicted)].predicted += n;
      if (truth == predicted) out[static_cast<std::size_t>(truth)].hits += n;
    }
  return out;
}

/// F1 of all classes together, but for `without` (the "outside" of a tagging task). With no class left out it is the accuracy.
inline double micro_f1(const confusion_matrix& m, int without = -1) {
  const std::vector<retrieval> all = class_retrieval(m);
  retrieval sum;
  for (int c = 0; c < m.classes; ++c)
    if (c != without) sum += all[static_cast<std::size_t>(c)];
  return sum.f1();
}

/// The mean of the classes' F1, weighted by how often each is the label.
inline double weighted_f1(const confusion_matrix& m) {
  double sum = 0, labelled = 0;
  for (const retrieval& r : class_retrieval(m)) {
    sum += static_cast<double>(r.labelled) * r.f1();
    labelled += static_cast<double>(r.labelled);
  }
  return labelled == 0 ? 0.0 : sum / labelled;
}

/// exp of the mean of -log P over tokens: how many equally likely tokens the model hesitates between.
/// units   log-probabilities in nats
/// errors  pretext[eval.020] no token, or one whose log-probability is NaN or above 0
PRETEXT_COLD inline double perplexity(std::span<const double> log_probabilities) {
  double sum = 0;
  for (const double l : log_probabilities) {
    if (!(l <= 1e-9))
      throw_error("eval.020", {"perplexity: a log-probability of ", l, "; pass natural logarithms of probabilities, which are 0 or less"});
    sum -= l;
  }
  if (log_probabilities.empty()) throw_error("eval.020", "perplexity: no token; pass at least one log-probability");
  return std::exp(sum / static_cast<double>(log_probabilities.size()));
}

}  // namespace pretext::eval
