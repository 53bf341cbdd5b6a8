// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/list.hpp"
#include "../core/view_of.hpp"
#include "feature_matrix.hpp"
#include "lbfgs.hpp"
#include "panel_product.hpp"
#include "parallel_loop.hpp"

namespace pretext::eval {

/// y = W x + b on features as they come: what a network's last layer holds. Weights (classes, columns), row-major.
struct linear_head {
  int classes = 0;
  index_t columns = 0;
  std::vector<float> weights;
  std::vector<float> bias;
};

/// A linear classifier on standardised features: logit_c = bias_c + sum_j weights(c, j) (x_j - mean_j) / deviation_j.
struct logistic_model {
  int classes = 0;
  index_t columns = 0;
  std::vector<double> weights;    // (classes, columns), row-major
  std::vector<double> bias;       // (classes)
  std::vector<double> mean;       // (columns)
  std::vector<double> deviation;  // (columns), 1 where a feature is constant

  /// The same function of the features as they come, to start a fine-tuned head from.
  linear_head head() const {
    linear_head out{classes, columns, std::vector<float>(weights.size()), std::vector<float>(bias.size())};
    for (int c = 0; c < classes; ++c) {
      double b = bias[static_cast<std::size_t>(c)];
      for (index_t j = 0; j < columns; ++j) {
        const std::size_t at = static_cast<std::size_t>(c * columns + j), feature = static_cast<std::size_t>(j);
        const double w = weights[at] / deviation[feature];
        out.weights[at] = static_cast<float>(w);
        b -= w * mean[feature];
      }
      out.bias[static_cast<std::size_t>(c)] = static_cast<float>(b);
    }
    return out;
  }

  /// errors  pretext[eval.001] to [eval.003]; pretext[eval.008] another number of features
  std::vector<float> logits(const feature_view& x, parallel_loop loop = {}) const;  // (rows, classes)
  std::vector<int> predict(const feature_view& x, parallel_loop loop = {}) const;   // lowest class of equals
};

struct logistic_options {
  double l2 = 0.01;
  bool standardise = true;
  int classes = 0;  // 0: one more than the largest label
  int max_iterations = 500;
  double tolerance = 1e-5;  // on the largest absolute entry of the gradient of the mean loss
};

struct logistic_fit {
  logistic_model model;
  double loss = 0;  // mean cross-entropy in nats, plus the penalty
  double gradient = 0;
  int iterations = 0;
  int evaluations = 0;
  bool converged = false;
};

namespace detail {

/// Standardised rows in a given order, as the solver reads them.
struct design_matrix {
  std::vector<float> values;
  std::vector<int> labels;
  index_t rows = 0;
  index_t columns = 0;
  index_t stride = 0;

