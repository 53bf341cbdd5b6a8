// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for labelled tasks on text
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"

/// Extractive question answering: the best span from scores, and SQuAD's two measures of an answer's text.
namespace pretext::eval {

namespace detail {

enum class sign : std::uint8_t { letter, space, mark };  // mark: removed by itself only where it is ASCII, and ends a word

/// The code point at `at`, which moves behind it; a byte that begins none is taken alone.
PRETEXT_COLD inline std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = byte(at++);
  const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  if (more == 0 || at + more > text.size()) return first;
  std::uint32_t point = first & (0x3Fu >> more);
  for (std::size_t i = 0; i < more; ++i) point = (point << 6) | (byte(at + i) & 0x3Fu);
  at += more;
  return point;
}

/// Python's view of a character for this purpose: str.split's spaces, \w's letters, and the rest.
inline sign sign_of(std::uint32_t c) {
  if (c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
      c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000)
    return sign::space;
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ? sign::letter : sign::mark;
  if (c < 0xC0) {  // of Latin-1's signs: the two ordinals, micro, raised digits and fractions
    const bool in_word = c == 0xAA || c == 0xB5 || c == 0xBA || c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
    return in_word ? sign::letter : sign::mark;
  }
  if (c == 0xD7 || c == 0xF7) return sign::mark;
  // General punctuation, currency, arrows and mathematics, CJK punctuation; between them raised and lowered digits, and letters that stand for units.
  if ((c >= 0x2010 && c <= 0x206F) || (c >= 0x20A0 && c <= 0x20CF) || (c >= 0x2190 && c <= 0x245F) || (c >= 0x2500 && c <= 0x2775) ||
      (c >= 0x3001 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020))
    return sign::mark;
  return sign::letter;
}

}  // namespace detail

/// The words of an answer as SQuAD compares them: lower case, without ASCII punctuation, without the articles a, an, the.
/// Letters outside ASCII and Latin-1 keep their case, unlike in Python.
/// source  Rajpurkar et al. 2016, evaluate-v1.1.py, normalize_answer
PRETEXT_COLD inline std::vector<std::string> answer_words(std::string_view text) {
  std::string plain;  // without ASCII punctuation, lower case
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::uint32_t c = detail::next_code_point(text, at);
    if (c > ' ' && c < 0x7F && (detail::sign_of(c) == detail::sign::mark || c == '_')) continue;
    if (c >= 'A' && c <= 'Z')
      plain += static_cast<char>(c + 32);
    else if (c >= 0xC0 && c <= 0xDE && c != 0xD7 && at == begin + 2)  // Latin-1's capitals: U+00C0 is C3 80, its small letter C3 A0
      (plain += text[begin]) += static_cast<char>(static_cast<unsigned char>(text[begin + 1]) + 32);
    else
      plain.append(text.substr(begin, at - begin));
  }
  std::vector<std::string> words;
  std::string word, part;  // a part: letters between marks that are not ASCII, where an article may hide
  const auto close_part = [&] {
    if (part == "a" || part == "an" || part == "the") part = " ";  // as the script does: an article leaves a space
    word += part;
    part.clear();
  };
  const auto close_word = [&] {
    close_part();
    for (std::size_t begin = 0; begin < word.size();) {
      const std::size_t end = std::min(word.find(' ', begin), word.size());
      if (end > begin) words.push_back(word.substr(begin, end - begin));
      begin = end + 1;
    }
    word.clear();
  };
  for (std::size_t at = 0; at < plain.size();) {
    const std::size_t begin = at;
    const detail::sign s = detail::sign_of(detail::next_code_point(plain, at));
    if (s == detail::sign::space) {
      close_word();
    } else if (s == detail::sign::mark) {
      close_part();
      word.append(plain, begin, at - begin);
    } else {
      part.append(plain, begin, at - begin);
    }
  }
  close_word();
  return words;
}

/// The two measures of one answer, or their means over questions; both in [0, 1].
struct answer_score {
  double exact = 0;
  double f1 = 0;
};

/// An answer against one that is right: equal words, and the F1 of words counted with repetitions. Two answers without a word
/// are equal (SQuAD 2.0; the script of 1.1 gives their F1 as 0).
PRETEXT_COLD inline answer_score score_answer(std::string_view answer, std::string_view right) {
  std::vector<std::string> a = answer_words(answer), b = answer_words(right);
  answer_score out;
  out.exact = a == b ? 1.0 : 0.0;
  if (a.empty() || b.empty()) return {out.exact, out.exact};
  sort_values(a);
  sort_values(b);
  std::size_t same = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++same, ++i, ++j;
    else if (a[i] < b[j]) ++i;
    else ++j;
  }
  out.f1 = 2.0 * static_cast<double>(same) / static_cast<double>(a.size() + b.size());
  return out;
}

/// Against the best of several right answers, for each measure on its own.
/// errors  pretext[eval.022] no right answer
PRETEXT_COLD inline answer_score score_answer(std::string_view answer, std::span<const std::string> right) {
  if (right.empty()) throw_error("eval.022", "a question has no right answer to compare with; leave it out, or give an empty one");
  answer_score best;
  for (const std::string& r : right) {
    const answer_score s = score_answer(answer, std::string_view(r));
    best.exact = std::max(best.exact, s.exact);
    best.f1 = std::max(best.f1, s.f1);
  }
  return best;
}

/// Tokens first to last, both inside, and the sum of their scores; first -1 where no span is allowed.
struct answer_span {
  index_t first = -1, last = -1;
  float score = 0;
};

/// The span with the largest start[first] + end[last], first <= last < first + longest, within tokens [begin, end) of the
/// context, so that it neither runs backwards nor into the question. Equal sums: the earlier first, then the earlier last.
/// shapes  start, end_scores: one score a token
/// errors  pretext[eval.023] not one start and end score a token, a context outside them, or longest below 1
/// cost    O(length): the best start among the last `longest` is kept in a window
PRETEXT_COLD inline answer_span best_span(std::span<const float> start, std::span<const float> end_scores, index_t begin, index_t end, index_t longest) {
  if (start.size() != end_scores.size() || begin < 0 || end > static_cast<index_t>(start.size()) || longest < 1)
    throw_error("eval.023", {"best_span: ", start.size(), " start and ", end_scores.size(), " end scores, context ", begin, " to ", end,
        ", at most ", longest, " tokens; give one score of each kind a token, and a context within them"});
  answer_span best;
  std::vector<index_t> window;  // starts that may still win, best first
  std::size_t front = 0;
  const auto at = [](std::span<const float> v, index_t i) { return v[static_cast<std::size_t>(i)]; };
  for (index_t last = begin; last < end; ++last) {
    while (window.size() > front && at(start, window.back()) < at(start, last)) window.pop_back();
    window.push_back(last);
    if (window[front] + longest <= last) ++front;
    const index_t first = window[front];
    const float score = at(start, first) + at(end_scores, last);
    if (best.first < 0 || score > best.score || (score == best.score && first < best.first)) best = {first, last, score};
  }
  return best;
}

}  // namespace pretext::eval
