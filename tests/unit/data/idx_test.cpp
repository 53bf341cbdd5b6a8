// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/idx.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::idx_file;
using data_test::put;
using data_test::scratch;
using data_test::thrown;

TEST_CASE("idx: images and labels have the values of the file", "[data][idx]") {
  const auto s = data::parse_idx_images(idx_file({2, 3, 4}), "x", {1, 0});
  CHECK(s.size() == 2);
  CHECK(s.shape(0) == data::image_shape{3, 4, 1});
  CHECK(s.image(1)(2, 3, 0) == 23);
  CHECK(s.label(0) == 1);
  CHECK(s.classes() == 2);
  const auto colour = data::parse_idx_images(idx_file({1, 2, 2, 3}), "x");
  CHECK(colour.image(0)(1, 0, 2) == 8);
  CHECK(!colour.labelled());
  CHECK(data::parse_idx_labels(idx_file({3}, {7, 0, 255}), "x") == std::vector<int>{7, 0, 255});
}

TEST_CASE("idx: a file cut off at any byte, or one byte too long, is an error", "[data][idx]") {
  for (const auto& whole : {idx_file({2, 3, 4}), idx_file({5})}) {
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::string what = thrown([&] { (void)data::parse_idx(std::span(whole).first(n), "a.idx"); });
      INFO(n << " " << what);
      CHECK(has(what, n == 0 ? "data.010] a.idx: the file is empty" : "data.011] a.idx: "));
    }
    auto longer = whole;
    longer.push_back(std::byte{0});
    CHECK(has(thrown([&] { (void)data::parse_idx(longer, "a.idx"); }), "data.011"));
  }
}

TEST_CASE("idx: a wrong beginning is named", "[data][idx]") {
  auto f = idx_file({2, 3, 4});
  f[0] = std::byte{0x1F};
  CHECK(has(thrown([&] { (void)data::parse_idx(f, "a"); }), "data.010] a: begins with the bytes 31, 0"));
  f = idx_file({2, 3, 4});
  f[2] = std::byte{0x0D};
  CHECK(has(thrown([&] { (void)data::parse_idx(f, "a"); }), "element type 13 is not supported"));
  for (const int rank : {0, 5, 255}) {
    f[2] = std::byte{8};
    f[3] = static_cast<std::byte>(rank);
    CHECK(has(thrown([&] { (void)data::parse_idx(f, "a"); }), "data.010"));
  }
}

TEST_CASE("idx: sizes that lie are refused without asking for the memory", "[data][idx]") {
  auto f = idx_file({2, 3, 4});
  for (std::size_t i = 4; i < 16; ++i) f[i] = std::byte{0xFF};
  CHECK(has(thrown([&] { (void)data::parse_idx(f, "a"); }), "data.011] a: the header says 4294967295 x 4294967295 x 4294967295, but 24 bytes follow"));
  // 2^16 * 2^16 * 2^32 is 2^64, which is 0 in 64 bits
  const std::uint32_t wraps[] = {1u << 16, 1u << 16, 0, 1u << 31};
  auto g = idx_file({0, 1, 1, 1});
  for (std::size_t d = 0; d < 4; ++d)
    for (std::size_t b = 0; b < 4; ++b) g[4 + 4 * d + b] = static_cast<std::byte>(wraps[d] >> (24 - 8 * b));
  CHECK(has(thrown([&] { (void)data::parse_idx(g, "a"); }), "data.011"));
  CHECK(has(thrown([&] { (void)data::parse_idx(idx_file({0, 28, 28}), "a"); }), "no data at all"));
}

TEST_CASE("idx: images are not labels and labels are not images", "[data][idx]") {
  CHECK(has(thrown([&] { (void)data::parse_idx_images(idx_file({4}), "a"); }), "data.012"));
  CHECK(has(thrown([&] { (void)data::parse_idx_labels(idx_file({1, 2, 2}), "a"); }), "data.012"));
  CHECK(has(thrown([&] { (void)data::parse_idx_images(idx_file({1, 2, 2, 2}), "a"); }), "2 channels"));
  CHECK(has(thrown([&] { (void)data::parse_idx_images(idx_file({2, 2, 2}), "a", {1}); }), "data.002"));
  CHECK(has(thrown([&] { (void)data::parse_idx_images(idx_file({2, 2, 2}), "a", {1, 5}, 5); }), "data.003"));
}

TEST_CASE("idx: labels are found beside the images, a folder gives both parts", "[data][idx]") {
  const scratch dir;
  put(dir / "train-images-idx3-ubyte", idx_file({3, 2, 2}));
  CHECK(!data::idx(dir / "train-images-idx3-ubyte").labelled());
  put(dir / "train-labels-idx1-ubyte", idx_file({3}, {0, 2, 1}));
  put(dir / "t10k-images.idx3-ubyte", idx_file({1, 2, 2}));
  put(dir / "t10k-labels.idx1-ubyte", idx_file({1}, {2}));
  const auto parts = data::idx_folder(dir / "");
  CHECK(parts.train.size() == 3);
  CHECK(parts.train.label(1) == 2);
  REQUIRE(parts.has_test());
  CHECK(parts.test.label(0) == 2);
  CHECK(parts.test.classes() == 3);

  put(dir / "t10k-labels.idx1-ubyte", idx_file({1}, {3}));
  CHECK(has(thrown([&] { (void)data::idx_folder(dir / ""); }), "data.003"));
  put(dir / "other-labels", idx_file({3}, {1, 1, 1}));
  CHECK(data::idx(dir / "train-images-idx3-ubyte", dir / "other-labels").label(0) == 1);
  put(dir / "letters-train-images-idx3-ubyte", idx_file({3, 2, 2}));
  CHECK(has(thrown([&] { (void)data::idx_folder(dir / ""); }), "data.013"));
  CHECK(has(thrown([&] { (void)data::idx_folder(dir / "none"); }), "data.006"));
}

TEST_CASE("idx: MNIST is read whole", "[data][idx]") {
  const std::string mnist = data_test::real_data() + "/mnist";
  if (!data_test::there(mnist) || !PRETEXT_HAS_ZLIB) {
    WARN("skipped: no MNIST below the data folder, or no zlib");
    return;
  }
  const auto parts = data::idx_folder(mnist);
  CHECK(parts.train.size() == 60000);
  CHECK(parts.test.size() == 10000);
  CHECK(parts.train.classes() == 10);
  CHECK(parts.train.label(0) == 5);
  CHECK(parts.test.label(0) == 7);
  double sum = 0;
  for (pretext::index_t i = 0; i < 60000; ++i)
    for (int k = 0; k < 784; ++k) sum += parts.train.image(i).data[k];
  CHECK(sum / (60000.0 * 784.0 * 255.0) == Approx(0.1306604762738429));  // the mean everybody normalises with
}
