// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/thread_pool.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using pretext::index_t;
using pretext::thread_pool;

TEST_CASE("thread_pool: every index runs exactly once for any number of threads", "[core][thread_pool]") {
  for (int threads : {1, 2, 3, 5, 16}) {
    thread_pool pool(threads);
    CHECK(pool.size() == threads);
    for (index_t count : {0, 1, 2, 7, 257, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
      pool.parallel_for(count, [&](index_t i) { ++seen[static_cast<std::size_t>(i)]; });
      index_t once = 0;
      for (auto& s : seen) once += s == 1;
      CHECK(once == count);
    }
  }
}

TEST_CASE("thread_pool: zero threads means what the machine has", "[core][thread_pool]") {
  thread_pool pool;
  const int hardware = static_cast<int>(std::thread::hardware_concurrency());
  CHECK(pool.size() == (hardware > 0 ? hardware : 1));
}

TEST_CASE("thread_pool: chunks depend on the size alone and cover it", "[core][thread_pool]") {
  for (int threads : {1, 4}) {
    thread_pool pool(threads);
    for (index_t n : {0, 1, 9, 10, 11, 1000}) {
      std::vector<std::atomic<index_t>> end_of(static_cast<std::size_t>(n + 1));
      pool.parallel_for(n, index_t{10}, [&](index_t begin, index_t end) { end_of[static_cast<std::size_t>(begin)] = end; });
      for (index_t begin = 0; begin < n; begin += 10)
        CHECK(end_of[static_cast<std::size_t>(begin)] == (begin + 10 < n ? begin + 10 : n));
    }
  }
}

TEST_CASE("thread_pool: a worker number is used by one index at a time and is below the size", "[core][thread_pool]") {
  thread_pool pool(5);
  std::vector<std::atomic<int>> busy(5);
  std::atomic<int> clashes{0};
  pool.parallel_for_worker(2000, [&](index_t, int worker) {
    if (worker < 0 || worker >= 5 || busy[static_cast<std::size_t>(worker)].fetch_add(1) != 0) ++clashes;
    busy[static_cast<std::size_t>(worker)].fetch_sub(1);
  });
  CHECK(clashes == 0);
}

TEST_CASE("thread_pool: an exception reaches the caller and the pool works on", "[core][thread_pool]") {
  for (int threads : {1, 3}) {
    thread_pool pool(threads);
    for (int round = 0; round < 20; ++round) {
      std::string caught;
      try {
        pool.parallel_for(index_t{100}, [&](index_t i) {
          if (i == 42) throw std::runtime_error("index " + std::to_string(i));
        });
      } catch (const std::runtime_error& e) {
        caught = e.what();
      }
      CHECK(caught == "index 42");
      std::atomic<int> ran{0};
      pool.parallel_for(index_t{10}, [&](index_t) { ++ran; });
      CHECK(ran == 10);
    }
  }
}

TEST_CASE("thread_pool: a nested loop runs inline and whole", "[core][thread_pool]") {
  thread_pool pool(4);
  std::atomic<int> inner{0};
  std::atomic<int> strangers{0};
  pool.parallel_for(index_t{20}, [&](index_t) {
    const auto me = std::this_thread::get_id();
    pool.parallel_for(index_t{30}, [&](index_t) {
      ++inner;
      if (std::this_thread::get_id() != me) ++strangers;
    });
  });
  CHECK(inner == 600);
  CHECK(strangers == 0);
}

TEST_CASE("thread_pool: two callers at once each get their whole loop", "[core][thread_pool]") {
  thread_pool pool(3);
  std::atomic<long> total{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      for (int r = 0; r < 50; ++r) pool.parallel_for(index_t{17}, [&](index_t i) { total += i; });
    });
  for (auto& c : callers) c.join();
  CHECK(total == 4 * 50 * 136);
}

TEST_CASE("thread_pool: more workers than one machine has cores take part", "[core][thread_pool]") {
  thread_pool pool(8);
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  // Two indices wait for each other: only a pool that really runs them side by side gets through.
  pool.parallel_for(index_t{2}, [&](index_t) {
    ++inside;
    for (int turn = 0; turn < 1000000 && inside < 2; ++turn) std::this_thread::yield();
    if (inside == 2) together = true;
  });
  CHECK(together);
}

TEST_CASE("thread_pool: of several exceptions the lowest index's reaches the caller", "[core][thread_pool]") {
  for (int threads : {2, 3, 8}) {
    thread_pool pool(threads);
    for (int round = 0; round < 200; ++round) {
      index_t caught = -1;
      try {
        pool.parallel_for(index_t{40}, [](index_t i) {
          if (i >= 5) throw i;
        });
      } catch (const index_t i) {
        caught = i;
      }
      REQUIRE(caught == 5);
    }
  }
}

TEST_CASE("thread_pool: workers that look out, fall asleep or sleep all come", "[core][thread_pool]") {
  using clock = std::chrono::steady_clock;
  for (int threads : {2, 3, 5}) {
    thread_pool pool(threads);
    for (int round = 0; round < 300; ++round) {
      // From nothing to 120 us: on both sides of the moment when a worker gives up looking; now and then much longer.
      const auto until = clock::now() + std::chrono::microseconds(round % 50 == 49 ? 3000 : round % 60 * 2);
      while (clock::now() < until) {
      }
      // All wait for each other, so each thread has to take one.
      std::atomic<int> inside{0};
      std::atomic<bool> late{false};
      pool.parallel_for(index_t{threads}, [&](index_t) {
        ++inside;
        const auto end = clock::now() + std::chrono::seconds(20);
        while (inside < threads && !late) {
          std::this_thread::yield();
          if (clock::now() > end) late = true;
        }
      });
      REQUIRE_FALSE(late);
    }
  }
}

TEST_CASE("thread_pool: pools that are made and end at once, after work or without", "[core][thread_pool]") {
  for (int round = 0; round < 100; ++round) {
    thread_pool pool(1 + round % 5);
    std::atomic<int> ran{0};
    for (int loop = 0; loop < round % 3; ++loop) pool.parallel_for(index_t{6}, [&](index_t) { ++ran; });
    CHECK(ran == 6 * (round % 3));
  }
}

TEST_CASE("combine_in_tree: adds everything once along a tree of the count alone", "[core][thread_pool]") {
  for (index_t count : {1, 2, 3, 7, 13, 31, 257}) {
    std::vector<std::string> parts;
    long sum = 0;
    std::vector<long> values;
    for (index_t i = 0; i < count; ++i) {
      values.push_back(i + 1);
      sum += i + 1;
      parts.push_back(std::to_string(i));
    }
    pretext::combine_in_tree(count, [&](index_t into, index_t from) {
      values[static_cast<std::size_t>(into)] += values[static_cast<std::size_t>(from)];
      parts[static_cast<std::size_t>(into)] =
          "(" + parts[static_cast<std::size_t>(into)] + "+" + parts[static_cast<std::size_t>(from)] + ")";
    });
    CHECK(values[0] == sum);
    if (count == 7) CHECK(parts[0] == "(((0+1)+(2+3))+((4+5)+6))");
  }
  bool called = false;
  pretext::combine_in_tree(0, [&](index_t, index_t) { called = true; });
  CHECK_FALSE(called);
}
