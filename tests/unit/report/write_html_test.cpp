// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/write_html.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../../include/pretext/report/environment.hpp"
#include "support/catch.hpp"
#include "xml_check.hpp"

namespace report = pretext::report;
namespace fs = std::filesystem;

namespace {

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

report::picture grey(pretext::index_t side, std::uint8_t value = 100) {
  return {side, side, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side), value)};
}

report::picture noise(pretext::index_t side, std::uint32_t seed) {
  report::picture p{side, side, 3, {}};
  for (pretext::index_t i = 0; i < side * side * 3; ++i) p.pixels.push_back(static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24));
  return p;
}

const std::string hostile = "</style></title><script>alert('&\"')</script>\x01\xff";

/// Every kind of part, with one text everywhere.
report::document everything(const std::string& text) {
  report::document d;
  d.title = d.subtitle = d.state = text;
  d.warnings = {text, text};
  d.summary = {{text, text, text}};
  report::section s;
  s.title = s.text = text;
  s.pairs.push_back({text, {{text, text}}});
  s.bars.push_back({text, {{text, 0.5, true, 0.1}, {text}}});
  report::plot p;
  p.title = p.x_label = p.y_label = text;
  p.curves = {{text, {1, 2}, {1, 2}}, {text, {1, 2}, {2, 1}}};
  p.lines = {{text, 1.5}};
  s.plots.push_back(p);
  report::scatter m;
  m.title = m.x_label = m.y_label = text;
  m.x = m.y = {1, 2};
  m.labels = {0, 1};
  m.label_names = {text, text};
  s.maps.push_back(m);
  s.tables.push_back({text, {text, text}, {{text, text}}, {0}});
  s.images.push_back({text, text, {{{grey(4), text, {{1, 1, 2, 2, 0, text}}, 1}}}});
  s.neighbours.push_back({text, text, {{grey(4), text, {{grey(4), text, 0.5}, {grey(4), "", 0.5}}}}});
  d.sections.push_back(s);
  return d;
}

}  // namespace

TEST_CASE("write_html: an empty document is a whole page", "[report][write_html]") {
  const std::string page = report::render_html({});
  CHECK(xml_problem(page) == "");
  CHECK(page.find("<title>Training report</title>") != std::string::npos);
  CHECK(page.find("class=\"warnings\"") == std::string::npos);
}

TEST_CASE("write_html: every part without content is a whole page", "[report][write_html]") {
  report::document d;
  report::section s;
  s.pairs.resize(1), s.bars.resize(1), s.plots.resize(1), s.maps.resize(1), s.tables.resize(1), s.images.resize(1), s.neighbours.resize(1);
  s.images[0].groups.resize(2);
  s.images[0].groups[1].resize(1);
  s.neighbours[0].rows.resize(1);
  s.neighbours[0].rows[0].found.resize(1);
  s.tables.push_back({{}, {}, {{}, {}}, {7}});
  s.plots[0].curves.resize(2);
  d.sections = {s, {}};
  d.summary.resize(1);
  d.warnings.resize(1);
  const std::string page = report::render_html(d);
  CHECK(xml_problem(page) == "");
  CHECK(count(page, "no image") == 3);
}

TEST_CASE("write_html: all text is text, however hostile", "[report][write_html]") {
  for (const std::string& text : {hostile, std::string("<script>"), std::string("a & b"), std::string("]]>--!>"), std::string(3, '\0'), std::string("\" onload=\"x")}) {
    const std::string page = report::render_html(everything(text));
    CHECK(xml_problem(page) == "");
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find("\" onload") == std::string::npos);
    CHECK(page.find('\0') == std::string::npos);
  }
}

TEST_CASE("write_html: the page needs nothing from elsewhere", "[report][write_html]") {
  report::document d = everything("text");
  d.refresh_seconds = 30;
  const std::string page = report::render_html(d);
  for (const char* no : {"http://", "https://", "<script", "<link", "@import", "url("}) CHECK(page.find(no) == std::string::npos);
  CHECK(page.find("<meta http-equiv=\"refresh\" content=\"30\"/>") != std::string::npos);
  CHECK(page.find("prefers-color-scheme:dark") != std::string::npos);
  CHECK(page.find("@media print") != std::string::npos);
}

TEST_CASE("write_html: bars have their share of the width", "[report][write_html]") {
  report::document d;
  d.sections.resize(1);
  d.sections[0].bars.push_back({"accuracy", {{"raw", 0.374, true}, {"ours", 0.596, false, 0.01}, {"none"}, {"wrong", -0.5}, {"inf", INFINITY}}});
  const std::string page = report::render_html(d);
  CHECK(xml_problem(page) == "");
  CHECK(page.find("<rect class=\"baseline\" width=\"37.4%\"") != std::string::npos);
  CHECK(page.find("<rect class=\"full\" width=\"59.6%\"") != std::string::npos);
  CHECK(page.find("x1=\"58.6%\" x2=\"60.6%\"") != std::string::npos);
  CHECK(page.find("<b>59.6 ± 1.0%</b>") != std::string::npos);
  CHECK(count(page, "no value") == 2);
  CHECK(page.find("width=\"0%\"") != std::string::npos);
}

