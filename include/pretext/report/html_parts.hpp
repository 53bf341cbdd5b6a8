// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "../core/text.hpp"
#include "detail/number.hpp"
#include "detail/text.hpp"
#include "document.hpp"
#include "svg_plot.hpp"
#include "svg_scatter.hpp"

// The parts of a page, each a card. Every function appends well-formed XML to `out`.
namespace pretext::report::detail {

PRETEXT_COLD inline void append_element(std::string& out, const char* name, std::string_view text) {
  append(out, {"<", name, ">", escape_markup(text), "</", name, ">"});
}
PRETEXT_COLD inline std::string element(const char* name, std::string_view text) {
  return joined({"<", name, ">", escape_markup(text), "</", name, ">"});
}

PRETEXT_COLD inline void open_card(std::string& out, const std::string& title, bool wide = false) {
  out += wide ? "<div class=\"card wide\">" : "<div class=\"card\">";
  if (!title.empty()) out += element("h3", title);
}

inline void append_empty(std::string& out) { out += "<p class=\"empty\">nothing to show</p>"; }

PRETEXT_COLD inline void append_plot(std::string& out, const plot& p) {
  open_card(out, p.title);
  const auto colours = curve_colours(p);
  std::size_t named = 0;
  for (const curve& c : p.curves) named += !c.faint && !c.name.empty();
  if (named > 1) {  // a single curve is named by the title
    out += "<ul class=\"legend\">";
    for (std::size_t i = 0; i < p.curves.size(); ++i)
      if (!p.curves[i].faint && !p.curves[i].name.empty())
        append(out, {"<li class=\"", colour_class(colours[i]), "\"><svg viewBox=\"0 0 16 12\"><path class=\"line\" d=\"M1 6h14\"/></svg>",
            escape_markup(p.curves[i].name), "</li>"});
    out += "</ul>";
  }
  append(out, {svg_plot(p), "</div>\n"});
}

PRETEXT_COLD inline void append_scatter(std::string& out, const scatter& s, bool alone) {
  open_card(out, s.title, alone);
  const auto labels = scatter_labels(s);
  if (labels.size() > 1 && labels.size() <= 64) {
    out += "<ul class=\"legend\">";
    for (const scatter_label& l : labels)
      append(out, {"<li><svg viewBox=\"0 0 16 12\"><path class=\"", scatter_class(l.label), "\" d=\"", scatter_mark(l.label, 8, 6),
          "\"/></svg>", escape_markup(scatter_label_name(s, l.label)), " (", shortest(l.points), ")</li>"});
    out += "</ul>";
  }
  append(out, {"<div class=\"map\">", svg_scatter(s), "</div></div>\n"});
}

PRETEXT_COLD inline void append_pairs(std::string& out, const pairs& p) {
  open_card(out, p.title, true);
  if (p.items.empty()) append_empty(out);
  else out += "<dl>";
  for (const auto& [name, value] : p.items) append(out, {"<div>", element("dt", name), element("dd", value), "</div>"});
  if (!p.items.empty()) out += "</dl>";
  out += "</div>\n";
}

PRETEXT_COLD inline void append_table(std::string& out, const table& t) {
  open_card(out, t.title, true);
  std::size_t columns = t.columns.size();
  for (const auto& row : t.rows) columns = std::max(columns, row.size());
  if (columns == 0) {
    append_empty(out);
    out += "</div>\n";
    return;
  }
  std::vector<bool> numeric(columns, false), text(columns, false);
  for (const auto& row : t.rows)
    for (std::size_t c = 0; c < row.size(); ++c)
      if (looks_numeric(row[c])) numeric[c] = true;
      else if (!row[c].empty() && row[c] != "-") text[c] = true;
  const auto cell = [&](const char* name, std::size_t c, const std::string& value) {
    const bool right = c > 0 && numeric[c] && !text[c];  // the first column names the row
    append(out, {"<", name, (right ? " class=\"n\">" : ">"), escape_markup(value), "</", name, ">"});
  };
  out += "<div class=\"scroll\"><table>";
  if (!t.columns.empty()) {
    out += "<thead><tr>";
    for (std::size_t c = 0; c < columns; ++c) cell("th", c, c < t.columns.size() ? t.columns[c] : std::string());
    out += "</tr></thead>";
  }
  out += "<tbody>";
  for (std::size_t r = 0; r < t.rows.size(); ++r) {
    out += std::find(t.strong.begin(), t.strong.end(), r) != t.strong.end() ? "<tr class=\"strong\">" : "<tr>";
    for (std::size_t c = 0; c < columns; ++c) cell("td", c, c < t.rows[r].size() ? t.rows[r][c] : std::string());
    out += "</tr>";
  }
  out += "</tbody></table></div></div>\n";
}

PRETEXT_COLD inline void append_bars(std::string& out, const bar_chart& chart) {
  open_card(out, chart.title);
  if (chart.bars.empty()) append_empty(out);
  double most = chart.percent ? 1 : 0;
  for (const bar& b : chart.bars)
    if (std::isfinite(b.value)) most = std::max(most, b.value + (std::isfinite(b.spread) ? std::max(b.spread, 0.0) : 0.0));
  if (!(most > 0)) most = 1;
  const auto place = [most](double value) { return joined({coordinate(100 * std::clamp(value / most, 0.0, 1.0)), "%"}); };
  out += "<div class=\"bars\">";
  for (const bar& b : chart.bars) {
    const bool known = std::isfinite(b.value);
    const auto number = [&](double v) { return chart.percent ? fixed(100 * v, 1) : significant(v, 4); };
    const bool spread = known && std::isfinite(b.spread) && b.spread > 0;
    append(out, {element("span", b.name), "<svg><rect class=\"back\" width=\"100%\" height=\"100%\" rx=\"3\"/>"});
    if (known)
      append(out, {"<rect class=\"", (b.baseline ? "baseline" : "full"), "\" width=\"", place(b.value), "\" height=\"100%\" rx=\"3\"/>"});
    if (spread)
      append(out, {"<line class=\"spread\" x1=\"", place(b.value - b.spread), "\" x2=\"", place(b.value + b.spread),
          "\" y1=\"50%\" y2=\"50%\"/>"});
    out += "</svg>";
    out += known ? "<b>" + number(b.value) + (spread ? " ± " + number(b.spread) : "") + (chart.percent ? "%" : "") + "</b>"
                 : std::string("<b class=\"soft\">no value</b>");
  }
  out += "</div></div>\n";
}

}  // namespace pretext::report::detail
