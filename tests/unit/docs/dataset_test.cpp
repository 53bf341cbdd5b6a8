// SPDX-License-Identifier: BSD-3-Clause
// The example of docs/policies/dataset.md, compiled and run.
#include <pretext/concepts/dataset.hpp>
#include <pretext/data/image_batch.hpp>

#include "support/catch.hpp"

namespace px = pretext;

// [doc:own_dataset]
/// Pictures of one bright pixel each, drawn when they are asked for.
struct dots {
  px::index_t side = 8;

  px::index_t size() const { return side * side; }
  void gather(std::span<const px::index_t> samples, px::data::image_batch& batch) const {
    batch.clear();
    batch.storage.resize(samples.size());
    for (std::size_t k = 0; k < samples.size(); ++k) {
      batch.storage[k].assign(static_cast<std::size_t>(size()), 0);
      batch.storage[k][static_cast<std::size_t>(samples[k])] = 255;
      batch.images.push_back({batch.storage[k].data(), side, side, 1});
      batch.ids.push_back(static_cast<std::uint64_t>(samples[k]));
      batch.labels.push_back(-1);
    }
  }
};
// [/doc:own_dataset]

TEST_CASE("policies: the page's data set fills a batch", "[docs][dataset]") {
  STATIC_REQUIRE(px::concepts::explain_dataset<dots, px::data::image_batch>());
  STATIC_REQUIRE_FALSE(px::concepts::Dataset<int, px::data::image_batch>);
  px::data::image_batch batch;
  const std::vector<px::index_t> wanted{9, 0, 63};
  dots{}.gather(wanted, batch);
  REQUIRE(batch.size() == 3);
  CHECK(batch.images[0](1, 1, 0) == 255);
  CHECK(batch.images[2](7, 7, 0) == 255);
  CHECK(batch.ids[0] == 9);
}
