// SPDX-License-Identifier: BSD-3-Clause
// A run that is killed at random moments: what is in the folder can always be continued, and the end is the same.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/train/checkpoint.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
namespace train = pretext::train;

namespace {
struct smallest : px::recipe::moco {
  using input = px::image<1, 4, 4>;
  using encoder = px::nn::sequential<px::nn::conv2d<2, 1>, px::nn::batch_norm, px::nn::global_avg_pool>;
  using head = px::nn::linear<3>;
  using views = px::augment::chain<px::augment::gaussian_noise>;
};
using small = train::trainer<smallest, px::backend::reference>;

small::settings_type settings() {
  small::settings_type s{};
  s.batch_size = 4;
  s.negatives.size = 24;
  s.epochs = 150;  // 300 steps
  return s;
}
px::data::image_set data() { return tiny::pictures(9, 4, 4); }

/// The program that is killed.
[[noreturn]] void train_until_killed(const std::string& folder) {
  int status = 1;
  try {
    small t(settings());
    t.resume(folder);
    t.fit(data(), train::checkpoint(folder, {.every_steps = 1}));
    status = 0;
  } catch (...) {
  }
  ::_exit(status);
}
}  // namespace

TEST_CASE("kill -9: at thirty random moments a whole checkpoint is left, and the end is that of an uninterrupted run", "[train][checkpoint][kill]") {
  const io_test::scratch place;
  const std::string folder = place / "run";
  px::rng::stream moments(px::rng::key{.seed = 11});
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t step = 0;
  // Longer where the child got nowhere, shorter where it ran far: thirty kills fit into the run on any machine.
  std::uint32_t longest_us = 4000;
  int kills = 0;
  bool finished = false;
  for (int i = 0; i < 30 && !finished; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) train_until_killed(folder);
    std::this_thread::sleep_for(std::chrono::microseconds(moments.below(longest_us)));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
      ++kills;
    else
      finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    CHECK((WIFSIGNALED(status) || finished));
    small t(settings());
    const auto found = t.resume(folder);
    INFO("kill " << i << ", step " << step);
    CHECK(found.passed.empty());  // a file under its final name is whole
    if (step > 0) CHECK(found.resumed);
    CHECK(t.steps_done() >= step);
    if (t.steps_done() == step)
      longest_us = std::min(2 * longest_us, 200000u);
    else if (t.steps_done() > step + 10)
      longest_us = std::max(longest_us / 2, 500u);
    step = t.steps_done();
    if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(15)) break;  // a slow disk
  }
  INFO(kills << " kills until step " << step);
  CHECK(kills >= 5);
  CHECK(step > 0);

  small last(settings()), uninterrupted(settings());
  last.resume(folder);
  last.fit(data());
  uninterrupted.fit(data());
  CHECK(last.steps_done() == 300);
  CHECK(tiny::differences(tiny::state(last), tiny::state(uninterrupted)) == 0);
}
