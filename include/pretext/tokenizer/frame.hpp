// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pretext::tokenizer {

/// What stands around and between texts: special tokens, and the places of the first and the second text.
struct frame_part {
  static constexpr std::int32_t first_text = -1, second_text = -2;
  std::int32_t id;   // of a special token, or one of the two
  std::uint8_t type;  // 0 or 1: the segment of BERT
};
struct frame {
  std::vector<frame_part> single, pair;

  std::size_t added(bool is_pair) const { return (is_pair ? pair : single).size() - (is_pair ? 2 : 1); }
};

/// The texts alone, as GPT-2 has it.
inline frame bare_frame() {
  constexpr std::int32_t a = frame_part::first_text, b = frame_part::second_text;
  return {{{a, 0}}, {{a, 0}, {b, 1}}};
}
/// [CLS] A [SEP] B [SEP], as BERT has it.
inline frame bert_frame(std::int32_t first, std::int32_t separator) {
  constexpr std::int32_t a = frame_part::first_text, b = frame_part::second_text;
  return {{{first, 0}, {a, 0}, {separator, 0}}, {{first, 0}, {a, 0}, {separator, 0}, {b, 1}, {separator, 1}}};
}

}  // namespace pretext::tokenizer
