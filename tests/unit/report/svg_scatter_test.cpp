// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/svg_scatter.hpp"

#include <cmath>
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

/// A name on the map, as a reader's browser would set it: 13.5 px high, some 7.5 px a letter.
struct name_box {
  double x, y, half;
  std::string text;
};
std::vector<name_box> names_of(const std::string& svg) {
  std::vector<name_box> found;
  const std::string cls = "\" class=\"mid halo strong\">";
  for (auto at = svg.find(cls); at != std::string::npos; at = svg.find(cls, at + 1)) {
    const auto open = svg.rfind("<text x=\"", at), y = svg.rfind("y=\"", at), begin = at + cls.size();
    const std::string text = svg.substr(begin, svg.find('<', begin) - begin);
    const double half = 3.75 * static_cast<double>(text.size());
    found.push_back({std::stod(svg.substr(open + 9)), std::stod(svg.substr(y + 3)), half, text});
  }
  return found;
}
int overlaps(const std::vector<name_box>& names) {
  int n = 0;
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      n += std::fabs(names[i].x - names[k].x) < names[i].half + names[k].half &&
           std::fabs(names[i].y - names[k].y) < 13.5;
  return n;
}
const std::vector<std::string> cifar = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

}  // namespace

TEST_CASE("svg_scatter: labels are counted in order, points without one apart", "[report][svg_scatter]") {
  report::scatter s;
  s.x = {0, 1, 2, 3, std::nan(""), 5};
  s.y = {0, 1, 2, 3, 4, 5, 6};
  s.labels = {7, 2, 7, -5, 2};
  const auto labels = report::scatter_labels(s);
  REQUIRE(labels.size() == 3);
  CHECK(labels[0].label == -1);
  CHECK(labels[0].points == 2);  // the negative one and the one beyond the labels
  CHECK(labels[1].label == 2);
  CHECK(labels[1].points == 1);
  CHECK(labels[2].label == 7);
  CHECK(labels[2].points == 2);
  s.label_names = {"a", "b", "cat"};
  CHECK(report::scatter_label_name(s, 2) == "cat");
  CHECK(report::scatter_label_name(s, 7) == "7");
  CHECK(report::scatter_label_name(s, -1) == "no label");
}

TEST_CASE("svg_scatter: every label has its own colour and shape", "[report][svg_scatter]") {
  for (int a = 0; a < 32; ++a)
    for (int b = 0; b < a; ++b)
      CHECK(report::scatter_class(a) + report::scatter_mark(a, 0, 0) != report::scatter_class(b) + report::scatter_mark(b, 0, 0));
}

TEST_CASE("svg_scatter: both axes have one scale", "[report][svg_scatter]") {
  report::scatter s;
  s.x = {0, 10, 0};
  s.y = {0, 0, 1};
  s.labels = {0, 1, 2};
  const std::string svg = report::svg_scatter(s);
  CHECK(xml_problem(svg) == "");
  double x[3], y[3];
  std::size_t at = 0;
  for (int i = 0; i < 3; ++i) {
    at = svg.find(" dots\" d=\"M", at) + 11;
    std::size_t used = 0;
    x[i] = std::stod(svg.substr(at), &used);
    y[i] = std::stod(svg.substr(at + used));
  }
  CHECK(x[1] - x[0] == Approx(10 * (y[0] - y[2])).margin(1.1));
  CHECK(y[0] == y[1]);
  CHECK(y[2] < y[0]);
}