  const float* row(index_t i) const { return values.data() + i * stride; }
};

/// Whole cache lines, an odd number of them: reading one feature of many rows must not hit one cache set only.
constexpr index_t spread_stride(index_t columns) {
  const index_t lines = ceil_div(columns, 16);
  return 16 * (lines % 2 == 0 ? lines + 1 : lines);
}

PRETEXT_COLD inline void find_moments(const feature_view& x, logistic_model& model) {
  const std::size_t d = static_cast<std::size_t>(x.columns);
  std::vector<double> squares(d, 0.0);
  model.mean.assign(d, 0.0);
  model.deviation.assign(d, 1.0);
  const double n = static_cast<double>(x.rows);
  for (index_t i = 0; i < x.rows; ++i)
    for (std::size_t j = 0; j < d; ++j) model.mean[j] += static_cast<double>(x.row(i)[j]);
  for (double& m : model.mean) m /= n;
  for (index_t i = 0; i < x.rows; ++i)
    for (std::size_t j = 0; j < d; ++j) {
      const double from_mean = static_cast<double>(x.row(i)[j]) - model.mean[j];
      squares[j] += from_mean * from_mean;
    }
  for (std::size_t j = 0; j < d; ++j) {
    const double deviation = std::sqrt(squares[j] / n);
    // Below this the spread is rounding of the mean, and dividing by it would invent a feature.
    if (deviation > 1e-12 * std::abs(model.mean[j])) model.deviation[j] = deviation;
  }
}

inline void standardise_row(const logistic_model& model, const float* x, float* out) {
  for (index_t j = 0; j < model.columns; ++j) {
    const std::size_t at = static_cast<std::size_t>(j);
    out[j] = static_cast<float>((static_cast<double>(x[j]) - model.mean[at]) / model.deviation[at]);
  }
}

PRETEXT_COLD inline design_matrix design(const feature_view& x, std::span<const index_t> order, const logistic_model& model) {
  design_matrix out;
  out.rows = static_cast<index_t>(order.size());
  out.columns = x.columns;
  out.stride = spread_stride(x.columns);
  out.values = std::vector<float>(static_cast<std::size_t>(out.rows * out.stride));
  out.labels = std::vector<int>(order.size());
  for (index_t i = 0; i < out.rows; ++i) {
    const index_t from = order[static_cast<std::size_t>(i)];
    standardise_row(model, x.row(from), out.values.data() + i * out.stride);
    out.labels[static_cast<std::size_t>(i)] = x.label(from);
  }
  return out;
}

/// Turns logits into probabilities minus the one-hot label; returns the cross-entropy in nats.
inline double softmax_residual(float* logits, int classes, int label) {
  float most = logits[0];
  for (int c = 1; c < classes; ++c) most = std::max(most, logits[c]);
  const double wanted = static_cast<double>(logits[label]) - static_cast<double>(most);
  double sum = 0;
  for (int c = 0; c < classes; ++c) {
    logits[c] = std::exp(logits[c] - most);
    sum += static_cast<double>(logits[c]);
  }
  const float scale = static_cast<float>(1 / sum);
  for (int c = 0; c < classes; ++c) logits[c] *= scale;
  logits[label] -= 1.0f;
  return std::log(sum) - wanted;
}

/// Mean cross-entropy of the first `rows` rows plus l2 / 2 |W|^2, as a function of (W, b), b not penalised.
/// Products run in float on blocks of 64 rows; everything that is summed over blocks is double. Rows are cut into at most
/// 16 chunks by size alone and the chunks are added in order, so a parallel loop changes no bit.
class softmax_problem {
 public:
  PRETEXT_COLD softmax_problem(const design_matrix& x, index_t rows, int classes, double l2, parallel_loop loop)
      : x_(x), rows_(rows), classes_(classes), l2_(l2), loop_(loop) {
    const index_t bytes = x.columns * padded() * static_cast<index_t>(sizeof(double));
    const index_t most = std::clamp((index_t{64} << 20) / bytes, index_t{1}, index_t{16});
    chunk_rows_ = round_up(ceil_div(rows, most), block);
    chunks_ = list<chunk>(static_cast<std::size_t>(ceil_div(rows, chunk_rows_)));
    for (chunk& c : chunks_) {
      c.sums = std::vector<double>(static_cast<std::size_t>((x.columns + 1) * padded()));
      c.room = std::vector<float>(static_cast<std::size_t>(3 * block * padded()));
    }
    panels_ = std::vector<float>(static_cast<std::size_t>(x.columns * padded()));
    weights_ = std::vector<float>(static_cast<std::size_t>(x.columns * classes));
  }

  std::size_t size() const { return static_cast<std::size_t>(classes_ * (x_.columns + 1)); }

  PRETEXT_COLD double operator()(const std::vector<double>& parameters, std::vector<double>& gradient) {
    const index_t d = x_.columns, all = classes_ * d;
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = static_cast<float>(parameters[i]);
    pack_panels(weights_.data(), 1, d, d, classes_, panels_.data());
    const double* bias = parameters.data() + all;
    loop_(static_cast<index_t>(chunks_.size()), [&](index_t i) { run(i, bias); });

    const double n = static_cast<double>(rows_);
    double loss = 0, penalty = 0;
    std::fill(gradient.begin(), gradient.end(), 0.0);
    for (const chunk& part : chunks_) {
      loss += part.loss;
      for (int c = 0; c < classes_; ++c) {
        gradient[static_cast<std::size_t>(all + c)] += part.sums[static_cast<std::size_t>(d * padded() + c)] / n;
        for (index_t j = 0; j < d; ++j)
          gradient[static_cast<std::size_t>(c * d + j)] += part.sums[static_cast<std::size_t>(j * padded() + c)] / n;
      }
    }
    for (index_t i = 0; i < all; ++i) {
      const double w = parameters[static_cast<std::size_t>(i)];
      penalty += w * w;
      gradient[static_cast<std::size_t>(i)] += l2_ * w;
    }
    return loss / n + 0.5 * l2_ * penalty;
  }

