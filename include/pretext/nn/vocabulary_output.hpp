// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include "layer.hpp"

namespace pretext::nn {

/// What the scores of words are made with, for objective::mean_vocabulary_loss: a bias for each word, and, where it is not Tied to the
/// table of the embedding, a weight for each. No layer of a chain: scores of all words are never made at once.
/// shapes  bound to features<D>; weight (words, D), bias (words)
/// source  starts as PyTorch's linear: U(-1/sqrt(D), 1/sqrt(D)); with a tied weight the bias starts at 0, as BERT's
template <bool Tied>
struct vocabulary_output {
  setting<index_t> words = default_value(1);
  static constexpr const char* name = Tied ? "tied_output" : "vocabulary_output";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("words", self.words);
  }

  template <class In>
  struct bound : bound_base<vocabulary_output, In> {
    using base = bound_base<vocabulary_output, In>;
    using base::base;
    template <class T>
    struct cache {};

    constexpr index_t words() const { return this->spec.words; }
    constexpr index_t width() const { return this->input[In::rank - 1]; }
    constexpr In output() const { return this->input; }
    template <class V>
    constexpr void parameters(V& v) const {
      if constexpr (!Tied) v.parameter({.name = "weight", .file_shape = {words(), width()}, .what = role::weight, .start = initialiser::uniform(width())});
      v.parameter({.name = "bias", .file_shape = {words()}, .what = role::bias, .start = Tied ? initialiser{} : initialiser::uniform(width())});
    }
    /// (weight, bias), or `table` in the place of the weight.
    template <class Reader, class Table>
    constexpr auto read(Reader own, const Table& table) const {
      struct both {
        Table weight;
        decltype(own.parameter({1})) bias;
      };
      if constexpr (Tied) return both{table, own.parameter({words()})};
      else {
        const Table weight = own.parameter({words(), width()});
        return both{weight, own.parameter({words()})};
      }
    }
  };
};

}  // namespace pretext::nn
