// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/jsonl_log.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace report = pretext::report;
namespace fs = std::filesystem;

namespace {

struct folder {
  fs::path path = fs::temp_directory_path() / ("pretext_jsonl_" + std::to_string(::getpid()));
  folder() { fs::create_directories(path); }
  ~folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct step_report {
  std::uint64_t step = 0, steps_total = 10, epoch = 1, epochs = 2;
  float loss = 1.23f, learning_rate = 0.1f, gradient_norm = 0.5f, embedding_std = 0.09f;
  double samples_per_second = 1000, seconds = 2.5;
};

struct run_info {
  std::uint64_t step = 0, steps_total = 10;
};

void run(report::jsonl_log& log, std::uint64_t from, std::uint64_t to, float loss) {
  log.on_start(run_info{from});
  step_report r;
  for (r.step = from + 1; r.step <= to; ++r.step) {
    r.loss = loss;
    log.on_step(r);
  }
}

}  // namespace

TEST_CASE("jsonl_log: the lines are the expected text", "[report][jsonl_log]") {
  folder f;
  const std::string path = f.file("a.jsonl");
  report::jsonl_log log(path);
  log.on_start(run_info{});
  step_report r;
  r.step = 1;
  log.on_step(r);
  r.loss = std::numeric_limits<float>::quiet_NaN();
  r.gradient_norm = std::numeric_limits<float>::infinity();
  r.step = 2;
  log.on_step(r);
  log.record("probe", 2, {{"linear", 0.5}, {"k\"nn", std::nan("")}});
  CHECK(content(path) ==
        "{\"event\":\"start\",\"step\":0,\"steps_total\":10}\n"
        "{\"event\":\"step\",\"step\":1,\"epoch\":1,\"loss\":1.23,\"learning_rate\":0.1,\"gradient_norm\":0.5,"
        "\"embedding_std\":0.09,\"samples_per_second\":1000.0,\"seconds\":2.5}\n"
        "{\"event\":\"step\",\"step\":2,\"epoch\":1,\"loss\":null,\"learning_rate\":0.1,\"gradient_norm\":null,"
        "\"embedding_std\":0.09,\"samples_per_second\":1000.0,\"seconds\":2.5}\n"
        "{\"event\":\"probe\",\"step\":2,\"linear\":0.5,\"k\\\"nn\":null}\n");
}

TEST_CASE("jsonl_log: what was logged is read back", "[report][jsonl_log]") {
  folder f;
  const std::string path = f.file("a.jsonl");
  report::jsonl_log log(path);
  run(log, 0, 3, 0.1f);
  step_report r;
  r.step = 3, r.loss = std::numeric_limits<float>::quiet_NaN();
  log.on_epoch(r);
  log.on_end(r);
  const auto records = report::read_jsonl_log(path);
  REQUIRE(records.size() == 6);
  CHECK(records[0].event == "start");
  CHECK(std::isnan(records[0].loss));
  CHECK(records[2].event == "step");
  CHECK(records[2].step == 2);
  CHECK(records[2].epoch == 1);
  CHECK(static_cast<float>(records[2].loss) == 0.1f);
  CHECK(static_cast<float>(records[2].embedding_std) == 0.09f);
  CHECK(records[2].seconds == 2.5);
  CHECK(records[4].event == "epoch");
  CHECK(std::isnan(records[4].loss));
  CHECK(records[5].event == "end");
}

TEST_CASE("jsonl_log: each line is in the file before the next step", "[report][jsonl_log]") {
  folder f;
  report::jsonl_log log(f.file("a.jsonl"));
  log.on_start(run_info{});
  step_report r;
  for (r.step = 1; r.step <= 5; ++r.step) {
    log.on_step(r);
    CHECK(report::read_jsonl_log(log.path()).back().step == r.step);
  }
}

TEST_CASE("jsonl_log: a resumed run drops the steps it does again and half a line", "[report][jsonl_log]") {
  folder f;
  const std::string path = f.file("a.jsonl");
  {
    report::jsonl_log log(path);
    run(log, 0, 7, 1.0f);
    log.record("probe", 5, {{"linear", 0.5}});
    log.record("probe", 7, {{"linear", 0.6}});
  }
  std::ofstream(path, std::ios::app) << "{\"event\":\"step\",\"st";
  report::jsonl_log log(path);
  run(log, 5, 8, 2.0f);
  const auto records = report::read_jsonl_log(path);
  std::vector<std::uint64_t> steps;
  for (const auto& r : records)
    if (r.event == "step") {
      steps.push_back(r.step);
      CHECK(r.loss == (r.step <= 5 ? 1.0 : 2.0));
    }
  CHECK(steps == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(content(path).find("0.6") == std::string::npos);
  CHECK(content(path).find("\"linear\":0.5") != std::string::npos);
}

TEST_CASE("jsonl_log: a resumed run with nothing to drop leaves the bytes before it alone", "[report][jsonl_log]") {
  folder f;
  const std::string path = f.file("a.jsonl");
  {
    report::jsonl_log log(path);
    run(log, 0, 5, 1.0f);
  }
  const std::string before = content(path);
  report::jsonl_log log(path);
  run(log, 5, 6, 2.0f);
  CHECK(content(path).substr(0, before.size()) == before);
}

TEST_CASE("jsonl_log: a run from step 0 begins a new file, and a resumed one without a file too", "[report][jsonl_log]") {
  folder f;
  const std::string path = f.file("a.jsonl");
  std::ofstream(path) << "anything\n";
  report::jsonl_log log(path);
  run(log, 0, 1, 1.0f);
  CHECK(report::read_jsonl_log(path).size() == 2);
  report::jsonl_log other(f.file("b.jsonl"));
  run(other, 5, 6, 1.0f);
  CHECK(report::read_jsonl_log(other.path()).size() == 2);
}

TEST_CASE("jsonl_log: copies write to one file", "[report][jsonl_log]") {
  folder f;
  report::jsonl_log log(f.file("a.jsonl"));
  report::jsonl_log copy = log;
  run(copy, 0, 2, 1.0f);
  log.record("probe", 2, {});
  CHECK(report::read_jsonl_log(log.path()).size() == 4);
}

TEST_CASE("jsonl_log: a loop without on_start gets its file at the first step", "[report][jsonl_log]") {
  folder f;
  report::jsonl_log log(f.file("a.jsonl"));
  step_report r;
  r.step = 1;
  log.on_step(r);
  CHECK(report::read_jsonl_log(log.path()).size() == 1);
}

TEST_CASE("jsonl_log: wrong files are one sentence each", "[report][jsonl_log]") {
  folder f;
  const auto id = [](auto&& action) {
    try {
      action();
    } catch (const pretext::error& e) {
      return e.id();
    }
    return std::string("none");
  };
  CHECK(id([&] { report::jsonl_log(f.file("no/such/folder.jsonl")).open(); }) == "report.101");
  CHECK(id([&] { report::jsonl_log("").open(); }) == "io.100");
  for (const char* bad : {"my notes\n", "[1]\n", "{\"step\":1}\n\n", "{\"step\":1,\"x\":[2]}\n", "{\"step\":1\n"}) {
    const std::string path = f.file("notes.txt");
    std::ofstream(path) << bad;
    CHECK(id([&] { report::jsonl_log(path).open(3); }) == "report.103");
    CHECK(content(path) == bad);  // what is not ours is not touched
  }
}

TEST_CASE("jsonl_log: a full disk is one sentence", "[report][jsonl_log]") {
  if (!fs::exists("/dev/full")) {
    WARN("skipped: no /dev/full here");
    return;
  }
  report::jsonl_log log("/dev/full");
  log.open();
  try {
    log.record("probe", 0, {});
    FAIL("nothing was thrown");
  } catch (const pretext::error& e) {
    CHECK(e.id() == "report.102");
    CHECK(std::string(e.what()).find("/dev/full") != std::string::npos);
  }
}
