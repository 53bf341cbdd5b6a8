// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"
#include "../core/rng.hpp"
#include "../core/view_of.hpp"
#include "feature_matrix.hpp"
#include "logistic_regression.hpp"
#include "parallel_loop.hpp"
#include "scores.hpp"

namespace pretext::eval {

struct probe_options {
  std::optional<double> l2 = {};                              // given: used as it is; else chosen on held-out rows
  std::vector<double> l2_grid = {1, 1e-1, 1e-2, 1e-3, 1e-4};  // tried from large to small
  double few_labels_l2 = 0.01;                                // used where a tenth of the rows is too few to choose by
  std::uint64_t seed = 0;                                     // which tenth
  int classes = 0;                                            // 0: one more than the largest label
  int max_iterations = 300;                                   // of each fit
  double tolerance = 1e-4;
};

struct probe_trial {
  double l2 = 0;
  double accuracy = 0;  // on the held-out tenth
  int iterations = 0;
  bool converged = false;
};

struct probe_result {
  double accuracy = 0;  // on the test rows
  double train_accuracy = 0;
  double l2 = 0;
  int iterations = 0;  // of the last fit
  bool converged = false;
  std::vector<probe_trial> trials;  // empty where nothing was chosen
  std::vector<int> predictions;     // of the test rows
  logistic_model model;
};

namespace detail {

/// All rows, the held-out ones last: a tenth of each class, drawn by (seed, class).
PRETEXT_COLD inline std::vector<index_t> hold_out_tenth(const feature_view& x, int classes, std::uint64_t seed, index_t& kept) {
  const std::size_t n = static_cast<std::size_t>(x.rows), all = static_cast<std::size_t>(classes);
  std::vector<index_t> by_class(n), order(n), end(all);  // the rows of class c end at end[c] of by_class
  for (index_t i = 0; i < x.rows; ++i) ++end[static_cast<std::size_t>(x.label(i))];
  kept = x.rows;
  index_t before = 0;
  for (index_t& e : end) {
    kept -= e / 10;
    before += std::exchange(e, before);
  }
  for (index_t i = 0; i < x.rows; ++i) by_class[static_cast<std::size_t>(end[static_cast<std::size_t>(x.label(i))]++)] = i;

  std::vector<int> is_held(n);
  index_t* next = order.data() + kept;
  for (std::size_t c = 0; c < all; ++c) {
    const index_t begin = c == 0 ? 0 : end[c - 1], size = end[c] - begin;
    index_t* mine = by_class.data() + begin;
    rng::stream draws(rng::key{.seed = seed, .sample = c}.with_purpose(rng::purpose::probe));
    for (index_t i = 0; i < size / 10; ++i) {
      std::swap(mine[i], mine[i + draws.below(static_cast<std::uint32_t>(size - i))]);
      is_held[static_cast<std::size_t>(mine[i])] = 1;
      *next++ = mine[i];
    }
  }
  // In order of their place, so that a chunk of the solver holds a mixture of classes as the set does.
  next = order.data();
  for (index_t i = 0; i < x.rows; ++i)
    if (is_held[static_cast<std::size_t>(i)] == 0) *next++ = i;
  return order;
}

/// Accuracy of (W, b) on rows that are standardised already.
PRETEXT_COLD inline double design_accuracy(const design_matrix& x, index_t from, const logistic_model& scaled) {
  logistic_model plain = scaled;
  for (double& m : plain.mean) m = 0;
  for (double& d : plain.deviation) d = 1;
  const index_t rows = x.rows - from;
  std::vector<float> values(static_cast<std::size_t>(rows * x.columns));
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < x.columns; ++j) values[static_cast<std::size_t>(i * x.columns + j)] = x.row(from + i)[j];
  return accuracy(view_of(plain.predict({view_of(values), rows, x.columns})), view_of(x.labels).subspan(static_cast<std::size_t>(from)));
}

}  // namespace detail

/// Linear probe: how well a linear classifier reads the classes from frozen features.
/// Features are standardised by the training rows. The l2 is the one of the grid with the best accuracy on a held-out
/// tenth of the training rows, the larger of equals; the search ends where accuracy falls by a standard error. The
/// classifier is then solved again on all rows. With fewer than 20 rows a class on average `few_labels_l2` is used.
/// errors  pretext[eval.001] to [eval.005] features and labels; [eval.006] one class; [eval.007] fewer rows than classes;
///         [eval.008] widths differ; [eval.012] an option out of range
/// cost    a few hundred passes of 4 N D C operations; N D values for the standardised copy
/// repeat  same bits for one seed, for any loop
PRETEXT_COLD inline probe_result linear_probe(const feature_view& train, const feature_view& test, const probe_options& options = {},
                                 parallel_loop loop = {}) {
  const int classes = detail::class_count(train, test, options.classes);
  detail::check_training_set(train, classes);
  detail::check_features(test, "test features");
  detail::check_same_columns(train, test);
  detail::check_labels(test, classes, "test labels");
  std::vector<double> grid = options.l2_grid;
  if (options.l2) grid.assign(1, *options.l2);
  bool possible = !grid.empty() && options.few_labels_l2 >= 0;
  for (const double l2 : grid) possible = possible && l2 >= 0;
  if (!possible)
    throw_error("eval.012", "linear probe: an l2 is below 0 or none is given; choose 0 or more, such as 0.01");
  reorder(grid, sorted_order(grid.size(), [&](std::size_t i, std::size_t j) { return grid[i] > grid[j]; }));
  if (!options.l2 && train.rows < index_t{20} * classes) grid.assign(1, options.few_labels_l2);

  probe_result out;
  out.model.classes = classes;
  out.model.columns = train.columns;
  detail::find_moments(train, out.model);
  index_t kept = 0;
  const std::vector<index_t> order = detail::hold_out_tenth(train, classes, options.seed, kept);
  const detail::design_matrix x = detail::design(train, view_of(order), out.model);

  std::vector<double> best, parameters;
  out.l2 = grid.front();
  if (grid.size() > 1 && kept < x.rows) {
    double most = -1;
    for (const double l2 : grid) {  // each starts where the stronger penalty ended
      const lbfgs_result solved =
          detail::solve_softmax(x, kept, classes, l2, options.max_iterations, options.tolerance, parameters, loop);
      detail::store_parameters(parameters, out.model);
      const double held_out = detail::design_accuracy(x, kept, out.model);
      out.trials.push_back({l2, held_out, solved.iterations, solved.converged});
      if (held_out > most) {
        most = held_out;
        out.l2 = l2;
        best = parameters;
      } else if (most - held_out > std::sqrt(most * (1 - most) / static_cast<double>(x.rows - kept))) {
        break;  // worse by more than chance: a weaker penalty would take longest and lose more
      }
    }
  }
  const lbfgs_result solved =
      detail::solve_softmax(x, x.rows, classes, out.l2, options.max_iterations, options.tolerance, best, loop);
  detail::store_parameters(best, out.model);
  out.iterations = solved.iterations;
  out.converged = solved.converged;
  out.predictions = out.model.predict(test, loop);
  out.accuracy = accuracy(view_of(out.predictions), test.labels);
  out.train_accuracy = accuracy(view_of(out.model.predict(train, loop)), train.labels);
  return out;
}

}  // namespace pretext::eval
