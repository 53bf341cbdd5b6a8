// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "../core/text.hpp"
#include "detail/number.hpp"
#include "detail/text.hpp"
#include "document.hpp"
#include "svg_plot.hpp"

namespace pretext::report {

/// The labels that occur among the drawable points, in order, each with its number of points; -1 for none.
struct scatter_label {
  int label = -1;
  std::size_t points = 0;
};
PRETEXT_COLD inline std::vector<scatter_label> scatter_labels(const scatter& s) {
  std::vector<scatter_label> found;
  for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i) {
    if (!std::isfinite(s.x[i]) || !std::isfinite(s.y[i])) continue;
    const int label = i < s.labels.size() && s.labels[i] >= 0 ? s.labels[i] : -1;
    auto at = std::lower_bound(found.begin(), found.end(), label, [](const scatter_label& a, int b) { return a.label < b; });
    if (at == found.end() || at->label != label) at = found.insert(at, scatter_label{label, 0});
    ++at->points;
  }
  return found;
}

PRETEXT_COLD inline std::string scatter_label_name(const scatter& s, int label) {
  if (label < 0) return "no label";
  const auto i = static_cast<std::size_t>(label);
  return i < s.label_names.size() && !s.label_names[i].empty() ? s.label_names[i] : detail::shortest(label);
}

/// A label's mark around a place: the palette has 8 colours, so label 8 is the first colour as a square, and so on.
/// Dots and squares are strokes of no length, the shortest way to say them; others are outlines.
PRETEXT_COLD inline std::string scatter_mark(int label, double x, double y) {
  const std::string at = joined({"M", detail::coordinate(x), " ", detail::coordinate(y)});
  switch (label < 0 ? 0 : label / detail::palette_size % 4) {
    case 2: return joined({at, "m0-3.2l3.2 5.6h-6.4z"});          // triangle
    case 3: return joined({at, "m0-3.6l3.6 3.6-3.6 3.6-3.6-3.6z"});  // diamond
    default: return joined({at, "h0"});
  }
}
PRETEXT_COLD inline std::string scatter_class(int label) {
  static constexpr const char* shapes[] = {"dots", "squares", "outlines", "outlines"};
  return joined({label < 0 ? "c7" : detail::colour_class(label), " ", shapes[label < 0 ? 0 : label / detail::palette_size % 4]});
}

namespace detail {

/// A name on a map: the middle of its text, and where it belongs.
struct map_name {
  std::string text;
  double x = 0, y = 0, half_width = 0;
  double home_x = 0, home_y = 0;
};
inline constexpr double name_height = 16;  // of a line of class "strong"

/// Half of a text's width in class "strong". A page does not know its reader's font: 0.65 em a letter, as broad ones are.
PRETEXT_COLD inline double half_width_of(const std::string& text) {
  double letters = 0;
  for (const char c : text) letters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not the later bytes of a letter
  return 4.4 * letters;
}

/// Moves names that would lie on others to the nearest place that is free, inside [left, right] x [top, bottom]. Earlier
/// names have the first choice; where all is full a name stays where it belongs.
PRETEXT_COLD inline void place_names(std::vector<map_name>& names, double left, double right, double top, double bottom) {
  static constexpr double ways[][2] = {{0, -1}, {0, 1}, {-1, 0}, {1, 0}, {-0.7, -0.7}, {0.7, -0.7}, {-0.7, 0.7}, {0.7, 0.7}};
  for (std::size_t n = 0; n < names.size(); ++n) {
    map_name& name = names[n];
    const double most = std::max(left, right - name.half_width), least = std::min(left + name.half_width, most);
    const auto try_place = [&](double x, double y) {
      if (y < top + name_height / 2 || y > bottom - name_height / 2 || x < left || x > right) return false;
      x = std::clamp(x, least, most);
      for (std::size_t i = 0; i < n; ++i)
        if (std::fabs(x - names[i].x) < name.half_width + names[i].half_width + 4 && std::fabs(y - names[i].y) < name_height) return false;
      name.x = x, name.y = y;
      return true;
    };
    bool placed = try_place(name.home_x, name.home_y);
    for (double far = 4; !placed && far < right - left; far += 4)
      for (std::size_t way = 0; !placed && way < std::size(ways); ++way)
        placed = try_place(name.home_x + far * ways[way][0], name.home_y + far * ways[way][1]);
    if (!placed) name.x = name.home_x, name.y = name.home_y;
  }
}

}  // namespace detail

