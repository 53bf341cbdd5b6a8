// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../core/text.hpp"
#include "detail/number.hpp"
#include "detail/text.hpp"
#include "document.hpp"
#include "svg_axis.hpp"

// Plots as inline SVG. Colours are the CSS classes c0..c7 of html_style.hpp, so that light and dark pages differ in
// their style sheet only. Titles (`<title>`) are what a browser shows under the pointer.
namespace pretext::report {

namespace detail {

inline constexpr int palette_size = 8;

PRETEXT_COLD inline void append_coordinate(std::string& out, double value) {
  const std::string text = fixed(value, 1);
  out.append(text, 0, text.size() > 2 && text.ends_with(".0") ? text.size() - 2 : text.size());
}
/// A coordinate with one decimal: a tenth of a pixel is all anybody sees.
inline piece coordinate(double value) { return {append_coordinate, value}; }

PRETEXT_COLD inline std::string colour_class(int colour) {
  return joined({"c", ((colour % palette_size) + palette_size) % palette_size});
}

/// The indices of a curve to draw: of long ones, in each of `buckets` parts, the lowest, the highest and a gap's place.
/// A plain every-n-th would lose the spikes a person looks for.
PRETEXT_COLD inline std::vector<std::size_t> thinned(const std::vector<double>& y, std::size_t count, std::size_t buckets) {
  std::vector<std::size_t> kept;
  if (count <= 2 * buckets) {
    for (std::size_t i = 0; i < count; ++i) kept.push_back(i);
    return kept;
  }
  for (std::size_t b = 0; b < buckets; ++b) {
    const std::size_t begin = b * count / buckets, end = (b + 1) * count / buckets;
    std::size_t low = end, high = end, gap = end;
    for (std::size_t i = begin; i < end; ++i) {
      if (!std::isfinite(y[i])) {
        gap = i;
        continue;
      }
      if (low == end || y[i] < y[low]) low = i;
      if (high == end || y[i] > y[high]) high = i;
    }
    std::size_t marks[3] = {low, high, gap};
    if (marks[1] < marks[0]) std::swap(marks[0], marks[1]);
    if (marks[2] < marks[1]) std::swap(marks[1], marks[2]);
    if (marks[1] < marks[0]) std::swap(marks[0], marks[1]);
    for (int i = 0; i < 3; ++i)
      if (marks[i] != end && (i == 0 || marks[i] != marks[i - 1])) kept.push_back(marks[i]);
  }
  return kept;
}

struct value_range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool empty() const { return !(low <= high); }
  void add(double value) { low = std::min(low, value), high = std::max(high, value); }
};

PRETEXT_COLD inline std::string svg_text(double x, double y, const char* cls, const std::string& text) {
  return joined({"<text x=\"", coordinate(x), "\" y=\"", coordinate(y), "\" class=\"", cls, "\">", escape_markup(text), "</text>"});
}

PRETEXT_COLD inline std::string svg_open(double width, double height, const std::string& title) {
  const std::string name = escape_markup(title.empty() ? "plot" : title);
  return joined({"<svg viewBox=\"0 0 ", coordinate(width), " ", coordinate(height), "\" role=\"img\" aria-label=\"", name, "\">"});
}

PRETEXT_COLD inline std::string svg_nothing(double width, double height) {
  return joined({svg_text(width / 2, height / 2, "mid quiet", "no data yet"), "</svg>"});
}

/// One curve: its line with gaps, marks for few or lonely points, and places to hover over.
PRETEXT_COLD inline std::string svg_curve(const curve& c, int colour, const svg_axis& across, const svg_axis& up, bool percent,
                                          const std::string& x_label) {
  const std::size_t count = std::min(c.x.size(), c.y.size());
  const auto holds = [&](std::size_t i) { return across.holds(c.x[i]) && up.holds(c.y[i]); };
  std::string path;
  std::vector<std::size_t> shown;
  const auto kept = thinned(c.y, count, 1000);
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const std::size_t i = kept[k];
    if (!holds(i)) continue;
    const bool joined = k > 0 && holds(kept[k - 1]);
    const bool goes_on = k + 1 < kept.size() && holds(kept[k + 1]);
    append(path, {(joined ? "L" : "M"), coordinate(across.pixel(c.x[i])), " ", coordinate(up.pixel(c.y[i]))});
    if (!joined && !goes_on) path += "h0";  // a lonely point: round caps make it a dot
    shown.push_back(i);
  }
  if (shown.empty()) return {};
  std::string out = joined({"<g class=\"", colour_class(colour), (c.faint ? " faint" : ""), "\"><path class=\"line\" d=\"", path, "\"/>"});
  if (!c.faint) {
    const bool few = shown.size() <= 40;
    const std::size_t marks = std::min<std::size_t>(shown.size(), 100);
    for (std::size_t m = 0; m < marks; ++m) {
      const std::size_t i = shown[marks > 1 ? m * (shown.size() - 1) / (marks - 1) : 0];
      const std::string value = percent ? fixed(100 * c.y[i], 2) : significant(c.y[i], 5);
      append(out, {"<circle cx=\"", coordinate(across.pixel(c.x[i])), "\" cy=\"", coordinate(up.pixel(c.y[i])), "\" r=\"",
          (few ? "3.5" : "5"), "\"", (few ? "" : " class=\"h\""), "><title>", escape_markup(c.name), ": ", value, (percent ? "% (" : " ("),
          escape_markup(x_label), (x_label.empty() ? "" : " "), significant(c.x[i], 7), ")</title></circle>"});
    }
  }
  return joined({out, "</g>"});
}

