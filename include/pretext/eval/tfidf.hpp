// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for labelled tasks on text
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"
#include "feature_matrix.hpp"

/// What an encoder of text has to beat: word counts and a linear classifier.
///   eval::word_list words;  for each training text: documents.push_back(words.add(text));
///   const auto weights = eval::tfidf(documents, words.size());
///   eval::fit_logistic_regression(eval::dense_rows(weights(documents), labels), {.l2 = ..., .standardise = false});
namespace pretext::eval {

/// Rows of which most values are zero: row i has the columns and values from begin[i] to begin[i + 1], columns ascending.
struct sparse_rows {
  index_t columns = 0;
  std::vector<std::size_t> begin{0};
  std::vector<std::int32_t> column;
  std::vector<float> value;

  index_t rows() const { return static_cast<index_t>(begin.size()) - 1; }
};

/// The same with its zeros, for the classifiers here.
/// errors  pretext[eval.004] labels, and not one a row
PRETEXT_COLD inline feature_matrix dense_rows(const sparse_rows& x, std::span<const int> labels = {}) {
  if (!labels.empty() && static_cast<index_t>(labels.size()) != x.rows())
    throw_error("eval.004", {"dense_rows: ", labels.size(), " labels for ", x.rows(), " rows; pass one label a row"});
  feature_matrix out{std::vector<float>(static_cast<std::size_t>(x.rows() * x.columns)), x.rows(), x.columns, std::vector<int>(labels.begin(), labels.end())};
  for (index_t i = 0; i < x.rows(); ++i)
    for (std::size_t k = x.begin[static_cast<std::size_t>(i)]; k < x.begin[static_cast<std::size_t>(i) + 1]; ++k)
      out.values[static_cast<std::size_t>(i * x.columns + x.column[k])] = x.value[k];
  return out;
}

/// Numbers for words: runs of letters and digits in lower case (ASCII; bytes of other letters are kept as they are).
class word_list {
 public:
  explicit word_list(std::size_t shortest = 1) : shortest_(shortest) {}
  index_t size() const { return static_cast<index_t>(numbers_.size()); }
  /// The words of a text, new ones numbered.
  std::vector<std::int32_t> add(std::string_view text) { return read(text, true); }
  /// The words of a text; those never added are left out.
  std::vector<std::int32_t> find(std::string_view text) const { return const_cast<word_list*>(this)->read(text, false); }
  /// -1: not there.
  std::int32_t number(const std::string& word) const {
    const auto found = numbers_.find(word);
    return found == numbers_.end() ? -1 : found->second;
  }

 private:
  PRETEXT_COLD std::vector<std::int32_t> read(std::string_view text, bool grow) {
    std::vector<std::int32_t> out;
    std::string word;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const auto c = i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(' ');
      if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_')
        word += static_cast<char>(c);
      else if (c >= 'A' && c <= 'Z')
        word += static_cast<char>(c + 32);
      else {
        if (!word.empty() && word.size() >= shortest_) {
          if (grow) numbers_.try_emplace(word, static_cast<std::int32_t>(numbers_.size()));
          if (const std::int32_t n = number(word); n >= 0) out.push_back(n);
        }
        word.clear();
      }
    }
    return out;
  }
  std::unordered_map<std::string, std::int32_t> numbers_;
  std::size_t shortest_;
};

struct tfidf_options {
  bool sublinear = false;  // 1 + log(count) for the count
  bool normalise = true;   // rows of length 1
};

/// How much a word says about a document: its count there, less the more documents have it.
///   value(d, w) = count(d, w) (log((1 + n) / (1 + n_w)) + 1), then rows of length 1
/// laws    a word of all documents counts 1; the order of words and documents does not matter
/// source  Sparck Jones 1972; the numbers are those of scikit-learn's TfidfVectorizer
class tfidf {
 public:
  /// Learns how many of the documents have each word.
  /// errors  pretext[eval.024] no document, or a word outside 0 to words - 1
  PRETEXT_COLD tfidf(std::span<const std::vector<std::int32_t>> documents, index_t words, tfidf_options options = {}) : options_(options) {
    if (documents.empty()) throw_error("eval.024", "tfidf: no document to learn from; pass the training texts");
    std::vector<std::int64_t> of(static_cast<std::size_t>(words));
    std::vector<std::size_t> last(of.size());
    for (std::size_t d = 0; d < documents.size(); ++d)
      for (const std::int32_t w : documents[d]) {
        if (w < 0 || w >= words)
          throw_error("eval.024", {"tfidf: document ", d, " has word ", w, ", outside 0 to ", words - 1, "; number the words from 0"});
        const auto at = static_cast<std::size_t>(w);
        if (last[at] != d + 1) ++of[at];
        last[at] = d + 1;
      }
    const double n = static_cast<double>(documents.size());
    for (const std::int64_t with : of) weight_.push_back(std::log((1 + n) / (1 + static_cast<double>(with))) + 1);
  }
  index_t words() const { return static_cast<index_t>(weight_.size()); }
  double weight(std::int32_t word) const { return weight_[static_cast<std::size_t>(word)]; }

  /// One row a document; words outside are left out.
  PRETEXT_COLD sparse_rows operator()(std::span<const std::vector<std::int32_t>> documents) const {
    sparse_rows out;
    out.columns = words();
    for (std::vector<std::int32_t> d : documents) {
      sort_values(d);
      const std::size_t first = out.value.size();
      double squares = 0;
      for (std::size_t i = 0; i < d.size();) {
        std::size_t end = i;
        while (end < d.size() && d[end] == d[i]) ++end;
        if (d[i] >= 0 && d[i] < out.columns) {
          const double count = static_cast<double>(end - i), value = (options_.sublinear ? 1 + std::log(count) : count) * weight(d[i]);
          squares += value * value;
          out.column.push_back(d[i]);
          out.value.push_back(static_cast<float>(value));
        }
        i = end;
      }
      if (options_.normalise && squares > 0)
        for (std::size_t k = first; k < out.value.size(); ++k) out.value[k] = static_cast<float>(static_cast<double>(out.value[k]) / std::sqrt(squares));
      out.begin.push_back(out.value.size());
    }
    return out;
  }

 private:
  tfidf_options options_;
  std::vector<double> weight_;
};

}  // namespace pretext::eval
