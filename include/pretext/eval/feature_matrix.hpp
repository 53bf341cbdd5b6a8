// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/view_of.hpp"

namespace pretext::eval {

/// Features of some samples, borrowed: row-major values (rows, columns) and, where known, one label a row.
struct feature_view {
  std::span<const float> values;
  index_t rows = 0;
  index_t columns = 0;
  std::span<const int> labels = {};  // empty where there are none

  const float* row(index_t i) const { return values.data() + i * columns; }
  int label(index_t i) const { return labels[static_cast<std::size_t>(i)]; }
};

/// The same, owned.
struct feature_matrix {
  std::vector<float> values;
  index_t rows = 0;
  index_t columns = 0;
  std::vector<int> labels;

  operator feature_view() const { return {view_of(values), rows, columns, view_of(labels)}; }
};

/// The named rows in the given order, with their labels.
/// errors  pretext[eval.016] an index outside the rows
inline feature_matrix take_rows(const feature_view& from, std::span<const index_t> which) {
  feature_matrix out;
  out.rows = static_cast<index_t>(which.size());
  out.columns = from.columns;
  out.values.reserve(which.size() * static_cast<std::size_t>(from.columns));
  for (const index_t i : which) {
    if (i < 0 || i >= from.rows)
      throw_error("eval.016", {"take_rows: row ", i, " asked of a matrix of ", from.rows, " rows; pass indices below the number of rows"});
    out.values.insert(out.values.end(), from.row(i), from.row(i) + from.columns);
    if (!from.labels.empty()) out.labels.push_back(from.label(i));
  }
  return out;
}

namespace detail {

/// Reads the exponent bits: std::isfinite is always true under -ffast-math, which a user's build may set.
inline bool is_finite(float v) { return (std::bit_cast<std::uint32_t>(v) & 0x7F800000u) != 0x7F800000u; }

PRETEXT_COLD inline void check_features(const feature_view& x, std::string_view name) {
  if (x.rows <= 0 || x.columns <= 0)
    throw_error("eval.001", {name, ": no features (", x.rows, " rows of ", x.columns, "); pass at least one row and one column"});
  if (x.values.size() != static_cast<std::size_t>(x.rows) * static_cast<std::size_t>(x.columns))
    throw_error("eval.002", {name, ": ", x.values.size(), " values for ", x.rows, " rows of ", x.columns, "; pass rows * columns values"});
  for (std::size_t i = 0; i < x.values.size(); ++i)
    if (!is_finite(x.values[i]))
      throw_error("eval.003", {name, ": row ", static_cast<index_t>(i) / x.columns, ", column ", static_cast<index_t>(i) % x.columns,
          " is not a finite number; the encoder diverged or its input holds NaN or Inf"});
}

PRETEXT_COLD inline void check_labels(const feature_view& x, int classes, std::string_view name) {
  if (x.labels.size() != static_cast<std::size_t>(x.rows))
    throw_error("eval.004", {name, ": ", x.labels.size(), " labels for ", x.rows, " rows; pass one label a row"});
  for (index_t i = 0; i < x.rows; ++i)
    if (x.label(i) < 0 || (classes > 0 && x.label(i) >= classes))
      throw_error("eval.005", {name, ": row ", i, " has label ", x.label(i),
          (classes > 0 ? joined({", outside the classes 0 to ", classes - 1}) : std::string(", a negative number")),
          "; number the classes from 0 and leave unlabelled rows out"});
}

inline void check_same_columns(const feature_view& train, const feature_view& test) {
  if (train.columns != test.columns)
    throw_error("eval.008", {"training rows have ", train.columns, " features and test rows ", test.columns,
        "; compute both with the same encoder"});
}

inline int largest_label(const feature_view& x) {
  return x.labels.empty() ? -1 : *std::max_element(x.labels.begin(), x.labels.end());
}

/// The number of classes a user named, or, for 0, one more than the largest label.
inline int class_count(const feature_view& train, const feature_view& test, int named) {
  return named > 0 ? named : std::max(largest_label(train), largest_label(test)) + 1;
}

}  // namespace detail
}  // namespace pretext::eval
