// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/token_windows.hpp"

#include <algorithm>
#include <set>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

namespace {
std::vector<index_t> epoch(data::window_sampler& s, index_t e) {
  std::vector<index_t> all;
  for (index_t b = 0; b < s.batches_per_epoch(); ++b) {
    const auto begins = s.begins(e * s.batches_per_epoch() + b);
    all.insert(all.end(), begins.begin(), begins.end());
  }
  return all;
}
}  // namespace

TEST_CASE("window_sampler: an epoch's windows are disjoint, lie inside, and cover what one epoch can", "[data][windows]") {
  for (const index_t tokens : {index_t{70}, index_t{257}, index_t{1000}, index_t{10007}})
    for (const index_t length : {index_t{1}, index_t{7}, index_t{13}, index_t{31}})
      for (const index_t shard : {index_t{1}, index_t{3}, index_t{4096}}) {
        const data::window_settings settings{.length = length, .batch_size = 1, .shard = shard, .seed = 5};
        data::window_sampler s(tokens, settings);
        CHECK(s.windows() == (tokens - 1 - (length - 1)) / length);
        std::set<index_t> seen;
        for (const index_t begin : epoch(s, 3)) {
          CHECK(begin >= 0);
          CHECK(begin + length + 1 <= tokens);
          CHECK(seen.insert(begin).second);
        }
        CHECK(static_cast<index_t>(seen.size()) == s.windows());
        index_t before = -length;
        for (const index_t begin : seen) {
          CHECK(begin - before >= length);
          before = begin;
        }
      }
}

TEST_CASE("window_sampler: the order follows from seed and epoch alone", "[data][windows]") {
  const data::window_settings settings{.length = 8, .batch_size = 4, .shard = 10, .seed = 1};
  data::window_sampler a(2000, settings), b(2000, settings);
  const auto third = epoch(a, 3);
  epoch(b, 7);
  CHECK(epoch(b, 3) == third);  // whatever was asked before
  CHECK(epoch(a, 4) != third);
  data::window_settings other = settings;
  other.seed = 2;
  data::window_sampler c(2000, other);
  CHECK(epoch(c, 3) != third);
  // Frozen: a run that goes on with a newer version sees the same windows.
  data::window_sampler d(100, {.length = 5, .batch_size = 3, .shard = 4, .seed = 9});
  CHECK(epoch(d, 0) == std::vector<index_t>{38, 23, 28, 33, 58, 53, 48, 43, 78, 63, 68, 73, 83, 93, 88, 18, 8, 13});
}

TEST_CASE("window_sampler: windows of one shard come together", "[data][windows]") {
  data::window_sampler s(8 * 100 + 1, {.length = 8, .batch_size = 10, .shard = 10, .shift = false});
  const auto all = epoch(s, 0);
  std::set<index_t> order;
  for (std::size_t i = 0; i < all.size(); i += 10) {
    for (std::size_t j = 1; j < 10; ++j) CHECK(all[i + j] / 80 == all[i] / 80);
    order.insert(all[i] / 80);
  }
  CHECK(order.size() == 10);
  CHECK_FALSE(std::is_sorted(all.begin(), all.end()));
}

TEST_CASE("window_sampler: ranks in order see the batch of one", "[data][windows]") {
  data::window_settings settings{.length = 4, .batch_size = 7, .shard = 5, .seed = 3};
  data::window_sampler whole(500, settings);
  settings.ranks = 3;
  for (index_t step = 0; step < 40; ++step) {
    std::vector<index_t> joined;
    for (int rank = 0; rank < 3; ++rank) {
      settings.rank = rank;
      data::window_sampler part(500, settings);
      const auto begins = part.begins(step);
      joined.insert(joined.end(), begins.begin(), begins.end());
    }
    const auto all = whole.begins(step);
    CHECK(joined == std::vector<index_t>(all.begin(), all.end()));
  }
}

TEST_CASE("window_sampler: in order where nothing is shuffled", "[data][windows]") {
  data::window_sampler s(21, {.length = 5, .batch_size = 2, .shuffle = false, .shift = false});
  CHECK(epoch(s, 0) == std::vector<index_t>{0, 5, 10, 15});
  CHECK(epoch(s, 1) == std::vector<index_t>{0, 5, 10, 15});
  data::window_sampler masked(20, {.length = 5, .ahead = 0, .batch_size = 4, .shuffle = false, .shift = false});
  CHECK(masked.windows() == 4);
}

TEST_CASE("window_sampler: settings that give no batch are one sentence", "[data][windows]") {
  CHECK(has(thrown([] { data::window_sampler(10, {.length = 8, .batch_size = 2}); }), "pretext[data.114] 10 tokens hold 0 windows of 8, fewer than a batch of 2"));
  CHECK(has(thrown([] { data::window_sampler(0, {}); }), "pretext[data.114]"));
  CHECK(has(thrown([] { data::window_sampler(100, {.length = 0}); }), "pretext[data.114] windows of 0 tokens"));
  CHECK(has(thrown([] { data::window_sampler(1000, {.length = 4, .batch_size = 2, .rank = 2, .ranks = 2}); }), "pretext[data.114] windows: rank 2 of 2"));
  data::window_sampler s(1000, {.length = 4, .batch_size = 2});
  CHECK(has(thrown([&] { s.begins(-1); }), "pretext[data.091]"));
}
