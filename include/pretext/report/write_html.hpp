// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../config.hpp"
#include "../core/index.hpp"
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

namespace detail {

/// From the beginning of a page to its header, which stays open.
PRETEXT_COLD inline void open_page(std::string& out, std::string_view title, std::string_view state, std::string_view subtitle,
                                   const std::vector<std::string>& warnings, int refresh_seconds) {
  out += "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
         "<meta name=\"generator\" content=\"Pretext " PRETEXT_VERSION_STRING "\"/>";
  if (refresh_seconds > 0) append(out, {"<meta http-equiv=\"refresh\" content=\"", refresh_seconds, "\"/>"});
  append_element(out, "title", title);
  append(out, {"<style>", html_style, "</style></head><body>\n<header><div class=\"eyebrow\">Pretext · self-supervised learning</div><div class=\"head\">"});
  append_element(out, "h1", title);
  if (!state.empty()) append(out, {"<span class=\"state\">", escape_markup(state), "</span>"});
  out += "</div>";
  if (!subtitle.empty()) append(out, {"<p class=\"sub\">", escape_markup(subtitle), "</p>"});
  if (!warnings.empty()) {
    append(out, {"<div class=\"warnings\"><b>", warnings.size() == 1 ? "Warning" : "Warnings", "</b><ul>"});
    for (const std::string& w : warnings) append_element(out, "li", w);
    out += "</ul></div>";
  }
}

PRETEXT_COLD inline void append_facts(std::string& out, const std::vector<fact>& facts) {
  if (facts.empty()) return;
  out += "<div class=\"facts\">";
  for (const fact& f : facts) {
    out += "<div class=\"fact\">";
    append_element(out, "span", f.name);
    append_element(out, "b", f.value);
    if (!f.note.empty()) append_element(out, "span", f.note);
    out += "</div>";
  }
  out += "</div>";
}

/// Ends the header; sections follow.
PRETEXT_COLD inline void open_main(std::string& out) { out += "</header>\n<main>\n"; }

PRETEXT_COLD inline void open_section(std::string& out, std::string_view title, std::string_view text) {
  out += "<section>";
  if (!title.empty()) append_element(out, "h2", title);
  if (!text.empty()) append_element(out, "p", text);
  out += "<div class=\"cards\">\n";
}
PRETEXT_COLD inline void close_section(std::string& out) { out += "</div></section>\n"; }

/// `side`: the longest side of a picture.
PRETEXT_COLD inline void append_section(std::string& out, const section& s, index_t side) {
  open_section(out, s.title, s.text);
  for (const pairs& p : s.pairs) append_pairs(out, p);
  for (const bar_chart& b : s.bars) append_bars(out, b);
  for (const plot& p : s.plots) append_plot(out, p);
  for (const scatter& m : s.maps) append_scatter(out, m, s.maps.size() == 1);  // two stand side by side
  for (const table& t : s.tables) append_table(out, t);
  for (const image_grid& g : s.images) append_images(out, g, side);
  for (const neighbour_rows& n : s.neighbours) append_neighbours(out, n, side);
  close_section(out);
}

PRETEXT_COLD inline void close_page(std::string& out) {
  out += "</main>\n<footer>Written by Pretext " PRETEXT_VERSION_STRING
         ". This page is complete in itself: no script, no network.</footer>\n</body></html>\n";
}

}  // namespace detail

/// A document as one HTML page that needs nothing else: style, plots and pictures are inside, no script, no network.
/// It follows the reader's light or dark setting, fits a phone and prints.
/// laws    well-formed XML, whatever the texts, numbers and pictures are
PRETEXT_COLD inline std::string render_html(const document& d) {
  std::string out;
  detail::open_page(out, d.title, d.state, d.subtitle, d.warnings, d.refresh_seconds);
  detail::append_facts(out, d.summary);
  detail::open_main(out);
  const index_t side = detail::picture_side(d);
  for (const section& s : d.sections) detail::append_section(out, s, side);
  detail::close_page(out);
  return out;
}

/// Writes a document's page; a reader never sees half of it.
/// errors  io.100-115 as write_file_atomically
PRETEXT_COLD inline void write_html(const std::string& path, const document& d) {
  io::write_file_atomically(path, std::string_view(render_html(d)));
}

}  // namespace pretext::report
