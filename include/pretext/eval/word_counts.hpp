// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"

/// What a language model has to beat: counts of words and of neighbours.
namespace pretext::eval {

/// How well one way to guess does on hidden words.
struct guess_score {
  index_t words = 0;
  double accuracy = 0;    // the most likely word is the right one
  double top5 = 0;        // it is among the five most likely
  double perplexity = 0;  // exp of the mean of -log P(right word)
};

/// Guesses from counts: the word alone, after its left neighbour, before its right one, and between both.
struct neighbour_scores {
  guess_score unigram, left, right, both;
};

/// Counts of words and of pairs of neighbours in sequences of word numbers.
///   P(w) = (n(w) + 1) / (N + V)
///   P(w | l) = (n(l w) + T(l) P(w)) / (n(l .) + T(l)), T(l) = how many different words follow l (Witten and Bell 1991)
///   P(w | l, r) ~ P(w | l) P(w | r) / P(w), which takes the neighbours for independent given the word
/// The first and last word of a sequence have one neighbour only: the missing one says nothing, and P(w | .) = P(w).
/// cost    memory linear in the words; a hidden word costs V
class word_counts {
 public:
  /// errors  pretext[eval.025] no word, or one outside 0 to vocabulary - 1
  PRETEXT_COLD word_counts(std::span<const std::vector<std::int32_t>> sequences, index_t vocabulary) : count_(static_cast<std::size_t>(vocabulary)) {
    index_t words = 0;
    for (const auto& s : sequences)
      for (const std::int32_t w : s) {
        check(w);
        ++count_[static_cast<std::size_t>(w)];
        ++words;
      }
    if (words == 0) throw_error("eval.025", "word_counts: no word to count; pass the training text");
    for (const std::int64_t n : count_)
      alone_.push_back((static_cast<double>(n) + 1) / (static_cast<double>(words) + static_cast<double>(vocabulary)));
    followers_ = pairs(sequences, false);
    leaders_ = pairs(sequences, true);
  }
  index_t vocabulary() const { return static_cast<index_t>(count_.size()); }
  double probability(std::int32_t word) const { return alone_[static_cast<std::size_t>(word)]; }
  /// P(word | the word before it); -1: there is none.
  double after(std::int32_t left, std::int32_t word) const { return next_to(followers_, left, word); }
  /// P(word | the word behind it); -1: there is none.
  double before(std::int32_t right, std::int32_t word) const { return next_to(leaders_, right, word); }

  /// Guesses the words of a sequence at the given places from their true neighbours, and adds up. Call `scores()` at the end.
  class scorer {
   public:
    explicit scorer(const word_counts& counts) : counts_(counts), left_(counts.alone_.size()), right_(left_.size()), both_(left_.size()) {}

    PRETEXT_COLD void add(std::span<const std::int32_t> sequence, std::span<const index_t> places) {
      for (const index_t t : places) {
        if (t < 0 || t >= static_cast<index_t>(sequence.size()))
          throw_error("eval.025", {"word_counts: place ", t, " of a sequence of ", sequence.size(), " words; pass places inside"});
        const auto at = static_cast<std::size_t>(t);
        const std::int32_t word = sequence[at];
        counts_.check(word);
        counts_.fill(counts_.followers_, at > 0 ? sequence[at - 1] : -1, left_);
        counts_.fill(counts_.leaders_, at + 1 < sequence.size() ? sequence[at + 1] : -1, right_);
        double sum = 0;
        for (std::size_t w = 0; w < both_.size(); ++w) sum += both_[w] = left_[w] * right_[w] / counts_.alone_[w];
        for (double& p : both_) p /= sum;
        judge(counts_.alone_, word, scores_.unigram);
        judge(left_, word, scores_.left);
        judge(right_, word, scores_.right);
        judge(both_, word, scores_.both);
      }
    }
    neighbour_scores scores() const {
      neighbour_scores out = scores_;
      for (guess_score* g : {&out.unigram, &out.left, &out.right, &out.both}) {
        const double n = g->words == 0 ? 1 : static_cast<double>(g->words);
        g->accuracy /= n;
        g->top5 /= n;
        g->perplexity = std::exp(g->perplexity / n);
      }
      return out;
    }

