// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "../core/text.hpp"
#include "base64.hpp"
#include "detail/number.hpp"
#include "detail/text.hpp"
#include "document.hpp"
#include "html_parts.hpp"
#include "picture.hpp"
#include "png.hpp"

namespace pretext::report::detail {

/// Calls visit for every picture of a document.
template <class Visit>
void for_each_picture(const document& d, Visit&& visit) {
  for (const section& s : d.sections) {
    for (const image_grid& grid : s.images)
      for (const auto& group : grid.groups)
        for (const image_cell& cell : group) visit(cell.picture);
    for (const neighbour_rows& rows : s.neighbours)
      for (const neighbour_row& row : rows.rows) {
        visit(row.query);
        for (const neighbour& n : row.found) visit(n.picture);
      }
  }
}

/// The longest side at which all pictures of a document stay within its bytes; at least 16, however many there are.
PRETEXT_COLD inline index_t picture_side(const document& d) {
  static constexpr index_t sides[] = {512, 384, 256, 192, 160, 128, 96, 80, 64, 48, 32, 24, 16};
  for (const index_t side : sides) {
    double bytes = 0;
    for_each_picture(d, [&](const picture& p) {
      const double scale = std::min(1.0, static_cast<double>(side) / static_cast<double>(std::max<index_t>({p.width, p.height, 1})));
      bytes += 4.0 / 3.0 * scale * scale * static_cast<double>(p.width) * static_cast<double>(p.height) * static_cast<double>(p.channels) + 120;
    });
    if (bytes <= static_cast<double>(d.image_bytes)) return side;
  }
  return 16;
}

/// A picture with its boxes. The drawing keeps the original's coordinates when fewer pixels are stored.
PRETEXT_COLD inline void append_picture(std::string& out, const picture& p, const std::vector<box>& boxes, index_t side) {
  const bool whole = p.width > 0 && p.height > 0 && (p.channels == 1 || p.channels == 3) &&
                     p.pixels.size() == static_cast<std::size_t>(p.width * p.height * p.channels);
  const double width = whole ? static_cast<double>(p.width) : 32, height = whole ? static_cast<double>(p.height) : 32;
  append(out, {"<svg viewBox=\"0 0 ", coordinate(width), " ", coordinate(height), "\">"});
  if (whole) {
    const picture small = shrink(p, side);
    // Few pixels are shown as squares, many are smoothed.
    append(out, {"<image", (std::max(small.width, small.height) > 64 ? " class=\"smooth\"" : ""), " width=\"", coordinate(width),
        "\" height=\"", coordinate(height), "\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,", base64(encode_png(small)),
        "\"/>"});
  } else {
    out += "<text x=\"16\" y=\"18\" class=\"mid\" style=\"font-size:6px\">no image</text>";
  }
  for (const box& b : boxes) {
    if (!std::isfinite(b.x) || !std::isfinite(b.y) || !(b.width >= 0 && b.width < 1e9) || !(b.height >= 0 && b.height < 1e9)) continue;
    const std::string shape = " x=\"" + fixed(b.x, 2) + "\" y=\"" + fixed(b.y, 2) + "\" width=\"" + fixed(b.width, 2) + "\" height=\"" + fixed(b.height, 2) + "\"";
    append(out, {"<rect class=\"under\"", shape, "/><rect class=\"box ", colour_class(b.colour), "\"", shape, ">",
        (b.name.empty() ? std::string() : element("title", b.name)), "</rect>"});
  }
  out += "</svg>";
}

PRETEXT_COLD inline void append_images(std::string& out, const image_grid& grid, index_t side) {
  open_card(out, grid.title, true);
  if (!grid.text.empty()) out += element("p", grid.text);
  if (grid.groups.empty()) append_empty(out);
  out += "<div class=\"groups\">";
  for (const auto& group : grid.groups) {
    out += "<div class=\"group\">";
    for (const image_cell& cell : group) {
      out += "<figure class=\"image\">";
      append_picture(out, cell.picture, cell.boxes, side);
      if (!cell.caption.empty() || cell.colour >= 0)
        append(out, {"<figcaption>", (cell.colour >= 0 ? "<i class=\"" + colour_class(cell.colour) + "\"></i>" : std::string()),
            escape_markup(cell.caption), "</figcaption>"});
      out += "</figure>";
    }
    out += "</div>";
  }
  out += "</div></div>\n";
}

PRETEXT_COLD inline void append_neighbours(std::string& out, const neighbour_rows& rows, index_t side) {
  open_card(out, rows.title, true);
  if (!rows.text.empty()) out += element("p", rows.text);
  if (rows.rows.empty()) append_empty(out);
  for (const neighbour_row& row : rows.rows) {
    out += "<div class=\"query\"><figure class=\"image\">";
    append_picture(out, row.query, {}, side);
    append(out, {"<figcaption>", (row.label.empty() ? std::string("query") : "query: " + escape_markup(row.label)),
        "</figcaption></figure>"});
    for (const neighbour& n : row.found) {
      const bool known = !row.label.empty() && !n.label.empty();
      const bool same = known && n.label == row.label;
      append(out, {"<figure class=\"image", (!known ? "" : same ? " same" : " other"), "\">"});
      append_picture(out, n.picture, {}, side);
      out += "<figcaption>";
      if (known) out += same ? "<b>✓</b> " : "<b>✗</b> ";  // the frame's colour in another form
      out += escape_markup(n.label);
      if (std::isfinite(n.similarity)) append(out, {(n.label.empty() ? "" : " "), fixed(n.similarity, 2)});
      out += "</figcaption></figure>";
    }
    out += "</div>";
  }
  out += "</div>\n";
}

}  // namespace pretext::report::detail
