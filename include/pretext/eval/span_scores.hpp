// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for labelled tasks on text
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "class_scores.hpp"

namespace pretext::eval {

/// What a tag says: outside (type -1), or the beginning or inside of a span of a type.
struct span_tag {
  int type = -1;
  bool begins = false;
};

/// The meaning of tags by their number, and the names of the types.
struct tag_set {
  std::vector<span_tag> tags;
  std::vector<std::string> types;
};

/// Reads "O", "B-PER", "I-PER", ...
/// errors  pretext[eval.021] a name that is none of these
PRETEXT_COLD inline tag_set read_tags(std::span<const std::string> names) {
  tag_set out;
  for (const std::string& name : names) {
    span_tag tag;
    if (name != "O") {
      if (name.size() < 3 || (name[0] != 'B' && name[0] != 'I') || name[1] != '-')
        throw_error("eval.021", {"the tag \"", name, "\" is none of O, B-TYPE, I-TYPE; convert the data to IOB2"});
      const std::string type = name.substr(2);
      const auto found = std::find(out.types.begin(), out.types.end(), type);
      tag = {static_cast<int>(found - out.types.begin()), name[0] == 'B'};
      if (found == out.types.end()) out.types.push_back(type);
    }
    out.tags.push_back(tag);
  }
  return out;
}

/// Tokens [begin, end) that belong together.
struct token_span {
  int type = 0;
  index_t begin = 0, end = 0;
  friend auto operator<=>(const token_span&, const token_span&) = default;
};

/// Where a span begins that no B begins.
enum class span_rule {
  strict,    // nowhere: such an I is outside (seqeval, mode "strict", scheme IOB2)
  conlleval  // at an I behind another type or the outside (conlleval.pl; seqeval's default)
};

/// The spans of one sentence, in their order.
/// errors  pretext[eval.005] a tag outside the set
PRETEXT_COLD inline std::vector<token_span> find_spans(std::span<const int> tags, const tag_set& set, span_rule rule = span_rule::strict) {
  std::vector<token_span> out;
  int open = -1;  // the type of the span that the token before belongs to
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (tags[i] < 0 || static_cast<std::size_t>(tags[i]) >= set.tags.size())
      throw_error("eval.005", {"find_spans: token ", i, " has tag ", tags[i], ", outside the ", set.tags.size(), " tags; number the tags from 0"});
    const span_tag tag = set.tags[static_cast<std::size_t>(tags[i])];
    const index_t at = static_cast<index_t>(i);
    if (tag.type >= 0 && !tag.begins && tag.type == open) {
      ++out.back().end;
    } else if (tag.type >= 0 && (tag.begins || rule == span_rule::conlleval)) {
      out.push_back({tag.type, at, at + 1});
      open = tag.type;
    } else {
      open = -1;
    }
  }
  return out;
}

/// How many spans were found with their exact ends and type: one row a type.
struct span_scores {
  std::vector<retrieval> types;

  retrieval total() const {
    retrieval sum;
    for (const retrieval& r : types) sum += r;
    return sum;
  }
  double micro_f1() const { return total().f1(); }
  /// Over the types that occur as a label or a prediction.
  double macro_f1() const {
    double sum = 0;
    int seen = 0;
    for (const retrieval& r : types) {
      if (r.predicted + r.labelled == 0) continue;
      sum += r.f1();
      ++seen;
    }
    return seen == 0 ? 0.0 : sum / seen;
  }
};

/// Adds the sentences of a test set up: for each, `add(predicted tags, true tags)`.
class span_counter {
 public:
  explicit span_counter(tag_set set, span_rule rule = span_rule::strict) : set_(std::move(set)), rule_(rule) {
    scores_.types.resize(set_.types.size());
  }
  /// errors  pretext[eval.010] not one prediction a tag; pretext[eval.005] a tag outside the set
  PRETEXT_COLD void add(std::span<const int> predicted, std::span<const int> labels) {
    if (predicted.size() != labels.size())
      throw_error("eval.010", {predicted.size(), " predicted tags for ", labels.size(), " labels; pass one prediction a label"});
    const auto found = find_spans(predicted, set_, rule_), wanted = find_spans(labels, set_, rule_);
    for (const token_span& s : found) ++row(s).predicted;
    for (const token_span& s : wanted) ++row(s).labelled;
    // Both are in the order of their beginnings, and no two of one side overlap.
    for (std::size_t i = 0, j = 0; i < found.size() && j < wanted.size();) {
      if (found[i] == wanted[j]) ++row(found[i]).hits;
      if (found[i].begin <= wanted[j].begin)
        ++i;
      else
        ++j;
    }
  }
  const span_scores& scores() const { return scores_; }

 private:
  retrieval& row(const token_span& s) { return scores_.types[static_cast<std::size_t>(s.type)]; }
  tag_set set_;
  span_rule rule_;
  span_scores scores_;
};

}  // namespace pretext::eval
