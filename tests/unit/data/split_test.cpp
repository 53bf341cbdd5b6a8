// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/split.hpp"

#include <algorithm>
#include <cstdint>
#include <cmath>
#include <set>
#include <vector>

#include "pretext/data/in_memory.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

namespace {

data::image_set labelled(const std::vector<int>& labels, int classes = 0) {
  const std::vector<std::uint8_t> p(labels.size());
  return data::in_memory(p, static_cast<index_t>(p.size()), 1, 1, 1, labels, classes);
}
std::vector<index_t> counts(const data::image_set& s, const std::vector<index_t>& ids) {
  std::vector<index_t> n(static_cast<std::size_t>(s.classes()));
  for (const index_t i : ids) ++n[static_cast<std::size_t>(s.label(i))];
  return n;
}

}  // namespace

TEST_CASE("split: every image is in exactly one part", "[data][split]") {
  for (const index_t n : {2, 3, 7, 13, 257})
    for (const double f : {0.01, 0.2, 0.5, 0.99}) {
      std::vector<int> labels;
      for (index_t i = 0; i < n; ++i) labels.push_back(static_cast<int>(i * i % 5));
      const auto parts = data::choose_split(labelled(labels), f, 3);
      std::set<index_t> all(parts.train.begin(), parts.train.end());
      all.insert(parts.test.begin(), parts.test.end());
      CHECK(parts.train.size() + parts.test.size() == static_cast<std::size_t>(n));
      CHECK(all.size() == static_cast<std::size_t>(n));
      CHECK(static_cast<index_t>(parts.test.size()) == std::clamp<index_t>(std::llround(f * static_cast<double>(n)), 1, n - 1));
      CHECK(std::is_sorted(parts.train.begin(), parts.train.end()));
      CHECK(std::is_sorted(parts.test.begin(), parts.test.end()));
    }
}

TEST_CASE("split: classes keep their shares", "[data][split]") {
  std::vector<int> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(i < 50 ? 0 : i < 80 ? 1 : 2);
  const auto s = labelled(labels);
  CHECK(counts(s, data::choose_split(s, 0.2, 1).test) == std::vector<index_t>{10, 6, 4});
  CHECK(counts(s, data::choose_split(s, 0.25, 1).test)[0] >= 12);
}

TEST_CASE("split: the last image of a class stays in the training part while another class can give one", "[data][split]") {
  const auto s = labelled({0, 1, 2, 3, 4, 4, 4, 4, 4, 4});
  CHECK(counts(s, data::choose_split(s, 0.4, 9).test) == std::vector<index_t>{0, 0, 0, 0, 4});
  const auto lone = labelled({0, 1, 2});
  CHECK(data::choose_split(lone, 0.3, 9).test.size() == 1);  // nobody else can
}

TEST_CASE("split: the seed alone decides", "[data][split]") {
  const auto s = labelled(std::vector<int>(100, 0));
  CHECK(data::choose_split(s, 0.2, 5).test == data::choose_split(s, 0.2, 5).test);
  CHECK(data::choose_split(s, 0.2, 5).test != data::choose_split(s, 0.2, 6).test);
  const auto parts = data::split(s);
  CHECK(parts.train.size() == 80);
  CHECK(parts.test.size() == 20);
}

TEST_CASE("split: unlabelled images are shared out too", "[data][split]") {
  const std::vector<std::uint8_t> p(10);
  CHECK(data::split(data::in_memory(p, 10, 1, 1, 1), 0.3).test.size() == 3);
}

TEST_CASE("split: what cannot be split is refused", "[data][split]") {
  CHECK(has(thrown([] { (void)data::split(labelled({0})); }), "data.080"));
  CHECK(has(thrown([] { (void)data::split(data::image_set()); }), "data.080"));
  for (const double f : {0.0, 1.0, -0.5, 2.0, std::nan("")}) CHECK(has(thrown([f] { (void)data::split(labelled({0, 1}), f); }), "data.081"));
}

TEST_CASE("few_labels: n of every class, and fewer are part of more", "[data][split]") {
  std::vector<int> labels;
  for (int i = 0; i < 90; ++i) labels.push_back(i * 7 % 3);
  const auto s = labelled(labels);
  const auto one = data::few_label_indices(s, 1, 4), ten = data::few_label_indices(s, 10, 4);
  CHECK(counts(s, one) == std::vector<index_t>{1, 1, 1});
  CHECK(counts(s, ten) == std::vector<index_t>{10, 10, 10});
  CHECK(std::includes(ten.begin(), ten.end(), one.begin(), one.end()));
  CHECK(data::few_label_indices(s, 10, 5) != ten);
  CHECK(data::few_labels(s, 30, 4).size() == 90);
  CHECK(data::smallest_class(s) == 30);
}

TEST_CASE("few_labels: too few images or no labels are refused by name", "[data][split]") {
  const auto s = labelled({0, 0, 1}, 3);
  CHECK(has(thrown([&] { (void)data::few_labels(s, 1, 0); }), "data.083] few_labels: class 2 has 0 images where 1"));
  CHECK(has(thrown([&] { (void)data::few_labels(s, 2, 0); }), "class 1 has 1 images where 2"));
  CHECK(has(thrown([&] { (void)data::few_labels(s, 0, 0); }), "data.083"));
  CHECK(data::smallest_class(s) == 0);
  const std::vector<std::uint8_t> p(3);
  CHECK(has(thrown([&] { (void)data::few_labels(data::in_memory(p, 3, 1, 1, 1), 1, 0); }), "data.082"));
}

TEST_CASE("random_subset: n images of all classes, nested by number", "[data][split]") {
  std::vector<int> labels;
  for (int i = 0; i < 300; ++i) labels.push_back(i / 100);  // sorted, as a folder's are
  const auto s = labelled(labels);
  const auto some = data::random_subset(s, 60, 1), more = data::random_subset(s, 90, 1);
  REQUIRE(some.size() == 60);
  std::set<std::uint64_t> ids;
  for (index_t i = 0; i < more.size(); ++i) ids.insert(more.id(i));
  CHECK(ids.size() == 90);
  index_t last = 0;
  for (index_t i = 0; i < some.size(); ++i) {
    CHECK(ids.count(some.id(i)) == 1);
    last += some.label(i) == 2;
    if (i > 0) CHECK(some.id(i) > some.id(i - 1));
  }
  CHECK(last > 8);
  CHECK(last < 32);
  CHECK(data::random_subset(s, 1000, 1).size() == 300);
  CHECK(data::random_subset(s, 0, 1).empty());
}
