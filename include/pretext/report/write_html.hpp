// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "../core/text.hpp"
#include "../io/file.hpp"
#include "../version.hpp"
#include "detail/number.hpp"
#include "detail/text.hpp"
#include "document.hpp"
#include "html_images.hpp"
#include "html_parts.hpp"
#include "html_style.hpp"

namespace pretext::report {

/// A document as one HTML page that needs nothing else: style, plots and pictures are inside, no script, no network.
/// It follows the reader's light or dark setting, fits a phone and prints.
/// laws    well-formed XML, whatever the texts, numbers and pictures are
inline std::string render_html(const document& d) {
  using detail::element;
  using detail::escape_markup;
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
                    "<meta name=\"generator\" content=\"Pretext " PRETEXT_VERSION_STRING "\"/>";
  if (d.refresh_seconds > 0) append(out, {"<meta http-equiv=\"refresh\" content=\"", detail::shortest(d.refresh_seconds), "\"/>"});
  append(out, {element("title", d.title), "<style>", html_style, "</style></head><body>\n"});

  append(out, {"<header><div class=\"eyebrow\">Pretext · self-supervised learning</div><div class=\"head\">", element("h1", d.title)});
  if (!d.state.empty()) append(out, {"<span class=\"state\">", escape_markup(d.state), "</span>"});
  out += "</div>";
  if (!d.subtitle.empty()) append(out, {"<p class=\"sub\">", escape_markup(d.subtitle), "</p>"});
  if (!d.warnings.empty()) {
    append(out, {"<div class=\"warnings\"><b>", d.warnings.size() == 1 ? "Warning" : "Warnings", "</b><ul>"});
    for (const std::string& w : d.warnings) out += element("li", w);
    out += "</ul></div>";
  }
  if (!d.summary.empty()) {
    out += "<div class=\"facts\">";
    for (const fact& f : d.summary)
      append(out, {"<div class=\"fact\">", element("span", f.name), element("b", f.value),
          (f.note.empty() ? std::string() : element("span", f.note)), "</div>"});
    out += "</div>";
  }
  out += "</header>\n<main>\n";

  const index_t side = detail::picture_side(d);
  for (const section& s : d.sections) {
    append(out, {"<section>", (s.title.empty() ? std::string() : element("h2", s.title)),
        (s.text.empty() ? std::string() : element("p", s.text))});
    out += "<div class=\"cards\">\n";
    for (const pairs& p : s.pairs) detail::append_pairs(out, p);
    for (const bar_chart& b : s.bars) detail::append_bars(out, b);
    for (const plot& p : s.plots) detail::append_plot(out, p);
    for (const scatter& m : s.maps) detail::append_scatter(out, m, s.maps.size() == 1);  // two stand side by side
    for (const table& t : s.tables) detail::append_table(out, t);
    for (const image_grid& g : s.images) detail::append_images(out, g, side);
    for (const neighbour_rows& n : s.neighbours) detail::append_neighbours(out, n, side);
    out += "</div></section>\n";
  }
  out += "</main>\n<footer>Written by Pretext " PRETEXT_VERSION_STRING
         ". This page is complete in itself: no script, no network.</footer>\n</body></html>\n";
  return out;
}

/// Writes a document's page; a reader never sees half of it.
/// errors  io.100-115 as write_file_atomically
inline void write_html(const std::string& path, const document& d) {
  io::write_file_atomically(path, std::string_view(render_html(d)));
}

}  // namespace pretext::report