 private:
  static constexpr index_t block = 64;

  struct chunk {
    std::vector<double> sums;  // (columns + 1, padded classes): of the weights' gradient, then of the bias'
    /// Three blocks of (block, padded classes): logits, then residuals; the residuals, packed; what a block of rows adds to
    /// the weights of some features.
    std::vector<float> room;
    double loss = 0;
  };

  index_t padded() const { return round_up(static_cast<index_t>(classes_), panel_width<float>); }

  void run(index_t which, const double* bias) {
    chunk& mine = chunks_[static_cast<std::size_t>(which)];
    std::fill(mine.sums.begin(), mine.sums.end(), 0.0);
    mine.loss = 0;
    double* const of_bias = mine.sums.data() + x_.columns * padded();
    float *const tile = mine.room.data(), *const panels = tile + block * padded(), *const part = panels + block * padded();
    const index_t end = std::min(rows_, (which + 1) * chunk_rows_);
    for (index_t first = which * chunk_rows_; first < end; first += block) {
      const index_t count = std::min(block, end - first);
      for (index_t i = 0; i < count; ++i)
        for (int c = 0; c < classes_; ++c) tile[i * classes_ + c] = static_cast<float>(bias[c]);
      multiply_panels(x_.row(first), x_.stride, index_t{1}, count, panels_.data(), x_.columns, index_t{classes_}, tile,
                      index_t{classes_});
      for (index_t i = 0; i < count; ++i) {
        mine.loss += softmax_residual(tile + i * classes_, classes_, x_.labels[static_cast<std::size_t>(first + i)]);
        for (int c = 0; c < classes_; ++c)
          of_bias[c] += static_cast<double>(tile[i * classes_ + c]);
      }
      pack_panels(tile, classes_, 1, count, classes_, panels);
      // Into floats first: a product that adds to doubles would be compiled for this line alone, and gives the same bits.
      for (index_t j = 0; j < x_.columns; j += block) {
        const index_t features = std::min(block, x_.columns - j), size = features * padded();
        std::fill(part, part + size, 0.0f);
        multiply_panels(x_.row(first) + j, index_t{1}, x_.stride, features, panels, count, index_t{classes_}, part, padded());
        double* const sums = mine.sums.data() + j * padded();
        for (index_t i = 0; i < size; ++i) sums[i] += static_cast<double>(part[i]);
      }
    }
  }

