// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/eval/during_training.hpp>

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace {
using namespace pretext;

/// Two classes told apart by the one feature this encoder reads: the first pixel.
struct first_pixel {
  int backend_;
  index_t width() const { return 2; }
  int& backend() const { return const_cast<int&>(backend_); }
  template <class Dataset>
  std::vector<float> embed(const Dataset& data) const {
    std::vector<float> rows;
    for (index_t i = 0; i < data.size(); ++i) {
      rows.push_back(data.values[static_cast<std::size_t>(i)]);
      rows.push_back(1.0f - data.values[static_cast<std::size_t>(i)]);
    }
    return rows;
  }
};
struct labelled_values {
  std::vector<float> values;
  index_t size() const { return static_cast<index_t>(values.size()); }
  int label(index_t i) const { return values[static_cast<std::size_t>(i)] > 0.5f ? 1 : 0; }
  static int classes() { return 2; }
};
struct trainer {
  first_pixel encoder() const { return {}; }
};
struct report {
  std::uint64_t epoch;
};

TEST_CASE("knn_during_training: measures every n-th epoch and keeps what it found", "[eval][during_training]") {
  labelled_values train, test;
  for (int i = 0; i < 40; ++i) train.values.push_back(i % 2 == 0 ? 0.1f : 0.9f);
  test.values = {0.0f, 1.0f, 0.2f};
  std::vector<std::uint64_t> seen;
  eval::knn_during_training watch(train, test, 2, [&](eval::probe_point p) { seen.push_back(p.epoch); });
  trainer t;
  for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) watch.on_epoch(t, report{epoch});
  CHECK(seen == std::vector<std::uint64_t>{2, 4});
  REQUIRE(watch.points().size() == 2);
  CHECK(watch.points()[1].epoch == 4);
  CHECK(watch.points()[1].accuracy == 1.0);
}
}  // namespace
