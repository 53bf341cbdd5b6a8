// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../core/text.hpp"
#include "detail/text.hpp"
#include "document.hpp"

namespace pretext::report {

/// A table as text for a terminal. Columns of numbers are aligned to the right, except the first, which names the rows.
///   labels per class   from scratch   fine-tuned
///   ────────────────   ────────────   ──────────
///   1                          15.2         22.1
/// The same report::table can go into an HTML report. `unicode` false draws the rule with '-'.
/// laws    every line ends with a newline and has no space before it
PRETEXT_COLD inline std::string console_table(const table& t, bool unicode = true) {
  std::size_t columns = t.columns.size();
  for (const auto& row : t.rows) columns = std::max(columns, row.size());
  const auto cell = [](const std::vector<std::string>& row, std::size_t c) { return c < row.size() ? detail::one_line(row[c]) : std::string(); };
  const auto width_of = [](const std::string& text) { return static_cast<std::size_t>(detail::display_width(text)); };

  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> right(columns, false);
  for (std::size_t c = 0; c < columns; ++c) {
    widths[c] = width_of(cell(t.columns, c));
    bool numbers = false, words = false;
    for (const auto& row : t.rows) {
      const std::string text = cell(row, c);
      widths[c] = std::max(widths[c], width_of(text));
      if (detail::looks_numeric(text)) numbers = true;
      else if (!text.empty() && text != "-") words = true;
    }
    right[c] = c > 0 && numbers && !words;
  }

  std::string out;
  if (!t.title.empty()) append(out, {detail::one_line(t.title), "\n"});
  const auto end_line = [&] {
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  const auto add_row = [&](const std::vector<std::string>& row) {
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string text = cell(row, c);
      const std::string space(widths[c] - width_of(text), ' ');
      append(out, {(c > 0 ? "   " : ""), (right[c] ? space + text : text + space)});
    }
    end_line();
  };
  if (!t.columns.empty()) {
    add_row(t.columns);
    for (std::size_t c = 0; c < columns; ++c) {
      out += c > 0 ? "   " : "";
      for (std::size_t i = 0; i < widths[c]; ++i) out += unicode ? "─" : "-";
    }
    end_line();
  }
  for (const auto& row : t.rows) add_row(row);
  return out;
}

}  // namespace pretext::report