  const design_matrix& x_;
  index_t rows_;
  int classes_;
  double l2_;
  parallel_loop loop_;
  index_t chunk_rows_ = 0;
  list<chunk> chunks_;
  std::vector<float> weights_;
  std::vector<float> panels_;
};

/// Solves from `parameters`, which become the solution.
PRETEXT_COLD inline lbfgs_result solve_softmax(const design_matrix& x, index_t rows, int classes, double l2, int max_iterations,
                                  double tolerance, std::vector<double>& parameters, parallel_loop loop) {
  softmax_problem problem(x, rows, classes, l2, loop);
  if (parameters.size() != problem.size()) parameters = std::vector<double>(problem.size());
  // Logits carry the rounding of float sums: near the solution smaller differences of the loss say nothing.
  return minimise_lbfgs(problem, parameters, {max_iterations, tolerance, 10, 1e-8});
}

PRETEXT_COLD inline void store_parameters(const std::vector<double>& parameters, logistic_model& model) {
  const double* bias = parameters.data() + model.classes * model.columns;
  model.weights = std::vector<double>(parameters.data(), bias);
  model.bias = std::vector<double>(bias, parameters.data() + parameters.size());
}

PRETEXT_COLD inline void check_training_set(const feature_view& train, int classes) {
  check_features(train, "training features");
  check_labels(train, classes, "training labels");
  if (classes < 2)
    throw_error("eval.006", "all training rows have label 0, so there is one class; a classifier needs at least two");
  if (train.rows < classes)
    throw_error("eval.007", {train.rows, " labelled rows for ", classes, " classes; label at least one row of each class"});
  if (std::all_of(train.labels.begin(), train.labels.end(), [&](int c) { return c == train.labels[0]; }))
    throw_error("eval.006", {"all training rows have label ", train.labels[0], ", so there is one class; a classifier needs at least two"});
}

}  // namespace detail

PRETEXT_APART inline std::vector<float> logistic_model::logits(const feature_view& x, parallel_loop loop) const {
  detail::check_features(x, "features");
  if (x.columns != columns)
    throw_error("eval.008", {"the classifier was trained on ", columns, " features and is given ", x.columns,
        "; compute both with the same encoder"});
  const index_t padded = round_up(static_cast<index_t>(classes), detail::panel_width<float>);
  const std::vector<float> narrow(weights.begin(), weights.end());
  std::vector<float> panels(static_cast<std::size_t>(columns * padded));
  detail::pack_panels(narrow.data(), 1, columns, columns, classes, panels.data());
  std::vector<float> out(static_cast<std::size_t>(x.rows * classes));
  constexpr index_t block = 64;
  loop(ceil_div(x.rows, block), [&](index_t which) {
    const index_t first = which * block, count = std::min(block, x.rows - first);
    std::vector<float> rows(static_cast<std::size_t>(count * columns));
    for (index_t i = 0; i < count; ++i) {
      detail::standardise_row(*this, x.row(first + i), rows.data() + i * columns);
      for (int c = 0; c < classes; ++c)
        out[static_cast<std::size_t>((first + i) * classes + c)] = static_cast<float>(bias[static_cast<std::size_t>(c)]);
    }
    detail::multiply_panels(rows.data(), columns, index_t{1}, count, panels.data(), columns, index_t{classes},
                            out.data() + first * classes, index_t{classes});
  });
  return out;
}

PRETEXT_COLD inline std::vector<int> logistic_model::predict(const feature_view& x, parallel_loop loop) const {
  const std::vector<float> all = logits(x, loop);
  std::vector<int> out(static_cast<std::size_t>(x.rows));
  for (index_t i = 0; i < x.rows; ++i) {
    const float* row = all.data() + i * classes;
    out[static_cast<std::size_t>(i)] = static_cast<int>(std::max_element(row, row + classes) - row);
  }
  return out;
}

/// Multinomial logistic regression, solved to its optimum.
///   L = 1/N sum_i -log softmax(W x_i + b)[y_i] + l2/2 |W|^2; scikit-learn's C is 1 / (N l2)
/// units   L in nats; x standardised unless turned off
/// laws    unchanged by the order of rows (to the tolerance), and by shifting or scaling a feature when standardised
/// errors  pretext[eval.001] to [eval.005] features and labels; [eval.006] one class; [eval.007] fewer rows than classes;
///         [eval.012] an option out of range
/// cost    4 N D C operations an evaluation; N D values for the standardised copy
/// repeat  same bits for any loop
PRETEXT_COLD inline logistic_fit fit_logistic_regression(const feature_view& train, const logistic_options& options = {},
                                            parallel_loop loop = {}) {
  const int classes = detail::class_count(train, train, options.classes);
  detail::check_training_set(train, classes);
  if (!(options.l2 >= 0))
    throw_error("eval.012", {"logistic regression: l2 is ", options.l2, "; choose 0 or more"});
  logistic_fit out;
  out.model.classes = classes;
  out.model.columns = train.columns;
  if (options.standardise) {
    detail::find_moments(train, out.model);
  } else {
    out.model.mean.assign(static_cast<std::size_t>(train.columns), 0.0);
    out.model.deviation.assign(static_cast<std::size_t>(train.columns), 1.0);
  }
  std::vector<index_t> order(static_cast<std::size_t>(train.rows));
  for (index_t i = 0; i < train.rows; ++i) order[static_cast<std::size_t>(i)] = i;
  const detail::design_matrix x = detail::design(train, view_of(order), out.model);
  std::vector<double> parameters;
  const lbfgs_result solved = detail::solve_softmax(x, x.rows, classes, options.l2, options.max_iterations,
                                                    options.tolerance, parameters, loop);
  detail::store_parameters(parameters, out.model);
  out.loss = solved.value;
  out.gradient = solved.gradient;
  out.iterations = solved.iterations;
  out.evaluations = solved.evaluations;
  out.converged = solved.converged;
  return out;
}

}  // namespace pretext::eval
