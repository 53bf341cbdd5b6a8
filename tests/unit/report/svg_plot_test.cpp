// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/svg_plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "xml_check.hpp"

namespace report = pretext::report;

namespace {

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}
const double none = std::nan("");
const double inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("xml_check: finds what is not well-formed", "[report][xml_check]") {
  for (const char* good : {"<a/>", "<a b=\"1\">x &amp; y</a>", "<a><b/></a>"}) CHECK(xml_problem(good) == "");
  for (const char* bad : {"", "<a>", "</a>", "<a></b>", "<a b=1/>", "<a b=\"<\"/>", "<a>&</a>", "<a>&nbsp;</a>", "<a>\x01</a>", "<a/><b/>", "<a b=\"1\" b=\"2\"/>",
                          "<a>1 < 2</a>", "x<a/>", "<a b=\"1/>"})
    CHECK(xml_problem(bad) != "");
}

TEST_CASE("svg_plot: a line goes where its values are", "[report][svg_plot]") {
  report::plot p;
  p.title = "Loss";
  p.x_label = "step";
  p.curves = {{"loss", {0, 5, 10}, {0, 10, 5}}};
  const std::string svg = report::svg_plot(p);
  CHECK(xml_problem(svg) == "");
  CHECK(svg.find("aria-label=\"Loss\"") != std::string::npos);
  // The left margin is 14 + 8.2 * 3 pixels, the right one 16; y = 0 is at 254, and 5 % of air are above the top value.
  CHECK(svg.find("M38.6 254L291.3 25.4L544 139.7") != std::string::npos);
  CHECK(count(svg, "<circle") == 3);
  CHECK(svg.find("<title>loss: 10 (step 5)</title>") != std::string::npos);
}

TEST_CASE("svg_plot: gaps split the line, and a lonely point is a dot", "[report][svg_plot]") {
  report::plot p;
  p.curves = {{"c", {0, 1, 2, 3, 4, 5, 6}, {1, 2, none, 3, inf, 4, 5}}};
  const std::string svg = report::svg_plot(p);
  CHECK(xml_problem(svg) == "");
  const auto begin = svg.find("class=\"line\"");
  const std::string path = svg.substr(begin, svg.find("/>", begin) - begin);
  CHECK(count(path, "M") == 3);
  CHECK(count(path, "L") == 2);
  CHECK(count(path, "h0") == 1);
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
}

TEST_CASE("svg_plot: empty, NaN-only and mismatched data say that there is none", "[report][svg_plot]") {
  for (const std::vector<report::curve>& curves :
       {std::vector<report::curve>{}, {{"a", {}, {}}}, {{"a", {1, 2}, {none, inf}}}, {{"a", {1, 2}, {}}}, {{"a", {none}, {1}}}}) {
    report::plot p;
    p.curves = curves;
    const std::string svg = report::svg_plot(p);
    CHECK(xml_problem(svg) == "");
    CHECK(svg.find("no data yet") != std::string::npos);
  }
}

TEST_CASE("svg_plot: one point, constants and extremes are drawn with finite coordinates", "[report][svg_plot]") {
  for (double value : {0.0, 1.0, -7.0, 1e-300, 1e300, -1e300, 1e-9})
    for (bool from_zero : {false, true}) {
      report::plot p;
      p.from_zero = from_zero;
      p.curves = {{"a", {3}, {value}}, {"b", {3, 4, 5}, {value, value, value}}};
      const std::string svg = report::svg_plot(p);
      CHECK(xml_problem(svg) == "");
      CHECK(svg.find("nan") == std::string::npos);
      CHECK(svg.find("inf\"") == std::string::npos);
      CHECK(count(svg, "<circle") == 4);
    }
  report::plot p;
  p.curves = {{"a", {-1e308, 1e308}, {-1e308, 1e308}}};  // the span itself overflows
  CHECK(xml_problem(report::svg_plot(p)) == "");
  CHECK(report::svg_plot(p).find("nan") == std::string::npos);
}

TEST_CASE("svg_plot: a long curve is thinned, and its spikes stay", "[report][svg_plot]") {
  report::plot p;
  p.curves.resize(1);
  for (int i = 0; i < 200000; ++i) {
    p.curves[0].x.push_back(i);
    p.curves[0].y.push_back(i == 123457 ? 100 : i % 7);
  }
  const std::string svg = report::svg_plot(p);
  CHECK(svg.size() < 80000);
  CHECK(xml_problem(svg) == "");
  const auto kept = report::detail::thinned(p.curves[0].y, 200000, 1000);
  CHECK(kept.size() <= 3000);
  CHECK(std::find(kept.begin(), kept.end(), 123457u) != kept.end());
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  std::vector<double> gap(10000, 1.0);
  gap[5001] = none;
  const auto with_gap = report::detail::thinned(gap, gap.size(), 1000);
  CHECK(std::find(with_gap.begin(), with_gap.end(), 5001u) != with_gap.end());
}

TEST_CASE("svg_plot: on a logarithmic axis what is not positive is a gap", "[report][svg_plot]") {
  report::plot p;
  p.log_x = p.log_y = true;
  p.curves = {{"a", {0, 1, 10, 100}, {1, 1, -1, 0.001}}};
  p.lines = {{"below", -1}, {"at", 0.1}};
  const std::string svg = report::svg_plot(p);
  CHECK(xml_problem(svg) == "");
  CHECK(count(svg, "h0") == 2);
  CHECK(count(svg, "class=\"reference\"") == 1);
}

TEST_CASE("svg_plot: hostile names are text", "[report][svg_plot]") {
  report::plot p;
  p.title = "\"><script>alert(1)</script>";
  p.x_label = "a&b<c";
  p.y_label = "\x01\xff'";
  p.curves = {{"</title><script>", {1, 2}, {1, 2}}};
  p.lines = {{"<b>", 1.5}};
  const std::string svg = report::svg_plot(p);
  CHECK(xml_problem(svg) == "");
  CHECK(svg.find("<script") == std::string::npos);
  CHECK(svg.find("<b>") == std::string::npos);
}
