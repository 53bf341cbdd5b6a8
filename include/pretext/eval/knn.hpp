// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/view_of.hpp"
#include "feature_matrix.hpp"
#include "panel_product.hpp"
#include "parallel_loop.hpp"
#include "scores.hpp"

namespace pretext::eval {

/// The k nearest rows of each query, nearest first: index and similarity are (rows, k), row-major.
struct neighbour_table {
  index_t rows = 0;
  index_t k = 0;
  std::vector<index_t> index;
  std::vector<float> similarity;
};

namespace detail {

/// x / |x|; a row of zeros stays zero and so has similarity 0 to everything.
inline void normalise_row(const float* x, index_t columns, float* out) {
  double squares = 0;
  for (index_t j = 0; j < columns; ++j) squares += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  const double scale = squares > 0 ? 1.0 / std::sqrt(squares) : 0.0;
  for (index_t j = 0; j < columns; ++j) out[j] = static_cast<float>(static_cast<double>(x[j]) * scale);
}

/// The k best seen so far, best first; the earlier index wins a tie because rows are offered in order.
class best_k {
 public:
  best_k(index_t* index, float* similarity, index_t k) : index_(index), similarity_(similarity), k_(k) {}

  void offer(index_t i, float s) {
    if (size_ == k_ && !(s > similarity_[k_ - 1])) return;
    index_t at = size_ < k_ ? size_++ : k_ - 1;
    for (; at > 0 && similarity_[at - 1] < s; --at) {
      similarity_[at] = similarity_[at - 1];
      index_[at] = index_[at - 1];
    }
    similarity_[at] = s;
    index_[at] = i;
  }

 private:
  index_t* index_;
  float* similarity_;
  index_t k_;
  index_t size_ = 0;
};

}  // namespace detail

/// Rows that can be asked for their nearest by cosine similarity, exactly.
/// cost    N D values kept; a query costs N D products; 64 queries at a time need 64 (D + 256) values, never N x M
/// repeat  a query's answer has the same bits in any batch of queries; equal similarities go to the lower index
class cosine_index {
 public:
  /// errors  pretext[eval.001], [eval.002] sizes; pretext[eval.003] NaN or Inf
  explicit cosine_index(const feature_view& rows) : rows_(rows.rows), columns_(rows.columns) {
    detail::check_features(rows, "rows to search");
    constexpr index_t width = detail::panel_width<float>;
    std::vector<float> unit(static_cast<std::size_t>(width * columns_));
    panels_.resize(static_cast<std::size_t>(detail::panel_count<float>(rows_) * width * columns_));
    for (index_t first = 0; first < rows_; first += width) {
      const index_t wide = std::min(width, rows_ - first);
      for (index_t i = 0; i < wide; ++i)
        detail::normalise_row(rows.row(first + i), columns_, unit.data() + i * columns_);
      detail::pack_panels(unit.data(), 1, columns_, columns_, wide, panels_.data() + first * columns_);
    }
  }

  index_t rows() const { return rows_; }
  index_t columns() const { return columns_; }

  /// `skip_own_row`: query i is row i of the index and must not find itself.
  /// errors  pretext[eval.008] other width; pretext[eval.009] k below 1 or above the rows there are
  neighbour_table nearest(const feature_view& queries, index_t k, bool skip_own_row = false,
                          parallel_loop loop = {}) const {
    detail::check_features(queries, "queries");
    if (queries.columns != columns_)
      throw_error("eval.008", {"queries have ", queries.columns, " features and the searched rows ", columns_,
          "; compute both with the same encoder"});
    const index_t available = rows_ - (skip_own_row ? 1 : 0);
    if (k < 1 || k > available)
      throw_error("eval.009", {"k is ", k, " but ", available, " rows can be neighbours; choose k from 1 to that number"});
    neighbour_table out;
    out.rows = queries.rows;
    out.k = k;
    out.index.resize(static_cast<std::size_t>(queries.rows * k));
    out.similarity.resize(static_cast<std::size_t>(queries.rows * k));
    loop(ceil_div(queries.rows, query_block), [&](index_t block) {
      const index_t first = block * query_block;
      search_block(queries, first, std::min(query_block, queries.rows - first), skip_own_row, out);
    });
    return out;
  }

 private:
  static constexpr index_t query_block = 64;
  static constexpr index_t row_block = 256;

