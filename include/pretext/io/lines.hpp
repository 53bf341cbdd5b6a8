// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for programs that read text
#pragma once

#include <cstddef>
#include <string_view>

namespace pretext::io {

/// Calls line(text without its end, number from 1) for every line. Ends are \n or \r\n; a last line without one counts, an empty rest
/// does not.
template <class Line>
void for_each_line(std::string_view text, Line&& line) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view one = text.substr(0, end);
    if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
    line(one, ++number);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

}  // namespace pretext::io
