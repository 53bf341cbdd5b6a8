// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/loader.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

namespace {

/// A data set of numbers that counts what is asked of it and may fail at one image.
struct numbers {
  index_t bad = -1;
  int sleep_us = 0;
  mutable std::atomic<int> gathered{0};

  void gather(std::span<const index_t> ids, data::image_batch& out) const {
    out.clear();
    for (const index_t i : ids) {
      if (i == bad) throw std::runtime_error("image " + std::to_string(i) + " is gone");
      out.ids.push_back(static_cast<std::uint64_t>(i));
    }
    if (sleep_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(sleep_us));
    ++gathered;
  }
};
const data::sampler_settings small{.batch_size = 3, .seed = 2};

std::vector<std::uint64_t> expected(index_t step) {
  data::epoch_sampler s(20, small);
  const auto v = s.indices(step);
  return {v.begin(), v.end()};
}

}  // namespace

TEST_CASE("loader: the batches are the sampler's for every number ahead", "[data][loader]") {
  for (const int ahead : {0, 1, 2, 7}) {
    const numbers set;
    data::prefetching_loader loader(set, data::epoch_sampler(20, small), 4, 19, ahead);
    for (index_t step = 4; step < 19; ++step) {
      CHECK(loader.position() == step);
      const data::image_batch* b = loader.next();
      REQUIRE(b != nullptr);
      CHECK(b->ids == expected(step));
    }
    CHECK(loader.next() == nullptr);
    CHECK(loader.next() == nullptr);
    CHECK(set.gathered == 15);
  }
}

TEST_CASE("loader: a batch stays untouched until the next call", "[data][loader]") {
  const numbers set;
  data::prefetching_loader loader(set, data::epoch_sampler(20, small), 0, 50, 1);
  for (index_t step = 0; step < 50; ++step) {
    const data::image_batch* b = loader.next();
    REQUIRE(b != nullptr);
    if (step % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the worker would be far ahead
    CHECK(b->ids == expected(step));
  }
}

TEST_CASE("loader: it gathers no further ahead than it was told", "[data][loader]") {
  const numbers set;
  data::prefetching_loader loader(set, data::epoch_sampler(20, small), 0, 1000, 3);
  REQUIRE(loader.next() != nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(set.gathered <= 4);
}

TEST_CASE("loader: an exception comes out at its batch, after the good ones", "[data][loader]") {
  for (const int ahead : {0, 2}) {
    numbers set;
    set.bad = static_cast<index_t>(expected(3)[1]);
    data::prefetching_loader loader(set, data::epoch_sampler(20, small), 0, 6, ahead);
    for (int i = 0; i < 3; ++i) REQUIRE(loader.next() != nullptr);
    CHECK_THROWS_AS(loader.next(), std::runtime_error);
    CHECK_THROWS_AS(loader.next(), std::runtime_error);  // it stays broken
  }
}

TEST_CASE("loader: it can be left at any moment", "[data][loader]") {
  int taken = 0;
  for (int round = 0; round < 60; ++round) {
    numbers set;
    set.sleep_us = round % 3 * 100;
    data::prefetching_loader loader(set, data::epoch_sampler(20, small), 0, 1000, 1 + round % 4);
    for (int i = 0; i < round % 6; ++i) taken += loader.next() != nullptr ? 1 : 0;
  }
  CHECK(taken == 150);  // and every loader left behind has stopped its thread
}

TEST_CASE("loader: no steps give no batch", "[data][loader]") {
  const numbers set;
  data::prefetching_loader loader(set, data::epoch_sampler(20, small), 7, 7);
  CHECK(loader.next() == nullptr);
  CHECK(has(thrown([&] { data::prefetching_loader x(set, data::epoch_sampler(20, small), 7, 6); }), "data.092"));
  CHECK(has(thrown([&] { data::prefetching_loader x(set, data::epoch_sampler(20, small), 0, 6, -1); }), "data.092"));
}
