// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/train/encoder.hpp"

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/train/trainer.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
using px::index_t;
using tiny::state;

namespace {
template <class Backend>
using trainer = px::train::trainer<tiny::simclr, Backend>;

/// Some rows of an embedding.
std::vector<float> rows(const std::vector<float>& all, index_t first, index_t count, index_t width) {
  return {all.begin() + first * width, all.begin() + (first + count) * width};
}

template <class Backend>
void check_bits() {
  trainer<Backend> t(tiny::settings<trainer<Backend>>(13));
  t.fit(tiny::pictures(26));
  const std::string before = state(t);
  const auto encoder = t.encoder();
  const auto data = tiny::pictures(31);
  const auto all = encoder.embed(data);
  REQUIRE(encoder.width() == 7);
  REQUIRE(all.size() == 31 * 7);
  for (const index_t chunk : {1, 2, 7, 13, 30, 31, 1000}) {
    INFO("chunk " << chunk);
    CHECK(encoder.embed(data, chunk) == all);
  }
  // alone, and in another place of another batch
  std::vector<index_t> order{30, 4, 4, 17};
  const auto some = encoder.embed(data.subset(order));
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(rows(some, static_cast<index_t>(i), 1, 7) == rows(all, order[i], 1, 7));
  CHECK(state(t) == before);  // evaluation leaves the trainer as it is
}
}  // namespace

TEST_CASE("encoder: a sample's features have the same bits in any batch", "[train][encoder]") {
  check_bits<px::backend::reference>();
  check_bits<px::backend::simd<>>();
}

TEST_CASE("encoder: it sees the trainer's present weights, and no images give no rows", "[train][encoder]") {
  trainer<px::backend::reference> t(tiny::settings<trainer<px::backend::reference>>(13));
  const auto encoder = t.encoder();
  const auto data = tiny::pictures(5);
  const auto before = encoder.embed(data);
  t.fit(tiny::pictures(26));
  CHECK(encoder.embed(data) != before);
  CHECK(encoder.embed(px::data::image_set()).empty());
  CHECK(encoder.input_size() == px::augment::image_size{9, 7, 1});
}

TEST_CASE("encoder: images of other sizes are resized, larger and smaller ones", "[train][encoder]") {
  trainer<px::backend::reference> t(tiny::settings<trainer<px::backend::reference>>(13));
  for (const auto& [h, w] : {std::pair<index_t, index_t>{40, 33}, {3, 2}, {1, 1}, {9, 7}}) {
    const auto h_rows = t.encoder().embed(tiny::pictures(3, h, w));
    REQUIRE(h_rows.size() == 21);
    for (const float v : h_rows) CHECK(std::isfinite(v));
  }
}

TEST_CASE("encoder: update_statistics moves running statistics and nothing else", "[train][encoder]") {
  trainer<px::backend::reference> t(tiny::settings<trainer<px::backend::reference>>(13));
  const auto& p = t.players()[0];
  const std::vector<float> weights(p.parameters.begin(), p.parameters.end()), statistics(p.buffers.begin(), p.buffers.end());
  t.encoder().update_statistics(tiny::pictures(40), 20, 10);
  CHECK(std::vector<float>(p.parameters.begin(), p.parameters.end()) == weights);
  CHECK(std::vector<float>(p.buffers.begin(), p.buffers.end()) != statistics);
  for (const auto& e : p.table.buffers)
    if (e.what == px::role::counter && e.name.starts_with("encoder.")) CHECK(p.buffers[e.offset] == 2);  // two chunks of ten
}

TEST_CASE("encoder: settled statistics have forgotten their start, from a small set too", "[train][encoder]") {
  using made = trainer<px::backend::reference>;
  const auto statistics = [](float start) {
    made t(tiny::settings<made>(13));
    auto& p = t.players()[0];
    for (const auto& e : p.table.buffers)
      if (e.what != px::role::counter)
        for (index_t i = e.offset; i < e.offset + e.size; ++i) p.buffers[i] = start;
    t.encoder().settle_statistics(tiny::pictures(7));
    return std::vector<float>(p.buffers.begin(), p.buffers.end());
  };
  const auto a = statistics(1.0f), b = statistics(2.0f);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::fabs(a[i] - b[i]) < 0.015f);  // forty passes at momentum 0.1: 0.9^40
}

TEST_CASE("encoder: tensors come under torch's names without the player's prefix", "[train][encoder]") {
  trainer<px::backend::reference> t(tiny::settings<trainer<px::backend::reference>>(13));
  std::vector<std::string> names;
  t.encoder().for_each_tensor([&](const px::parameter_entry& e, const std::vector<float>& values) {
    names.push_back(e.name);
    CHECK(static_cast<index_t>(values.size()) == e.file_shape.size());
  });
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias", "5.weight", "5.bias", "1.running_mean",
                                          "1.running_var", "1.num_batches_tracked", "5.running_mean", "5.running_var", "5.num_batches_tracked"});
}
