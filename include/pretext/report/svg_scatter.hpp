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

/// A map of points, coloured by label, with each label's name at the median of its points.
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
    out += detail::svg_text(px(median(x)), py(median(y)) + 4, "mid halo strong", scatter_label_name(s, l.label));
  }
  if (!s.x_label.empty()) out += detail::svg_text(width / 2, height - 12, "mid name", s.x_label);
  if (!s.y_label.empty())
    append(out, {"<text transform=\"translate(14 ", detail::coordinate((top + height - bottom) / 2), ") rotate(-90)\" class=\"mid name\">",
        detail::escape_markup(s.y_label), "</text>"});
  return joined({out, "</svg>"});
}

}  // namespace pretext::report
