// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/open.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::cifar_file;
using data_test::has;
using data_test::idx_file;
using data_test::put;
using data_test::scratch;
using data_test::thrown;

TEST_CASE("open: the words of the command line name the formats", "[data][open]") {
  CHECK(data::format_named("auto") == data::format::automatic);
  CHECK(data::format_named("idx") == data::format::idx);
  CHECK(data::format_named("cifar") == data::format::cifar);
  CHECK(data::format_named("folder") == data::format::folder);
  CHECK(data::format_named("synthetic") == data::format::synthetic);
  CHECK(has(thrown([] { (void)data::format_named("png"); }), "data.040] \"png\" is no format"));
}

TEST_CASE("open: no path means the embedded data, with a test part that does not move", "[data][open]") {
  const auto a = data::open("", {.synthetic = {.count = 30, .size = 16}, .synthetic_test = 20});
  const auto b = data::open("anything", {.format = data::format::synthetic, .synthetic = {.count = 50, .size = 16}, .synthetic_test = 20});
  CHECK(a.train.size() == 30);
  CHECK(b.train.size() == 50);
  REQUIRE(a.test.size() == 20);
  CHECK(std::equal(a.test.image(19).data, a.test.image(19).data + 16 * 16 * 3, b.test.image(19).data));
  CHECK(!std::equal(a.test.image(0).data, a.test.image(0).data + 16 * 16 * 3, a.train.image(0).data));
}

TEST_CASE("open: the format of a file is found by looking", "[data][open]") {
  const scratch dir;
  put(dir / "digits", idx_file({2, 4, 4}));
  CHECK(data::open(dir / "digits").train.shape(0).height == 4);
  put(dir / "objects", cifar_file({{1}, {2}}));
  CHECK(data::open(dir / "objects").train.classes() == 10);
  // A CIFAR-10 record of label 0 may begin 0, 0, 8, 3, as an IDX file does.
  auto alike = cifar_file({{0}});
  alike[1] = std::byte{0};
  alike[2] = std::byte{8};
  alike[3] = std::byte{3};
  put(dir / "alike", alike);
  CHECK(data::open(dir / "alike").train.shape(0).height == 32);
  auto cut = idx_file({2, 4, 4});
  cut.resize(40);
  put(dir / "short", cut);
  CHECK(has(thrown([&] { (void)data::open(dir / "short"); }), "data.011"));
  put(dir / "none", io_test::to_bytes("just some text"));
  CHECK(has(thrown([&] { (void)data::open(dir / "none"); }), "data.041"));
  put(dir / "empty", {});
  CHECK(has(thrown([&] { (void)data::open(dir / "empty"); }), "data.041"));
  put(dir / "one.png", io_test::to_bytes("\x89PNG\r\n\x1A\n and more"));
  CHECK(has(thrown([&] { (void)data::open(dir / "one.png"); }), "a single image"));
  CHECK(has(thrown([&] { (void)data::open(dir / "missing"); }), "no such file or folder"));
}

TEST_CASE("open: a format that is forced is not guessed", "[data][open]") {
  const scratch dir;
  put(dir / "digits", idx_file({2, 4, 4}));
  CHECK(has(thrown([&] { (void)data::open(dir / "digits", data::format::cifar); }), "data.020"));
  CHECK(has(thrown([&] { (void)data::open(dir / "digits", data::format::folder); }), "data.041"));
  CHECK(has(thrown([&] { (void)data::open(dir / "", data::format::idx); }), "data.013"));
  CHECK(has(thrown([&] { (void)data::open(dir / "", data::format::cifar); }), "data.023"));
}

TEST_CASE("open: folders of the usual archives are recognised", "[data][open]") {
  const scratch dir;
  put(dir / "c/cifar-10-batches-bin/data_batch_1.bin", cifar_file({{1}, {2}}));
  put(dir / "c/cifar-10-batches-bin/test_batch.bin", cifar_file({{3}}));
  const auto c = data::open(dir / "c");
  CHECK(c.train.size() == 2);
  CHECK(c.test.size() == 1);
  put(dir / "m/MNIST/raw/train-images-idx3-ubyte", idx_file({2, 4, 4}));
  CHECK(data::open(dir / "m").train.size() == 2);
  put(dir / "m/train.bin", cifar_file({{3}}));
  CHECK(has(thrown([&] { (void)data::open(dir / "m"); }), "data.042"));
  CHECK(data::open(dir / "m", data::format::cifar).train.size() == 1);
}

TEST_CASE("open: a test part of its own path must fit the training part", "[data][open]") {
  const scratch dir;
  put(dir / "train.bin", cifar_file({{1}, {2}}));
  put(dir / "other.bin", cifar_file({{4}}));
  const auto parts = data::open(dir / "train.bin", data::format::automatic, dir / "other.bin");
  CHECK(parts.train.size() == 2);
  CHECK(parts.test.label(0) == 4);
  put(dir / "hundred.bin", cifar_file({{4, 4}}));
  CHECK(has(thrown([&] { (void)data::open(dir / "train.bin", data::format::automatic, dir / "hundred.bin"); }), "data.043"));
  CHECK(has(thrown([&] { (void)data::open(dir / "hundred.bin", data::format::automatic, dir / "train.bin"); }), "data.043"));
  put(dir / "digits", idx_file({2, 32, 32}));
  CHECK(has(thrown([&] { (void)data::open(dir / "train.bin", data::format::automatic, dir / "digits"); }), "data.043"));
  CHECK(has(thrown([&] { (void)data::open(dir / "train.bin", data::format::automatic, dir / "absent"); }), "data.041"));
}

TEST_CASE("open: packed and plain copies of one file count once", "[data][open]") {
  const scratch dir;
  put(dir / "train.bin", cifar_file({{1}, {2}}));
  put(dir / "train.bin.gz", io_test::to_bytes("not looked at"));
  CHECK(data::open(dir / "").train.size() == 2);
}

TEST_CASE("open: the real data are found by their folders", "[data][open]") {
  const std::string real = data_test::real_data();
  if (!data_test::there(real + "/mnist") || !data_test::there(real + "/cifar10") || !PRETEXT_HAS_ZLIB) {
    WARN("skipped: no mnist or cifar10 below the data folder, or no zlib");
    return;
  }
  CHECK(data::open(real + "/mnist").test.size() == 10000);
  CHECK(data::open(real + "/cifar10").train.size() == 10000);
}