   private:
    /// Of equally likely words the lower number comes first.
    static void judge(const std::vector<double>& p, std::int32_t word, guess_score& g) {
      const auto at = static_cast<std::size_t>(word);
      int better = 0;
      for (std::size_t w = 0; w < p.size() && better < 5; ++w) better += p[w] > p[at] || (p[w] == p[at] && w < at);
      ++g.words;
      g.accuracy += better == 0;
      g.top5 += better < 5;
      g.perplexity -= std::log(p[at]);
    }
    const word_counts& counts_;
    std::vector<double> left_, right_, both_;
    neighbour_scores scores_;
  };

 private:
  /// Row w: the words seen next to w and how often.
  struct pair_table {
    std::vector<std::size_t> begin;
    std::vector<std::int32_t> word;
    std::vector<std::int64_t> count;
    std::vector<std::int64_t> total;
  };

  void check(std::int32_t word) const {
    if (word < 0 || word >= vocabulary())
      throw_error("eval.025", {"word_counts: word ", word, ", outside 0 to ", vocabulary() - 1, "; number the words from 0"});
  }

  PRETEXT_COLD pair_table pairs(std::span<const std::vector<std::int32_t>> sequences, bool backwards) const {
    const std::size_t v = count_.size();
    pair_table t;
    std::vector<std::size_t> end(v + 1);
    const auto each = [&](auto&& visit) {
      for (const auto& s : sequences)
        for (std::size_t i = 1; i < s.size(); ++i) visit(static_cast<std::size_t>(backwards ? s[i] : s[i - 1]), backwards ? s[i - 1] : s[i]);
    };
    each([&](std::size_t given, std::int32_t) { ++end[given + 1]; });
    for (std::size_t w = 0; w < v; ++w) end[w + 1] += end[w];
    std::vector<std::int32_t> all(end[v]);
    std::vector<std::size_t> next(end.begin(), end.end() - 1);
    each([&](std::size_t given, std::int32_t other) { all[next[given]++] = other; });
    t.begin.push_back(0);
    std::vector<std::int64_t> seen(v);
    for (std::size_t w = 0; w < v; ++w) {
      for (std::size_t i = end[w]; i < end[w + 1]; ++i)
        if (seen[static_cast<std::size_t>(all[i])]++ == 0) t.word.push_back(all[i]);
      for (std::size_t i = t.begin[w]; i < t.word.size(); ++i) {
        std::int64_t& n = seen[static_cast<std::size_t>(t.word[i])];
        t.count.push_back(n);
        n = 0;
      }
      t.begin.push_back(t.word.size());
      t.total.push_back(static_cast<std::int64_t>(end[w + 1] - end[w]));
    }
    return t;
  }

  double next_to(const pair_table& t, std::int32_t given, std::int32_t word) const {
    const double p = probability(word);
    if (given < 0) return p;
    const auto row = static_cast<std::size_t>(given);
    const auto kinds = static_cast<double>(t.begin[row + 1] - t.begin[row]);
    if (kinds == 0) return p;
    std::int64_t n = 0;
    for (std::size_t i = t.begin[row]; i < t.begin[row + 1]; ++i)
      if (t.word[i] == word) n = t.count[i];
    return (static_cast<double>(n) + kinds * p) / (static_cast<double>(t.total[row]) + kinds);
  }
  void fill(const pair_table& t, std::int32_t given, std::vector<double>& p) const {
    p = alone_;
    if (given < 0) return;
    check(given);
    const auto row = static_cast<std::size_t>(given);
    const auto kinds = static_cast<double>(t.begin[row + 1] - t.begin[row]), sum = static_cast<double>(t.total[row]) + kinds;
    if (kinds == 0) return;
    for (double& x : p) x *= kinds / sum;
    for (std::size_t i = t.begin[row]; i < t.begin[row + 1]; ++i) p[static_cast<std::size_t>(t.word[i])] += static_cast<double>(t.count[i]) / sum;
  }

  std::vector<std::int64_t> count_;
  std::vector<double> alone_;
  pair_table followers_, leaders_;
};

}  // namespace pretext::eval
