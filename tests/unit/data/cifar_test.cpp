// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/cifar.hpp"

#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::cifar_file;
using data_test::has;
using data_test::put;
using data_test::scratch;
using data_test::thrown;

TEST_CASE("cifar: planes become interleaved pixels", "[data][cifar]") {
  const auto s = data::cifar_from(cifar_file({{3}, {9}}), "x");
  CHECK(s.size() == 2);
  CHECK(s.classes() == 10);
  CHECK(s.label(0) == 3);
  CHECK(s.label(1) == 9);
  CHECK(s.shape(0) == data::image_shape{32, 32, 3});
  for (int c = 0; c < 3; ++c)
    for (int y : {0, 1, 31})
      for (int x : {0, 5, 31}) CHECK(s.image(1)(y, x, c) == (1 + c * 50 + y * 32 + x) % 256);
}

TEST_CASE("cifar: two label bytes mean a hundred fine classes", "[data][cifar]") {
  const auto s = data::cifar_from(cifar_file({{19, 99}, {0, 42}}), "x");
  CHECK(s.classes() == 100);
  CHECK(s.label(0) == 99);
  CHECK(s.label(1) == 42);
  CHECK(s.image(1)(0, 0, 0) == 1);
}

TEST_CASE("cifar: a size that is whole in both kinds is decided by the labels", "[data][cifar]") {
  // 3074 records of 3073 bytes are also 3073 records of 3074 bytes.
  const std::vector<std::vector<int>> ten(3074, {7}), hundred(3073, {5, 50});
  CHECK(data::cifar_kind_of(cifar_file(ten), "x") == data::cifar_kind::ten);
  CHECK(data::cifar_kind_of(cifar_file(hundred), "x") == data::cifar_kind::hundred);
}

TEST_CASE("cifar: a file cut off at any byte of a record is an error", "[data][cifar]") {
  const auto whole = cifar_file({{1}});
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK(has(thrown([&] { (void)data::cifar_from(std::span(whole).first(n), "a.bin"); }), "data.020] a.bin: "));
}

TEST_CASE("cifar: a label outside the classes is named with its image", "[data][cifar]") {
  CHECK(has(thrown([&] { (void)data::cifar_from(cifar_file({{1}, {10}}), "a.bin"); }), "data.003] a.bin: label 10 of image 1 is outside the 10"));
  CHECK(has(thrown([&] { (void)data::cifar_from(cifar_file({{1, 100}}), "a.bin"); }), "label 100 of image 0 is outside the 100"));
}

TEST_CASE("cifar: a folder is read by the standard names", "[data][cifar]") {
  const scratch dir;
  const std::string d = dir / "";
  CHECK(has(thrown([&] { (void)data::cifar_folder(d); }), "data.023"));
  put(dir / "train_small.bin", cifar_file({{5}}));
  put(dir / "data_batch_1_first.bin", cifar_file({{5}, {5}}));
  CHECK(data::cifar_folder(d).train.size() == 1);  // two copies of a training part are not joined
  CHECK(!data::cifar_folder(d).has_test());
  put(dir / "data_batch_1.bin", cifar_file({{1}, {2}}));
  put(dir / "data_batch_2.bin", cifar_file({{3}}));
  put(dir / "test_batch.bin", cifar_file({{4}}));
  put(dir / "batches.meta.txt", io_test::to_bytes("airplane\nb\nc\nd\ne\nf\ng\nh\ni\ntruck\n\n"));
  const auto parts = data::cifar_folder(d);
  CHECK(parts.train.size() == 3);
  CHECK(parts.train.label(2) == 3);
  CHECK(parts.test.label(0) == 4);
  CHECK(parts.train.class_names()[0] == "airplane");
  CHECK(parts.train.class_names()[9] == "truck");
  put(dir / "data_batch_2.bin", cifar_file({{3, 3}}));
  CHECK(has(thrown([&] { (void)data::cifar_folder(d); }), "data.021"));
  put(dir / "data_batch_2.bin", cifar_file({{3}}));
  put(dir / "test_batch.bin", cifar_file({{4, 4}}));
  CHECK(has(thrown([&] { (void)data::cifar_folder(d); }), "data.023"));
  CHECK(has(thrown([&] { (void)data::cifar(std::span<const std::string>{}); }), "data.022"));
}

TEST_CASE("cifar: the real files are read", "[data][cifar]") {
  const std::string folder = data_test::real_data() + "/cifar10";
  if (!data_test::there(folder) || !PRETEXT_HAS_ZLIB) {
    WARN("skipped: no CIFAR-10 below the data folder, or no zlib");
    return;
  }
  const auto parts = data::cifar_folder(folder);
  CHECK(parts.train.size() == 10000);
  CHECK(parts.test.size() == 2000);
  CHECK(parts.train.class_names()[0] == "airplane");
  std::vector<int> count(10);
  for (pretext::index_t i = 0; i < parts.test.size(); ++i) ++count[static_cast<std::size_t>(parts.test.label(i))];
  CHECK(count == std::vector<int>(10, 200));
  const auto exact = data::cifar(folder + "/data_batch_1_first4000.bin.gz");
  CHECK(exact.size() == 4000);
  CHECK(exact.label(0) == 6);  // the frog that every tutorial shows
  CHECK(exact.image(0)(0, 0, 0) == 59);
  CHECK(exact.image(0)(0, 0, 1) == 62);
  CHECK(exact.image(0)(0, 0, 2) == 63);
}