TEST_CASE("write_html: tables align numbers and fill short rows", "[report][write_html]") {
  report::document d;
  d.sections.resize(1);
  d.sections[0].tables.push_back({"t", {"name", "n", "text"}, {{"a", "1", "x"}, {"b", "-"}, {"c", "3", "4"}}, {1}});
  const std::string page = report::render_html(d);
  CHECK(xml_problem(page) == "");
  CHECK(page.find("<th>name</th><th class=\"n\">n</th><th>text</th>") != std::string::npos);
  CHECK(page.find("<tr class=\"strong\"><td>b</td><td class=\"n\">-</td><td></td></tr>") != std::string::npos);
}

TEST_CASE("write_html: a crop box is drawn in the source's pixels", "[report][write_html]") {
  report::document d;
  d.sections.resize(1);
  d.image_bytes = 3000;  // the picture is stored smaller, the coordinates stay
  d.sections[0].images.push_back({"views", "", {{{noise(200, 1), "source", {{10.5, 20, 30, 40.25, 1, "view 2"}, {NAN, 0, 1, 1, 0, ""}, {0, 0, -1, 1, 0, ""}}, -1}}}});
  const std::string page = report::render_html(d);
  CHECK(xml_problem(page) == "");
  CHECK(page.find("viewBox=\"0 0 200 200\"") != std::string::npos);
  CHECK(page.find("<rect class=\"box c1\" x=\"10.50\" y=\"20.00\" width=\"30.00\" height=\"40.25\"><title>view 2</title>") != std::string::npos);
  CHECK(count(page, "class=\"box ") == 1);
  CHECK(page.size() < 30000);
}

TEST_CASE("write_html: neighbours are framed by label, and only where labels are known", "[report][write_html]") {
  report::document d;
  d.sections.resize(1);
  d.sections[0].neighbours.push_back({"n", "", {{grey(3), "cat", {{grey(3), "cat", 0.9}, {grey(3), "dog", 0.8}, {grey(3), "", 0.7}}}, {grey(3), "", {{grey(3), "cat", NAN}}}}});
  const std::string page = report::render_html(d);
  CHECK(count(page, "\"image same\"") == 1);
  CHECK(count(page, "\"image other\"") == 1);
  CHECK(page.find("<b>✓</b> cat 0.90") != std::string::npos);
  CHECK(page.find("<b>✗</b> dog 0.80") != std::string::npos);
  CHECK(page.find("<figcaption>0.70</figcaption>") != std::string::npos);
}

TEST_CASE("write_html: wrong pictures leave a place, not a crash", "[report][write_html]") {
  report::document d;
  d.sections.resize(1);
  d.sections[0].images.push_back({"", "", {{{{5, 5, 1, {1, 2}}, "", {}, -1}, {{-1, 3, 1, {}}, "", {}, -1}, {{1, 1, 2, {1, 2}}, "", {}, -1}, {{0, 0, 3, {}}, "", {}, -1}}}});
  const std::string page = report::render_html(d);
  CHECK(xml_problem(page) == "");
  CHECK(count(page, "no image") == 4);
}

TEST_CASE("write_html: many large photographs stay below three megabytes", "[report][write_html]") {
  report::document d;
  d.sections.resize(1);
  d.sections[0].images.resize(1);
  for (std::uint32_t i = 0; i < 16; ++i) d.sections[0].images[0].groups.push_back({{noise(320, i), "", {}, -1}, {noise(224, i + 100), "", {}, 0}, {noise(224, i + 200), "", {}, 1}});
  report::neighbour_rows rows;
  for (std::uint32_t i = 0; i < 10; ++i) {
    report::neighbour_row row{noise(64, i), "a", {}};
    for (std::uint32_t k = 0; k < 8; ++k) row.found.push_back({noise(64, i * 8 + k), "b", 0.5});
    rows.rows.push_back(row);
  }
  d.sections[0].neighbours.push_back(rows);
  const std::string page = report::render_html(d);
  CHECK(page.size() < 3000000);
  CHECK(page.size() > 500000);
  CHECK(xml_problem(page) == "");
}

TEST_CASE("write_html: the file is replaced as a whole, and an unwritable folder is one sentence", "[report][write_html]") {
  const fs::path folder = fs::temp_directory_path() / ("pretext_write_html_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const std::string path = (folder / "a.html").string();
  std::ofstream(path) << "old";
  report::write_html(path, everything("text"));
  std::ifstream in(path, std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  CHECK(page == report::render_html(everything("text")));
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);  // no temporary file is left
  CHECK_THROWS_AS(report::write_html((folder / "no" / "a.html").string(), {}), pretext::error);
  fs::remove_all(folder);
}

TEST_CASE("environment: names the version, the compiler, and what it is told", "[report][environment]") {
  const report::pairs e = report::environment("AVX-512", "2");
  REQUIRE(e.items.size() >= 4);
  CHECK(e.items[0].second == PRETEXT_VERSION_STRING);
  CHECK(e.items[e.items.size() - 2].second == "AVX-512");
  CHECK(e.items.back().second == "2");
  CHECK(report::environment().items.size() == e.items.size() - 2);
}
