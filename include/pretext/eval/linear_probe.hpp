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
inline std::vector<index_t> hold_out_tenth(const feature_view& x, int classes, std::uint64_t seed, index_t& kept) {
  std::vector<std::vector<index_t>> by_class(static_cast<std::size_t>(classes));
  for (index_t i = 0; i < x.rows; ++i) by_class[static_cast<std::size_t>(x.label(i))].push_back(i);
  std::vector<index_t> first, last;
  for (int c = 0; c < classes; ++c) {
    std::vector<index_t>& mine = by_class[static_cast<std::size_t>(c)];
    rng::stream draws(rng::key{.seed = seed, .sample = static_cast<std::uint64_t>(c)}.with_purpose(rng::purpose::probe));
    const std::size_t held = mine.size() / 10;
    for (std::size_t i = 0; i < held; ++i)
      std::swap(mine[i], mine[i + draws.below(static_cast<std::uint32_t>(mine.size() - i))]);
    last.insert(last.end(), mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(held));
    first.insert(first.end(), mine.begin() + static_cast<std::ptrdiff_t>(held), mine.end());
  }
  kept = static_cast<index_t>(first.size());
  // In order of their place, so that a chunk of the solver holds a mixture of classes as the set does.
  std::sort(first.begin(), first.end());
  first.insert(first.end(), last.begin(), last.end());
  return first;
}

/// Accuracy of (W, b) on rows that are standardised already.
inline double design_accuracy(const design_matrix& x, index_t from, const logistic_model& scaled) {
  logistic_model plain = scaled;
  plain.mean.assign(plain.mean.size(), 0.0);
  plain.deviation.assign(plain.deviation.size(), 1.0);
  feature_matrix rows{{}, x.rows - from, x.columns, {x.labels.begin() + from, x.labels.end()}};
  for (index_t i = from; i < x.rows; ++i) rows.values.insert(rows.values.end(), x.row(i), x.row(i) + x.columns);
  return accuracy(plain.predict(rows), rows.labels);
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
inline probe_result linear_probe(const feature_view& train, const feature_view& test, const probe_options& options = {},
                                 parallel_loop loop = {}) {
  const int classes = detail::class_count(train, test, options.classes);
  detail::check_training_set(train, classes);
  detail::check_features(test, "test features");
  detail::check_same_columns(train, test);
  detail::check_labels(test, classes, "test labels");
  std::vector<double> grid = options.l2_grid;
  if (options.l2) grid = {*options.l2};
  if (grid.empty() || !std::all_of(grid.begin(), grid.end(), [](double l2) { return l2 >= 0; }) ||
      !(options.few_labels_l2 >= 0))
    throw error("eval.012", "linear probe: an l2 is below 0 or none is given; choose 0 or more, such as 0.01");
  reorder(grid, sorted_order(grid.size(), [&](std::size_t i, std::size_t j) { return grid[i] > grid[j]; }));
  if (!options.l2 && train.rows < index_t{20} * classes) grid = {options.few_labels_l2};

  probe_result out;
  out.model.classes = classes;
  out.model.columns = train.columns;
  detail::find_moments(train, out.model);
  index_t kept = 0;
  const std::vector<index_t> order = detail::hold_out_tenth(train, classes, options.seed, kept);
  const detail::design_matrix x = detail::design(train, order, out.model);

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
  out.accuracy = accuracy(out.predictions, test.labels);
  out.train_accuracy = accuracy(out.model.predict(train, loop), train.labels);
  return out;
}

}  // namespace pretext::eval
