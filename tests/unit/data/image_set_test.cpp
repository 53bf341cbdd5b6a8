// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/image_set.hpp"

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "pretext/data/in_memory.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::thrown;
using pretext::index_t;

namespace {

data::image_store mixed_store() {
  data::image_store s;
  s.source = "mixed";
  s.count = 3;
  s.shapes = {{1, 2, 1}, {2, 2, 3}, {1, 1, 1}};
  s.offsets = {0, data::image_store::not_resident, 2};
  s.pixels = {1, 2, 9};
  s.paths = {"a", "b", "c"};
  s.labels = {0, -1, 1};
  s.classes = 2;
  s.class_names = {"x", "y"};
  s.decode = [](const std::string& path, const data::image_shape& shape, std::vector<std::uint8_t>& into) {
    into.assign(static_cast<std::size_t>(shape.size()), static_cast<std::uint8_t>(path[0]));
  };
  return s;
}

}  // namespace

TEST_CASE("image_set: an empty one answers every question", "[data][image_set]") {
  const data::image_set s;
  CHECK(s.size() == 0);
  CHECK(s.empty());
  CHECK(!s.labelled());
  CHECK(!s.uniform());
  CHECK(s.classes() == 0);
  CHECK(s.subset({}).empty());
  CHECK(has(thrown([&] { (void)s.image(0); }), "data.001"));
  data::image_batch b;
  s.gather({}, b);
  CHECK(b.size() == 0);
}

TEST_CASE("image_set: images of one size lie one after the other", "[data][image_set]") {
  std::vector<std::uint8_t> p(2 * 3 * 4);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = static_cast<std::uint8_t>(i);
  const int labels[] = {4, 2};
  const data::image_set s = data::in_memory(p, 2, 3, 4, 1, labels);
  CHECK(s.uniform());
  CHECK(s.classes() == 5);
  CHECK(s.labelled());
  CHECK(s.label(1) == 2);
  CHECK(s.image(1)(2, 3, 0) == 23);
  CHECK(s.image(1)(0, 0, 0) == 12);
  CHECK(s.shape(0) == data::image_shape{3, 4, 1});
  for (const index_t wrong : {index_t{-1}, index_t{2}}) CHECK(has(thrown([&] { (void)s.label(wrong); }), "data.001"));
}

TEST_CASE("image_set: a subset shares the pixels and keeps the numbers", "[data][image_set]") {
  const std::vector<std::uint8_t> p{10, 11, 12, 13, 14};
  const int labels[] = {0, 1, -1, 1, 0};
  const data::image_set s = data::in_memory(p, 5, 1, 1, 1, labels);
  CHECK(!s.labelled());  // image 2 has none
  const index_t odd[] = {3, 1, 3};
  const data::image_set t = s.subset(odd);
  CHECK(t.size() == 3);
  CHECK(t.labelled());
  CHECK(t.image(0).data == s.image(3).data);
  CHECK(t.id(0) == 3);
  CHECK(t.id(1) == 1);
  const index_t last[] = {2};
  CHECK(t.subset(last).id(0) == 3);  // a subset of a subset
  const index_t outside[] = {3};
  CHECK(has(thrown([&] { (void)t.subset(outside); }), "data.001"));
  CHECK(s.first(2).size() == 2);
  CHECK(s.first(99).size() == 5);
  CHECK(s.first(0).empty());
}

TEST_CASE("image_set: gather mixes images in memory and decoded ones, and reuses its memory", "[data][image_set]") {
  const data::image_set s(mixed_store());
  CHECK(s.class_names()[1] == "y");
  auto unnamed = mixed_store();
  unnamed.class_names.pop_back();
  CHECK(data::image_set(std::move(unnamed)).class_names() == std::vector<std::string>{"x", "1"});
  CHECK(!s.uniform());
  CHECK(s.resident(0));
  CHECK(!s.resident(1));
  CHECK(has(thrown([&] { (void)s.image(1); }), "data.004] b: "));
  std::vector<std::uint8_t> scratch;
  CHECK(s.image(1, scratch)(1, 1, 2) == 'b');
  CHECK(s.image(2, scratch)(0, 0, 0) == 9);

  data::image_batch b;
  const index_t ids[] = {2, 1, 0, 1};
  s.gather(ids, b);
  REQUIRE(b.size() == 4);
  CHECK(b.ids == std::vector<std::uint64_t>{2, 1, 0, 1});
  CHECK(b.labels == std::vector<int>{1, -1, 0, -1});
  CHECK(b.images[0](0, 0, 0) == 9);
  CHECK(b.images[1].height == 2);
  CHECK(b.images[1](1, 1, 2) == 'b');
  CHECK(b.images[2](0, 1, 0) == 2);
  CHECK(b.storage.size() == 2);
  const auto* images = b.images.data();
  const auto* slot = b.storage[0].data();
  s.gather(ids, b);
  CHECK(b.images.data() == images);
  CHECK(b.storage[0].data() == slot);
  CHECK(b.storage.size() == 2);
}

TEST_CASE("image_set: several threads may gather at once", "[data][image_set]") {
  const data::image_set s(mixed_store());
  std::vector<int> good(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < good.size(); ++t)
    threads.emplace_back([&s, &good, t] {
      data::image_batch b;
      const index_t ids[] = {0, 1, 2};
      for (int i = 0; i < 200; ++i) {
        s.gather(ids, b);
        good[t] += b.images[1](0, 0, 0) == 'b' && b.images[2](0, 0, 0) == 9;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(good == std::vector<int>{200, 200, 200, 200});
}

TEST_CASE("image_set: labels that do not fit are refused in a sentence", "[data][image_set]") {
  auto few = mixed_store();
  few.labels.pop_back();
  CHECK(has(thrown([&] { data::image_set x(std::move(few)); }), "data.002] mixed: 2 labels for 3 images"));
  auto high = mixed_store();
  high.labels[2] = 2;
  CHECK(has(thrown([&] { data::image_set x(std::move(high)); }), "data.003] mixed: label 2 of image 2 is outside the 2 classes"));
  auto flat = mixed_store();
  flat.shapes[1].width = 0;
  CHECK(has(thrown([&] { data::image_set x(std::move(flat)); }), "data.005] mixed: image 1"));
}
