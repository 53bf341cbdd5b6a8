// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/comm/threads.hpp"

#include <atomic>
#include <string>
#include <vector>

#include "pretext/comm/planned.hpp"
#include "support/catch.hpp"

using pretext::extents;
using pretext::index_t;
using pretext::tensor_view;
namespace comm = pretext::comm;

TEST_CASE("threads: a sum runs in rank order and has the same bits on every rank", "[comm][threads]") {
  for (const int ranks : {1, 2, 3, 7}) {
    for (const index_t n : {0, 1, 7, 31, 257}) {
      std::vector<std::vector<float>> values(static_cast<std::size_t>(ranks));
      std::vector<float> expected(static_cast<std::size_t>(n));
      for (int r = 0; r < ranks; ++r)
        for (index_t i = 0; i < n; ++i) {
          // Numbers whose sum depends on the order.
          const float v = (r % 2 == 0 ? 1e8f : -1e8f) + 0.37f * static_cast<float>(i + 1) * static_cast<float>(r + 1);
          values[static_cast<std::size_t>(r)].push_back(v);
          expected[static_cast<std::size_t>(i)] = r == 0 ? v : expected[static_cast<std::size_t>(i)] + v;
        }
      comm::threads_group group(ranks);
      group.run([&](comm::threads& me) {
        std::vector<float>& own = values[static_cast<std::size_t>(me.rank())];
        me.all_reduce_sum(tensor_view<float>{own.data(), extents(n)});
      });
      for (const auto& v : values) CHECK(v == expected);
    }
  }
}

TEST_CASE("threads: gathering puts the parts in rank order on every rank", "[comm][threads]") {
  comm::threads_group group(3);
  std::vector<std::vector<int>> whole(3, std::vector<int>(6));
  group.run([&](comm::threads& me) {
    const std::vector<int> part{10 * me.rank(), 10 * me.rank() + 1};
    me.all_gather(tensor_view<const int>{part.data(), extents(2)},
                  tensor_view<int>{whole[static_cast<std::size_t>(me.rank())].data(), extents(6)});
  });
  for (const auto& w : whole) CHECK(w == std::vector<int>{0, 1, 10, 11, 20, 21});
}

TEST_CASE("threads: many exchanges in a row do not mix", "[comm][threads]") {
  comm::threads_group group(4);
  std::atomic<int> wrong = 0;
  group.run([&](comm::threads& me) {
    std::vector<double> x(5), all(20);
    for (int round = 0; round < 500; ++round) {
      for (double& v : x) v = me.rank() + round;
      me.all_reduce_sum(tensor_view<double>{x.data(), extents(5)});
      if (x[3] != 4 * round + 6) ++wrong;
      me.all_gather(tensor_view<const double>{x.data(), extents(5)}, tensor_view<double>{all.data(), extents(20)});
      if (all[17] != 4 * round + 6) ++wrong;
      me.barrier();
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("threads: a rank that fails stops the others, and its error is the one that comes out", "[comm][threads]") {
  comm::threads_group group(3);
  CHECK_THROWS_WITH(group.run([](comm::threads& me) {
    if (me.rank() == 1) throw pretext::error("test.001", "the disk is full");
    float x = 1;
    me.all_reduce_sum(tensor_view<float>{&x, extents(1)});
  }), Catch::Contains("test.001"));
  CHECK_THROWS_WITH(group.rank(0).barrier(), Catch::Contains("pretext[comm.102]"));
}

TEST_CASE("threads: wrong sizes and wrong ranks are named", "[comm][threads]") {
  CHECK_THROWS_WITH(comm::threads_group(0), Catch::Contains("pretext[comm.100]"));
  comm::threads_group group(2);
  CHECK_THROWS_WITH(group.rank(2), Catch::Contains("pretext[comm.100]"));
  CHECK_THROWS_WITH(group.rank(-1), Catch::Contains("pretext[comm.100]"));
  CHECK_THROWS_WITH(group.run([](comm::threads& me) {
    std::vector<float> x(static_cast<std::size_t>(3 + me.rank()));
    me.all_reduce_sum(tensor_view<float>{x.data(), extents(static_cast<index_t>(x.size()))});
  }), Catch::Contains("pretext[comm.101]"));
  const float one = 1;
  float two[2]{};
  CHECK_THROWS_WITH(comm::threads().all_gather(tensor_view<const float>{&one, extents(1)}, tensor_view<float>{two, extents(2)}),
                    Catch::Contains("pretext[comm.103]"));
}

TEST_CASE("threads: a rank of no group is alone", "[comm][threads]") {
  const comm::threads alone;
  float x = 3, y = 0;
  alone.all_reduce_sum(tensor_view<float>{&x, extents(1)});
  alone.all_gather(tensor_view<const float>{&x, extents(1)}, tensor_view<float>{&y, extents(1)});
  alone.barrier();
  CHECK((x == 3 && y == 3 && alone.rank() == 0 && alone.size() == 1));
  static_assert(comm::planned{4}.size() == 4 && !comm::planned::is_single && !comm::threads::is_single);
}
