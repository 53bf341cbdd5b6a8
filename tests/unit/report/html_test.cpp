// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/html.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/catch.hpp"
#include "xml_check.hpp"

namespace report = pretext::report;
namespace fs = std::filesystem;

namespace {

struct folder {
  fs::path path = fs::temp_directory_path() / ("pretext_html_" + std::to_string(::getpid()));
  folder() { fs::create_directories(path); }
  ~folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct step_report {
  std::uint64_t step = 0, steps_total = 100, epoch = 1, epochs = 2;
  float loss = 5, learning_rate = 0.1f, gradient_norm = 1, embedding_std = 0.09f;
  double samples_per_second = 1000, seconds = 0;
};
struct run_info {
  std::uint64_t step = 0, steps_total = 100;
};

const report::plot* find(const report::document& d, const std::string& title) {
  for (const auto& s : d.sections)
    for (const auto& p : s.plots)
      if (p.title == title) return &p;
  return nullptr;
}

}  // namespace

TEST_CASE("html: a run's page has its curves", "[report][html]") {
  folder f;
  report::html page(f.file("run.html"));
  page.document().title = "My run";
  page.on_start(run_info{});
  CHECK(xml_problem(content(page.path())) == "");  // there is a page from the start
  step_report r;
  for (r.step = 1; r.step <= 100; ++r.step) {
    r.loss = 100.0f / static_cast<float>(r.step);
    page.on_step(r);
  }
  page.on_epoch(r);
  page.point("linear probe", 1, 0.5);
  page.point("linear probe", 2, 0.6);
  page.point("k-NN", 2, 0.55);
  page.baseline("raw pixels", 0.3);
  page.on_end(r);
  const std::string html = content(page.path());
  CHECK(xml_problem(html) == "");
  CHECK(html.find("<h1>My run</h1>") != std::string::npos);
  CHECK(html.find("step 100 of 100") != std::string::npos);
  CHECK(html.find("http-equiv=\"refresh\"") == std::string::npos);
  CHECK(html.find("class=\"warnings\"") == std::string::npos);

  const report::document d = page.page();
  for (const char* title : {"Loss", "Learning rate", "Gradient norm", "Embedding standard deviation", "Samples per second", "Probe accuracy"}) CHECK(find(d, title) != nullptr);
  const report::plot* loss = find(d, "Loss");
  REQUIRE(loss->curves.size() == 2);
  CHECK(loss->curves[0].faint);
  CHECK(loss->curves[0].y[1] == 50);
  CHECK(loss->curves[1].y.size() == 100);
  const report::plot* probes = find(d, "Probe accuracy");
  REQUIRE(probes->curves.size() == 2);
  CHECK(probes->curves[0].y.back() == 0.6);
  CHECK(probes->lines.size() == 1);
}

TEST_CASE("html: the page is written while training goes on, at its interval", "[report][html]") {
  folder f;
  double time = 0;
  report::html_options options;
  options.write_seconds = 30;
  options.clock = [&time] { return time; };
  report::html page(f.file("run.html"), options);
  page.on_start(run_info{});
  const std::string first = content(page.path());
  step_report r;
  r.step = 1;
  time = 29;
  page.on_step(r);
  CHECK(content(page.path()) == first);
  r.step = 2;
  time = 31;
  page.on_step(r);
  const std::string second = content(page.path());
  CHECK(second.find("running: step 2 of 100") != std::string::npos);
  CHECK(second.find("http-equiv=\"refresh\" content=\"30\"") != std::string::npos);
  r.step = 3;
  time = 50;
  page.on_step(r);
  CHECK(content(page.path()) == second);
}

TEST_CASE("html: a loss that is not finite is a warning with its step", "[report][html]") {
  folder f;
  report::html page(f.file("run.html"));
  step_report r;  // no on_start: a hand-written loop
  for (r.step = 1; r.step <= 10; ++r.step) {
    r.loss = r.step >= 8 ? NAN : 1;
    page.on_step(r);
  }
  page.on_end();
  const std::string html = content(page.path());
  CHECK(xml_problem(html) == "");
  CHECK(html.find("not a finite number in 3 steps, first in step 8") != std::string::npos);
}

TEST_CASE("html: a resumed run takes the curves before it from its log", "[report][html]") {
  folder f;
  report::jsonl_log log(f.file("run.jsonl"));
  log.on_start(run_info{});
  step_report r;
  for (r.step = 1; r.step <= 10; ++r.step) log.on_step(r);
  report::html_options options;
  options.log = log.path();
  report::html page(f.file("run.html"), options);
  page.on_start(run_info{7, 100});
  r.step = 8, r.loss = 3;
  page.on_step(r);
  const auto d = page.page();
  const auto& raw = find(d, "Loss")->curves[0];
  CHECK(raw.x.size() == 8);
  CHECK(raw.x.back() == 8);
  CHECK(raw.y.back() == 3);
  CHECK(raw.y.front() == 5);
  options.log = f.file("none.jsonl");
  report::html other(f.file("other.html"), options);
  other.on_start(run_info{7, 100});
  CHECK(find(other.page(), "Loss") == nullptr);
}

TEST_CASE("html: an unwritable folder is an error at once, a page lost on the way is not", "[report][html]") {
  folder f;
  report::html page(f.file("no/run.html"));
  CHECK_THROWS_AS(page.on_start(run_info{}), pretext::error);

  double time = 0;
  report::html_options options;
  options.clock = [&time] { return time; };
  fs::create_directories(f.path / "runs");
  report::html other(f.file("runs/run.html"), options);
  other.on_start(run_info{});
  fs::remove_all(f.path / "runs");
  step_report r;
  r.step = 1;
  time = 100;
  CHECK_NOTHROW(other.on_step(r));
  CHECK_THROWS_AS(other.on_end(), pretext::error);
}

TEST_CASE("html: copies share one report", "[report][html]") {
  folder f;
  report::html page(f.file("run.html"));
  report::html copy = page;
  copy.on_start(run_info{});
  step_report r;
  r.step = 1;
  copy.on_step(r);
  CHECK(find(page.page(), "Loss") != nullptr);
  page.document().subtitle = "added later";
  copy.on_end();
  CHECK(content(page.path()).find("added later") != std::string::npos);
}

TEST_CASE("html: a long run's page stays small", "[report][html]") {
  folder f;
  report::html_options options;
  options.write_seconds = 0;
  report::html page(f.file("run.html"), options);
  step_report r;
  r.steps_total = 0;
  for (r.step = 1; r.step <= 300000; ++r.step) {
    r.loss = static_cast<float>(r.step % 97);
    page.on_step(r);
  }
  page.on_end();
  CHECK(fs::file_size(page.path()) < 500000);
  CHECK(xml_problem(content(page.path())) == "");
}