TEST_CASE("svg_scatter: names of classes whose middles coincide do not lie on each other", "[report][svg_scatter]") {
  report::scatter s;
  s.label_names = cifar;
  for (const double apart : {0.0, 0.01, 0.05, 0.2}) {
    s.x = {-1, 1}, s.y = {-1, 1}, s.labels = {-1, -1};  // the corners of the map
    for (int c = 0; c < 10; ++c) s.x.push_back(apart * (c % 3 - 1)), s.y.push_back(apart * (c / 3 - 1)), s.labels.push_back(c);
    const std::string svg = report::svg_scatter(s);
    CAPTURE(apart);
    CHECK(xml_problem(svg) == "");
    const auto names = names_of(svg);
    REQUIRE(names.size() == 10);
    CHECK(overlaps(names) == 0);
    for (const name_box& n : names) {
      CHECK(n.x - n.half > 22);
      CHECK(n.x + n.half < 640 - 22);
      CHECK(n.y > 12);
      CHECK(n.y < 470 - 34);
    }
    CHECK((count(svg, "class=\"leader\"") > 0) == (apart < 0.2));  // a name that went far says where it belongs
  }
}

TEST_CASE("svg_scatter: names with room stay at the medians, and two dozen long ones are spread", "[report][svg_scatter]") {
  report::scatter s;
  s.label_names = {"left", "right", "top"};
  s.x = {-1, 1, 0, -2, 2}, s.y = {0, 0, 1, 0, 0}, s.labels = {0, 1, 2, -1, -1};
  const std::string svg = report::svg_scatter(s);
  auto names = names_of(svg);
  REQUIRE(names.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(names[i].text);
    const std::string dots = "\"c" + std::to_string(i) + " dots\" d=\"M";
    const auto mark = svg.find(dots) + dots.size();
    std::size_t used = 0;
    CHECK(names[i].x == std::stod(svg.substr(mark), &used));
    CHECK(names[i].y == std::stod(svg.substr(mark + used)) + 4);
  }
  CHECK(count(svg, "leader") == 0);

  s = {};
  for (int c = 0; c < 24; ++c) {
    s.x.push_back(c % 2), s.y.push_back(0), s.labels.push_back(c);
    s.label_names.push_back("a name of more letters, " + std::to_string(c));
  }
  names = names_of(report::svg_scatter(s));
  CHECK(names.size() == 24);
  CHECK(overlaps(names) == 0);
}

TEST_CASE("svg_scatter: empty, one, equal, huge and NaN points", "[report][svg_scatter]") {
  report::scatter s;
  CHECK(report::svg_scatter(s).find("no data yet") != std::string::npos);
  CHECK(xml_problem(report::svg_scatter(s)) == "");
  const double inf = std::numeric_limits<double>::infinity();
  for (const auto& [x, y] : {std::pair<std::vector<double>, std::vector<double>>{{1}, {2}}, {{1, 1, 1}, {2, 2, 2}}, {{-1e308, 1e308}, {0, 1}}, {{1, inf, 2}, {1, 1, std::nan("")}},
                             {{1e-308, 2e-308}, {0, 0}}}) {
    s.x = x, s.y = y;
    const std::string svg = report::svg_scatter(s);
    CHECK(xml_problem(svg) == "");
    CHECK(svg.find("nan") == std::string::npos);
    CHECK(svg.find("inf") == std::string::npos);
  }
}

TEST_CASE("svg_scatter: very many points are drawn as some thousands", "[report][svg_scatter]") {
  report::scatter s;
  for (int i = 0; i < 50000; ++i) {
    s.x.push_back(i % 251);
    s.y.push_back(i % 127);
    s.labels.push_back(i % 9);
  }
  const std::string svg = report::svg_scatter(s);
  CHECK(count(svg, "h0") <= 4000);
  CHECK(count(svg, "h0") >= 2000);
  CHECK(svg.size() < 100000);
}

TEST_CASE("svg_scatter: hostile names are text", "[report][svg_scatter]") {
  report::scatter s;
  s.x = {1, 2}, s.y = {1, 2}, s.labels = {0, 1};
  s.title = "<script>";
  s.label_names = {"</svg><script>alert(1)</script>", "&"};
  const std::string svg = report::svg_scatter(s);
  CHECK(xml_problem(svg) == "");
  CHECK(svg.find("<script") == std::string::npos);
}