/// A map of points, coloured by label, with each label's name at the median of its points; where names would lie on each
/// other, beside it, with a line to the median where that is far.
/// cost    at most 4000 points are drawn, evenly taken
PRETEXT_COLD inline std::string svg_scatter(const scatter& s) {
  const double width = 640, height = 470, margin = 22, top = 12, bottom = 34;
  std::string out = detail::svg_open(width, height, s.title);
  const std::size_t count = std::min(s.x.size(), s.y.size());
  detail::value_range xs, ys;
  for (std::size_t i = 0; i < count; ++i)
    if (std::isfinite(s.x[i]) && std::isfinite(s.y[i])) xs.add(s.x[i]), ys.add(s.y[i]);
  if (xs.empty()) return out + detail::svg_nothing(width, height);
  const double inner_width = width - 2 * margin - 16, inner_height = height - top - bottom - 24;
  // One scale for both axes: distances on the map are distances in the plane.
  double scale = std::min(inner_width / std::max(xs.high - xs.low, 1e-300), inner_height / std::max(ys.high - ys.low, 1e-300));
  if (!(scale < 1e290)) scale = 1;
  const auto px = [&](double x) { return width / 2 + (x - (xs.low / 2 + xs.high / 2)) * scale; };
  const auto py = [&](double y) { return top + 12 + inner_height / 2 - (y - (ys.low / 2 + ys.high / 2)) * scale; };

  append(out, {"<rect class=\"panel\" x=\"", detail::coordinate(margin), "\" y=\"", detail::coordinate(top), "\" width=\"",
      detail::coordinate(width - 2 * margin), "\" height=\"", detail::coordinate(height - top - bottom), "\" rx=\"6\"/>"});
  const auto labels = scatter_labels(s);
  const std::size_t stride = (count + 3999) / 4000;
  for (const scatter_label& l : labels) {
    std::string path;
    for (std::size_t i = 0; i < count; i += stride) {
      const int label = i < s.labels.size() && s.labels[i] >= 0 ? s.labels[i] : -1;
      if (label == l.label && std::isfinite(s.x[i]) && std::isfinite(s.y[i])) path += scatter_mark(label, px(s.x[i]), py(s.y[i]));
    }
    if (path.empty()) continue;
    append(out, {"<path class=\"", scatter_class(l.label), "\" d=\"", path, "\"><title>",
        detail::escape_markup(scatter_label_name(s, l.label)), "</title></path>"});
  }
  std::vector<detail::map_name> names;
  for (const scatter_label& l : labels) {
    if (l.label < 0 || labels.size() > 24) continue;  // more names would hide the map
    std::vector<double> x, y;
    for (std::size_t i = 0; i < count; ++i)
      if (i < s.labels.size() && s.labels[i] == l.label && std::isfinite(s.x[i]) && std::isfinite(s.y[i])) x.push_back(s.x[i]), y.push_back(s.y[i]);
    const auto median = [](std::vector<double>& v) {
      const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
      std::nth_element(v.begin(), middle, v.end());
      return *middle;
    };
    detail::map_name name;
    name.text = scatter_label_name(s, l.label);
    name.half_width = detail::half_width_of(name.text);
    name.home_x = px(median(x)), name.home_y = py(median(y));
    names.push_back(std::move(name));
  }
  detail::place_names(names, margin, width - margin, top, height - bottom);
  for (const detail::map_name& n : names)
    if (std::hypot(n.x - n.home_x, n.y - n.home_y) > 1.5 * detail::name_height)
      append(out, {"<path class=\"leader\" d=\"M", detail::coordinate(n.home_x), " ", detail::coordinate(n.home_y), "L",
          detail::coordinate(n.x), " ", detail::coordinate(n.y), "\"/>"});
  for (const detail::map_name& n : names) out += detail::svg_text(n.x, n.y + 4, "mid halo strong", n.text);
  if (!s.x_label.empty()) out += detail::svg_text(width / 2, height - 12, "mid name", s.x_label);
  if (!s.y_label.empty())
    append(out, {"<text transform=\"translate(14 ", detail::coordinate((top + height - bottom) / 2), ") rotate(-90)\" class=\"mid name\">",
        detail::escape_markup(s.y_label), "</text>"});
  return joined({out, "</svg>"});
}

}  // namespace pretext::report
