// SPDX-License-Identifier: BSD-3-Clause
// A device played by the host, whose memory is a segmentation fault for everybody but kernels and copies: every case of this file also shows
// that nobody else touches it.
#include "pretext/train/own_memory.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "own_memory.hpp"

namespace {
using namespace own_memory;

/// How a piece of work ends in a process of its own: the number of the signal, or 0.
template <class F>
int signal_of(F&& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // not Catch's, which would tell of it
    std::signal(SIGABRT, SIG_DFL);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/// A family that does a thing too much in its step.
int host_step = 0;
[[maybe_unused]] float host_numbers[5] = {};
struct by_value {
  template <class S>
  static void run(S& s) {
    s.ctx(op::shift, 1e-3f * static_cast<float>(host_step), s.players[0].parameters);
  }
};
struct reads_inputs {
  template <class S>
  static void run(S& s) {
    if (!s.ctx.memory->planning() && s.inputs->step > 100) s.ctx(op::fill, 0.0f, s.loss);
  }
};
struct host_address {
  template <class S>
  static void run(S& s) {
    s.ctx(op::add, px::tensor_view<const float>{host_numbers, {1}}, s.loss);
  }
};
template <class R>
struct meddling_family : px::method::joint_embedding<R> {
  using px::method::joint_embedding<R>::joint_embedding;
  template <class S>
  void step(S& s, const px::image_list& in) const {
    px::method::joint_embedding<R>::step(s, in);
    R::meddler::run(s);
  }
};
template <class Meddler>
struct meddling : px::recipe::simclr {
  template <class R>
  using family = meddling_family<R>;
  using meddler = Meddler;
  using input = px::image<1, 9, 7>;
  using encoder = px::nn::sequential<px::nn::flatten, px::nn::linear<5>>;
  using head = px::nn::linear<6>;
  using views = px::augment::chain<px::augment::horizontal_flip>;
};
}  // namespace

TEMPLATE_TEST_CASE("own_memory: a whole run has the bits of one in memory of the host, launched anew or replayed", "[train][own_memory][cuda]", simclr,
                   byol, tiny::moco) {
  const std::string expected = trained<TestType, host>(false);
  CHECK(tiny::differences(trained<TestType, device>(false), expected) == 0);
  CHECK(tiny::differences(trained<TestType, device>(true), expected) == 0);
}

TEST_CASE("own_memory: a number that a step passes by value shows as a difference once steps are replayed", "[train][own_memory][cuda]") {
  using recipe = meddling<by_value>;
  const auto run_with = [](auto& t, bool records) {
    t.record_steps(records);
    for (host_step = 0; host_step < 6; ++host_step) run(t, host_step, host_step + 1);
    return tiny::state(t);
  };
  trainer<recipe, host> on_host(settings<recipe, host>());
  trainer<recipe, device> anew(settings<recipe, device>()), replayed(settings<recipe, device>());
  const std::string expected = run_with(on_host, false);
  CHECK(tiny::differences(run_with(anew, false), expected) == 0);
  CHECK(tiny::differences(run_with(replayed, true), expected) > 0);
}

TEST_CASE("own_memory: the host that touches numbers of the device crashes", "[train][own_memory][cuda]") {
  trainer<simclr, device> t(settings<simclr, device>());
  run(t, 0, 2);
  volatile float seen = 0;
  const auto& player = t.players()[0];
  CHECK(signal_of([] {}) == 0);
  CHECK(signal_of([&] { seen = player.parameters.data()[0]; }) == SIGSEGV);
  CHECK(signal_of([&] { player.gradients.data()[0] = 1; }) == SIGSEGV);
  CHECK(signal_of([&] { seen = t.parameters(t.family().encoder()).weights[3]; }) == SIGSEGV);
  CHECK(signal_of([] {
          trainer<meddling<reads_inputs>, device> bad(settings<meddling<reads_inputs>, device>());
          run(bad, 0, 1);
        }) == SIGSEGV);
  static_cast<void>(seen);
}

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
TEST_CASE("own_memory: a kernel that holds an address of the host is named when it is recorded", "[train][own_memory][cuda]") {
  using recipe = meddling<host_address>;
  trainer<recipe, device> t(settings<recipe, device>());
  CHECK_NOTHROW(run(t, 0, 1));
  CHECK_THROWS_WITH(run(t, 1, 2), Catch::Contains("pretext[backend.121]") && Catch::Contains("address of the host"));
}
#endif
#endif

TEST_CASE("own_memory: a step is one upload and the same launches each time, and nothing comes back between reports", "[train][own_memory][cuda]") {
  device be;
  trainer<byol, device> t(settings<byol, device>(), be);
  t.report_every(5);
  t.set_steps_total(12);
  const auto data = tiny::pictures(24);
  std::vector<index_t> uploads, downloads, launches;
  std::vector<float> losses;
  const std::size_t bytes = be.bytes();
  for (int s = 0; s < 12; ++s) {
    const index_t u = be.uploads(), d = be.downloads(), l = be.launches();
    losses.push_back(t.step(tiny::batch(data, s % 4 * 6, 6).list()).loss);
    uploads.push_back(be.uploads() - u), downloads.push_back(be.downloads() - d), launches.push_back(be.launches() - l);
    CHECK(t.report().step == static_cast<std::uint64_t>(s + 1));
  }
  CHECK(uploads[0] > 1);  // the start of everything
  CHECK(std::vector<index_t>(uploads.begin() + 1, uploads.end()) == std::vector<index_t>(11, 1));
  CHECK(downloads == std::vector<index_t>{downloads[0], 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1});  // after the first, every fifth, the last
  CHECK(launches == std::vector<index_t>(12, launches[0]));
  CHECK(losses[4] == losses[0]);
  CHECK(losses[5] != losses[0]);
  CHECK(losses[11] != losses[10]);
  CHECK(be.bytes() == bytes);
  CHECK(static_cast<float>(t.loss()) == losses[11]);
}

namespace {
struct cropped : simclr {  // steps of its views take no scratch, whatever the pictures are
  using views = px::augment::chain<px::augment::center_crop>;
};
}  // namespace

TEST_CASE("own_memory: batches of several sizes are recorded apart, and a larger one than planned is named", "[train][own_memory][cuda]") {
  const auto steps = [](auto& t) {
    const auto data = tiny::pictures(24);
    for (const index_t n : {6, 4, 6, 4, 6, 4, 1, 6, 1, 1}) t.step(tiny::batch(data, n, n).list());
    return tiny::state(t);
  };
  trainer<simclr, host> expected(settings<simclr, host>());
  trainer<simclr, device> t(settings<simclr, device>());
  CHECK(tiny::differences(steps(t), steps(expected)) == 0);
  CHECK_THROWS_WITH(t.step(tiny::batch(tiny::pictures(7), 0, 7).list()), Catch::Contains("pretext[memory.100]"));
  CHECK_THROWS_WITH(t.step(tiny::batch(tiny::pictures(6, 40, 40), 0, 6).list()), Catch::Contains("pretext[augment.110]"));
  trainer<cropped, device> of_crops(settings<cropped, device>());
  of_crops.step(tiny::batch(tiny::pictures(6), 0, 6).list());
  CHECK_THROWS_WITH(of_crops.step(tiny::batch(tiny::pictures(6, 40, 40), 0, 6).list()), Catch::Contains("pretext[memory.101]"));
  t.plan(9);  // all records are of memory that is gone
  expected.plan(9);
  CHECK(tiny::differences(steps(t), steps(expected)) == 0);
}

namespace {
struct poisoned : tiny::byol {
  using views = px::augment::chain<px::augment::horizontal_flip, tiny::poison>;
};
}  // namespace

TEST_CASE("own_memory: a step whose gradient is not finite leaves what it leaves on the host, and the next report says so", "[train][own_memory][cuda]") {
  const auto steps = [](auto& t, std::vector<bool>& finite) {
    const auto data = tiny::pictures(24);
    t.set_steps_total(10);
    for (int s = 0; s < 10; ++s) finite.push_back(t.step(tiny::batch(data, s % 4 * 6, 6).list()).finite);
    return tiny::state(t);
  };
  const auto with_poison = [](auto s) {
    s.views.template chain_of<0>().template step<tiny::poison>().id = 8.0;  // in steps 1, 5 and 9
    return s;
  };
  std::vector<bool> on_host, every, seldom;
  trainer<poisoned, host> expected(with_poison(settings<poisoned, host>()));
  const std::string state = steps(expected, on_host);
  CHECK(on_host == std::vector<bool>{true, false, true, true, true, false, true, true, true, false});
  trainer<poisoned, device> t(with_poison(settings<poisoned, device>()));
  t.report_every(1);
  CHECK(tiny::differences(steps(t, every), state) == 0);
  CHECK(every == on_host);
  trainer<poisoned, device> u(with_poison(settings<poisoned, device>()));
  u.report_every(3);
  CHECK(tiny::differences(steps(u, seldom), state) == 0);
  // Read after steps 1, 4, 7 and 10, each for those before it as well.
  CHECK(seldom == std::vector<bool>{true, true, true, false, false, false, false, false, false, false});
}
