// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/schedule/schedule.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/golden.hpp"

namespace schedule = pretext::schedule;

namespace {
const golden::file& file() {
  static const golden::file f("optimizers");
  return f;
}
template <class Schedule>
void follow(const std::string& name, const Schedule& s, std::uint64_t total) {
  INFO(name);
  const golden::tensor rates = file()["schedule." + name];
  std::vector<double> mine;
  for (std::uint64_t t = 0; t < rates.values.size(); ++t) mine.push_back(file().number("schedule.base") * s.factor(t, total));
  CHECK(golden::relative_error(mine, rates) < 1e-13);
}
}  // namespace

TEST_CASE("schedules: rates are PyTorch's", "[schedule]") {
  for (const std::uint64_t total : {1u, 2u, 10u, 37u}) follow("cosine.total" + std::to_string(total), schedule::cosine{}, total);
  for (const auto& [total, warmup] : {std::pair<std::uint64_t, std::uint64_t>{10, 3}, {37, 20}, {5, 5}, {4, 20}})
    follow("cosine_warmup.total" + std::to_string(total) + "warmup" + std::to_string(warmup) + ".from_one", schedule::cosine{.warmup_steps = warmup}, total);
  follow("cosine_annealing.total10last0.01", schedule::cosine{.last = 0.1}, 10);
  follow("step.size4gamma0.1", schedule::step{.every_steps = 4}, 0);
  follow("linear.total10", schedule::linear{}, 10);
  follow("linear_lr.from1to0.2total8", schedule::linear{.last = 0.2}, 8);
}

TEST_CASE("schedules: where the end is not known a rate warms up and stays", "[schedule]") {
  CHECK(schedule::cosine{.warmup_steps = 4}.factor(1, 0) == 0.5);
  CHECK(schedule::cosine{.warmup_steps = 4}.factor(100000, 0) == 1);
  CHECK(schedule::linear{}.factor(100000, 0) == 1);
  CHECK(schedule::constant{.warmup_steps = 3}.factor(0, 0) == Approx(1.0 / 3).epsilon(1e-10));
  CHECK(schedule::constant{}.factor(0, 0) == 1);
}

TEST_CASE("schedules: beyond the end the last rate holds, and a step length of 0 does not divide", "[schedule]") {
  CHECK(schedule::cosine{.last = 0.1}.factor(1000, 10) == Approx(0.1).epsilon(1e-10));
  CHECK(schedule::linear{.last = 0.1}.factor(1000, 10) == Approx(0.1).epsilon(1e-10));
  CHECK(std::isfinite(schedule::step{.every_steps = 0}.factor(7, 0)));
}
