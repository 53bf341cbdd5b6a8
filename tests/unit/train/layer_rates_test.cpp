// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/train/layer_rates.hpp"

#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace px = pretext;
using px::train::layerwise_decay;

namespace {
/// What a BERT with two blocks and a classifier calls its parameters.
const std::vector<std::string> names{"encoder.embeddings.word.weight", "encoder.embeddings.norm.weight", "encoder.layer.0.attention.weight",
                                     "encoder.layer.0.norm.bias",      "encoder.layer.1.attention.weight", "encoder.layer.1.norm.bias",
                                     "encoder.pooler.weight",          "encoder.pooler.bias",            "encoders.weight",
                                     "classifier.weight"};
struct table {
  std::vector<px::parameter_entry> entries;
  std::vector<px::update_range> ranges;
  explicit table(const std::vector<std::string>& all = names) {
    for (const std::string& n : all) {
      px::parameter_entry e;
      e.name = n;
      entries.push_back(e);
      ranges.push_back({.rate_multiplier = 3});
    }
  }
  std::vector<double> rates(const layerwise_decay& policy) {
    policy.apply(entries, ranges);
    std::vector<double> out;
    for (const auto& r : ranges) out.push_back(r.rate_multiplier);
    return out;
  }
};
std::string id_of(const auto& f) {
  try {
    f();
  } catch (const px::error& e) {
    return e.id();
  }
  return "nothing thrown";
}
}  // namespace

TEST_CASE("levels_of: a numbered block is a level, and so is what lies between two", "[train][layer_rates]") {
  CHECK(px::train::levels_of(table().entries) == std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3, 3, 3});
  CHECK(px::train::levels_of(table({"0.weight", "0.bias", "1.weight", "2.0.weight", "2.1.weight", "10.weight", "11a.weight", "b.weight"}).entries) ==
        std::vector<int>{0, 0, 1, 2, 2, 3, 4, 4});
  CHECK(px::train::levels_of({}).empty());
}

TEST_CASE("layerwise_decay: each level down moves by the factor less, the rest keeps its rate", "[train][layer_rates]") {
  CHECK(table().rates({.rate = 0.5, .decay = 0.5}) == std::vector<double>{.0625, .0625, .125, .125, .25, .25, .5, .5, 3, 3});
  CHECK(table().rates(px::train::full) == std::vector<double>{1, 1, 1, 1, 1, 1, 1, 1, 3, 3});
  CHECK(table().rates(px::train::frozen_part) == std::vector<double>{0, 0, 0, 0, 0, 0, 0, 0, 3, 3});
  CHECK(table().rates({.decay = 0}) == std::vector<double>{0, 0, 0, 0, 0, 0, 1, 1, 3, 3});  // only the top level moves
  CHECK(table().rates({.rate = 2, .part = "classifier"}) == std::vector<double>{3, 3, 3, 3, 3, 3, 3, 3, 3, 2});
}

TEST_CASE("layerwise_decay: what makes no sense is refused", "[train][layer_rates]") {
  CHECK(id_of([] { table().rates({.rate = -1}); }) == "train.201");
  CHECK(id_of([] { table().rates({.decay = std::numeric_limits<double>::quiet_NaN()}); }) == "train.201");
  CHECK(id_of([] { table().rates({.part = "enc"}); }) == "train.202");
  CHECK(id_of([] { table().rates({.part = ""}); }) == "train.202");
  table t;
  t.ranges.pop_back();
  CHECK(id_of([&] { t.rates({}); }) == "train.202");
}