  void search_block(const feature_view& queries, index_t first, index_t count, bool skip_own_row,
                    neighbour_table& out) const {
    std::vector<float> unit(static_cast<std::size_t>(count * columns_));
    std::vector<float> similarity(static_cast<std::size_t>(count * row_block));
    std::vector<detail::best_k> best;
    best.reserve(static_cast<std::size_t>(count));
    for (index_t q = 0; q < count; ++q) {
      detail::normalise_row(queries.row(first + q), columns_, unit.data() + q * columns_);
      best.emplace_back(out.index.data() + (first + q) * out.k, out.similarity.data() + (first + q) * out.k, out.k);
    }
    for (index_t from = 0; from < rows_; from += row_block) {
      const index_t wide = std::min(row_block, rows_ - from);
      std::fill(similarity.begin(), similarity.end(), 0.0f);
      detail::multiply_panels(unit.data(), columns_, index_t{1}, count, panels_.data() + from * columns_, columns_,
                              wide, similarity.data(), row_block);
      for (index_t q = 0; q < count; ++q) {
        detail::best_k& mine = best[static_cast<std::size_t>(q)];
        const float* s = similarity.data() + q * row_block;
        for (index_t j = 0; j < wide; ++j)
          if (!skip_own_row || from + j != first + q) mine.offer(from + j, s[j]);
      }
    }
  }

  index_t rows_;
  index_t columns_;
  std::vector<float> panels_;
};

enum class knn_vote {
  weighted,  // exp(similarity / temperature), as InstDisc and solo-learn
  majority,  // one each
};

struct knn_options {
  index_t k = 20;
  knn_vote vote = knn_vote::weighted;
  double temperature = 0.07;
  int classes = 0;  // 0: one more than the largest label
};

struct knn_result {
  double accuracy = 0;
  std::vector<int> predictions;
};

namespace detail {

/// Votes are summed nearest first; of classes with equal votes the one that holds the nearer neighbour wins.
inline int vote(const index_t* index, const float* similarity, const feature_view& train, const knn_options& options,
                std::vector<double>& votes) {
  std::fill(votes.begin(), votes.end(), 0.0);
  for (index_t i = 0; i < options.k; ++i) {
    // Relative to the nearest: the same shares, and no overflow for a small temperature.
    const double weight =
        options.vote == knn_vote::majority
            ? 1.0
            : std::exp((static_cast<double>(similarity[i]) - static_cast<double>(similarity[0])) / options.temperature);
    votes[static_cast<std::size_t>(train.label(index[i]))] += weight;
  }
  int winner = train.label(index[0]);
  for (index_t i = 1; i < options.k; ++i) {
    const int c = train.label(index[i]);
    if (votes[static_cast<std::size_t>(c)] > votes[static_cast<std::size_t>(winner)]) winner = c;
  }
  return winner;
}

}  // namespace detail

/// Exact k-nearest-neighbour classification by cosine similarity.
///   vote(c) = sum over the k nearest with label c of exp(similarity / temperature), or of 1
/// laws    unchanged by a rotation of the features, by scaling a row, by the order of rows but for exact ties
/// errors  pretext[eval.001] to [eval.005] features and labels; [eval.008] widths; [eval.009] k; [eval.011] temperature
/// cost    N M D products, N D + M k values
/// repeat  same bits for any loop
/// source  Wu et al. 2018, arXiv:1805.01978, section 3.4
inline knn_result knn(const feature_view& train, const feature_view& test, const knn_options& options = {},
                      parallel_loop loop = {}) {
  const int classes = detail::class_count(train, test, options.classes);
  detail::check_features(train, "training features");
  detail::check_features(test, "test features");
  detail::check_same_columns(train, test);
  detail::check_labels(train, classes, "training labels");
  detail::check_labels(test, classes, "test labels");
  if (!(options.temperature > 0))
    throw_error("eval.011", {"k-NN temperature is ", options.temperature, "; choose one above 0, such as 0.07 or 0.1"});
  const neighbour_table near = cosine_index(train).nearest(test, options.k, false, loop);
  knn_result out;
  std::vector<double> votes(static_cast<std::size_t>(classes));
  out.predictions.reserve(static_cast<std::size_t>(test.rows));
  for (index_t i = 0; i < test.rows; ++i)
    out.predictions.push_back(
        detail::vote(near.index.data() + i * near.k, near.similarity.data() + i * near.k, train, options, votes));
  out.accuracy = accuracy(view_of(out.predictions), test.labels);
  return out;
}

}  // namespace pretext::eval
