// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/sampler.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

namespace {

std::vector<index_t> step(data::epoch_sampler& s, index_t n) {
  const auto v = s.indices(n);
  return {v.begin(), v.end()};
}

}  // namespace

TEST_CASE("shuffle_indices: a permutation, frozen by these numbers", "[data][sampler]") {
  std::vector<index_t> v(10);
  std::iota(v.begin(), v.end(), index_t{0});
  auto w = v;
  data::shuffle_indices(w, pretext::rng::key{.seed = 1}.with_purpose(pretext::rng::purpose::shuffle));
  CHECK(w == std::vector<index_t>{5, 8, 0, 2, 1, 7, 9, 3, 4, 6});
  CHECK(std::is_permutation(w.begin(), w.end(), v.begin()));
  std::vector<index_t> none, one{7};
  data::shuffle_indices(none, {});
  data::shuffle_indices(one, {});
  CHECK(one[0] == 7);
}

TEST_CASE("shuffle_indices: every order of three is equally likely", "[data][sampler]") {
  int seen[6] = {};
  for (std::uint64_t k = 0; k < 6000; ++k) {
    std::vector<index_t> v{0, 1, 2};
    data::shuffle_indices(v, {.seed = k});
    ++seen[v[0] * 2 + (v[1] > v[2])];
  }
  for (const int n : seen) CHECK(std::abs(n - 1000) < 120);  // four standard deviations
}

TEST_CASE("sampler: an epoch has every image once, in an order of its own", "[data][sampler]") {
  for (const index_t n : {1, 7, 13, 31, 257})
    for (const index_t b : {1, 3, 31, 300}) {
      data::epoch_sampler s(n, {.batch_size = b, .drop_last = false});
      std::vector<index_t> first, second;
      const index_t per = s.batches_per_epoch();
      CHECK(per == (n + b - 1) / b);
      for (index_t k = 0; k < per; ++k) {
        const auto x = step(s, k);
        first.insert(first.end(), x.begin(), x.end());
      }
      for (index_t k = per; k < 2 * per; ++k) {
        const auto x = step(s, k);
        second.insert(second.end(), x.begin(), x.end());
      }
      if (n > 7) CHECK(first != second);
      std::sort(first.begin(), first.end());
      std::sort(second.begin(), second.end());
      std::vector<index_t> all(static_cast<std::size_t>(n));
      std::iota(all.begin(), all.end(), index_t{0});
      CHECK(first == all);
      CHECK(second == all);
    }
}

TEST_CASE("sampler: any step can be asked for first", "[data][sampler]") {
  const data::sampler_settings settings{.batch_size = 4, .seed = 9};
  data::epoch_sampler a(30, settings);
  std::vector<std::vector<index_t>> run;
  for (index_t k = 0; k < 25; ++k) run.push_back(step(a, k));
  for (const index_t k : {24, 0, 13, 6, 7, 13}) {
    data::epoch_sampler b(30, settings);
    CHECK(step(b, k) == run[static_cast<std::size_t>(k)]);
    CHECK(step(a, k) == run[static_cast<std::size_t>(k)]);
  }
  data::epoch_sampler other(30, {.batch_size = 4, .seed = 10});
  CHECK(step(other, 0) != run[0]);
}

TEST_CASE("sampler: without shuffling the order is the set's", "[data][sampler]") {
  data::epoch_sampler s(5, {.batch_size = 2, .shuffle = false, .drop_last = false});
  CHECK(step(s, 0) == std::vector<index_t>{0, 1});
  CHECK(step(s, 2) == std::vector<index_t>{4});
  CHECK(step(s, 3) == std::vector<index_t>{0, 1});
  data::epoch_sampler dropped(5, {.batch_size = 2, .shuffle = false});
  CHECK(dropped.batches_per_epoch() == 2);
  CHECK(step(dropped, 2) == std::vector<index_t>{0, 1});
}

TEST_CASE("sampler: the ranks in order see the batch of one rank", "[data][sampler]") {
  for (const int ranks : {2, 3, 5})
    for (index_t k = 0; k < 9; ++k) {
      data::epoch_sampler whole(17, {.batch_size = 7, .drop_last = false});
      std::vector<index_t> joined;
      for (int r = 0; r < ranks; ++r) {
        data::epoch_sampler part(17, {.batch_size = 7, .drop_last = false, .rank = r, .ranks = ranks});
        const auto x = step(part, k);
        joined.insert(joined.end(), x.begin(), x.end());
      }
      CHECK(joined == step(whole, k));
    }
}

TEST_CASE("sampler: settings that give no batch are refused", "[data][sampler]") {
  const auto make = [](index_t n, data::sampler_settings s) { return thrown([&] { data::epoch_sampler x(n, s); }); };
  CHECK(has(make(0, {}), "data.090"));
  CHECK(has(make(5, {.batch_size = 0}), "data.090"));
  CHECK(has(make(5, {.batch_size = 6}), "larger than the 5 images"));
  CHECK(make(5, {.batch_size = 6, .drop_last = false}) == "nothing");
  CHECK(has(make(5, {.batch_size = 2, .rank = 2, .ranks = 2}), "data.090"));
  CHECK(has(make(5, {.batch_size = 2, .rank = 0, .ranks = 3}), "data.090"));
  data::epoch_sampler s(5, {.batch_size = 5});
  CHECK(has(thrown([&] { (void)s.indices(-1); }), "data.091"));
  CHECK(has(thrown([&] { (void)s.indices(index_t{1} << 24); }), "data.091"));
  CHECK(step(s, (index_t{1} << 24) - 1).size() == 5);
}