PRETEXT_COLD inline std::string svg_ticks(const svg_axis& across, const svg_axis& up) {
  std::string out = "<g class=\"axis\">";
  for (const double t : up.ticks) {
    const piece y = coordinate(up.pixel(t));
    append(out, {"<path d=\"M", coordinate(across.from), " ", y, "H", coordinate(across.to), "\"/>"});
    out += svg_text(across.from - 8, up.pixel(t) + 4, "end", up.label(t));
  }
  for (const double t : across.ticks) {
    const piece x = coordinate(across.pixel(t));
    append(out, {"<path d=\"M", x, " ", coordinate(up.from), "v5\"/>"});
    out += svg_text(across.pixel(t), up.from + 20, "mid", across.label(t));
  }
  return joined({out, "<path class=\"base\" d=\"M", coordinate(across.from), " ", coordinate(up.from), "H", coordinate(across.to),
      "\"/></g>"});
}

}  // namespace detail

/// The colours a plot's curves get, in order: their own, or the next of the palette.
PRETEXT_COLD inline std::vector<int> curve_colours(const plot& p) {
  std::vector<int> colours(p.curves.size());
  int next = 0;
  for (std::size_t i = 0; i < colours.size(); ++i) colours[i] = p.curves[i].colour >= 0 ? p.curves[i].colour : next++;
  return colours;
}

/// A line plot; its legend stands outside (html_parts.hpp), where it can wrap.
/// cost    at most 3000 points and 100 hover places a curve, however long it is
PRETEXT_COLD inline std::string svg_plot(const plot& p) {
  const double width = 560, height = 300;
  std::string out = detail::svg_open(width, height, p.title);
  detail::value_range xs, ys;
  for (const curve& c : p.curves)
    for (std::size_t i = 0; i < std::min(c.x.size(), c.y.size()); ++i)
      if (std::isfinite(c.x[i]) && std::isfinite(c.y[i]) && (!p.log_x || c.x[i] > 0) && (!p.log_y || c.y[i] > 0)) xs.add(c.x[i]), ys.add(c.y[i]);
  if (xs.empty()) return out + detail::svg_nothing(width, height);
  for (const reference_line& line : p.lines)
    if (std::isfinite(line.y) && (!p.log_y || line.y > 0)) ys.add(line.y);
  if (p.from_zero && !p.log_y) ys.add(0);

  svg_axis up = make_axis(ys.low, ys.high, p.log_y, true, 5);
  svg_axis across = make_axis(xs.low, xs.high, p.log_x, false, 6);
  up.percent = p.percent;
  std::size_t longest = 0;
  for (const double t : up.ticks) longest = std::max(longest, up.label(t).size());
  up.from = height - 46, up.to = 14;
  across.from = 14 + 8.2 * static_cast<double>(std::max<std::size_t>(longest, 3)) + (p.y_label.empty() ? 0 : 16), across.to = width - 16;

  out += detail::svg_ticks(across, up);
  if (!p.x_label.empty()) out += detail::svg_text((across.from + across.to) / 2, height - 4, "mid name", p.x_label);
  if (!p.y_label.empty())
    append(out, {"<text transform=\"translate(14 ", detail::coordinate((up.from + up.to) / 2), ") rotate(-90)\" class=\"mid name\">",
        detail::escape_markup(p.y_label), "</text>"});
  const auto colours = curve_colours(p);
  for (const bool faint : {true, false})  // what is in the background first
    for (std::size_t i = 0; i < p.curves.size(); ++i)
      if (p.curves[i].faint == faint) out += detail::svg_curve(p.curves[i], colours[i], across, up, p.percent, p.x_label);
  for (const reference_line& line : p.lines) {
    if (!up.holds(line.y)) continue;
    const piece y = detail::coordinate(up.pixel(line.y));
    append(out, {"<path class=\"reference\" d=\"M", detail::coordinate(across.from), " ", y, "H", detail::coordinate(across.to), "\"/>"});
    out += detail::svg_text(across.to, up.pixel(line.y) - 5, "end halo", line.name);
  }
  return joined({out, "</svg>"});
}

}  // namespace pretext::report
