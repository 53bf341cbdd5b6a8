// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/folder.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
namespace io = pretext::io;
using data_test::has;
using data_test::put;
using data_test::scratch;
using data_test::thrown;
using pretext::index_t;

TEST_CASE("folder: what is no folder or holds nothing is an error", "[data][folder]") {
  const scratch dir;
  CHECK(has(thrown([&] { (void)data::folder(dir / "none"); }), "data.006"));
  CHECK(has(thrown([&] { (void)data::folder(dir / ""); }), "data.030"));
  put(dir / ".hidden.png", {});
  CHECK(has(thrown([&] { (void)data::folder(dir / ""); }), "data.030"));
  put(dir / "a.png", {});
  put(dir / "b.txt", io_test::to_bytes("hello, world"));
  const std::string what = thrown([&] { (void)data::folder(dir / ""); });
  CHECK(has(what, "data.031"));
  CHECK(has(what, "none of its 2 files is a readable image"));
  CHECK(has(what, "a.png: the file is empty"));
  CHECK(has(thrown([&] { (void)data::folder(dir / "", {.channels = 2}); }), "data.032"));
}

#if PRETEXT_HAS_PNG && PRETEXT_HAS_JPEG
namespace {

/// A PNG of one value everywhere.
std::vector<std::byte> png(int h, int w, int c, int value) {
  const std::vector<std::uint8_t> p(static_cast<std::size_t>(h * w * c), static_cast<std::uint8_t>(value));
  return io::encode_png({p.data(), h, w, c});
}
std::vector<std::byte> jpeg(int h, int w, int c, int value) {
  const std::vector<std::uint8_t> p(static_cast<std::size_t>(h * w * c), static_cast<std::uint8_t>(value));
  return io::encode_jpeg({p.data(), h, w, c});
}

}  // namespace

TEST_CASE("folder: files without folders have no labels and come sorted by name", "[data][folder]") {
  const scratch dir;
  put(dir / "b.png", png(2, 3, 1, 20));
  put(dir / "a.jpeg", jpeg(4, 3, 1, 10));
  put(dir / "c", png(5, 5, 1, 30));  // no ending at all
  const auto s = data::folder(dir / "");
  REQUIRE(s.size() == 3);
  CHECK(!s.labelled());
  CHECK(s.classes() == 0);
  CHECK(!s.uniform());
  CHECK(s.shape(0) == data::image_shape{4, 3, 1});
  CHECK(int{s.image(1)(1, 2, 0)} == 20);
  CHECK(int{s.image(2)(4, 4, 0)} == 30);
  CHECK(has(s.path(1), "b.png"));
  CHECK(s.skipped().empty());
}

TEST_CASE("folder: class folders are numbered in sorted order", "[data][folder]") {
  const scratch dir;
  put(dir / "zebra/1.png", png(2, 2, 3, 1));
  put(dir / "ant/deep/er/1.png", png(2, 2, 3, 2));
  put(dir / "ant/0.png", png(2, 2, 3, 3));
  put(dir / "empty_class/readme.txt", io_test::to_bytes("nothing to see"));
  std::filesystem::create_directories(dir / "nothing");
  auto s = data::folder(dir / "");
  REQUIRE(s.size() == 3);
  CHECK(s.labelled());
  CHECK(s.uniform());
  CHECK(s.class_names() == std::vector<std::string>{"ant", "zebra"});
  CHECK(s.label(0) == 0);
  CHECK(s.label(2) == 1);
  CHECK(s.image(2)(0, 0, 0) == 1);
  REQUIRE(s.skipped().size() == 1);
  CHECK(has(s.skipped()[0].path, "readme.txt"));
  CHECK(s.skipped()[0].reason == "neither a PNG nor a JPEG file; remove it or convert it");

  put(dir / "loose.png", png(2, 2, 3, 4));  // beside the class folders: no label
  s = data::folder(dir / "");
  CHECK(s.size() == 4);
  CHECK(s.label(0) == -1);
  CHECK(s.label(3) == 1);
  CHECK(!s.labelled());
}

TEST_CASE("folder: a single folder inside is no class", "[data][folder]") {
  const scratch dir;
  put(dir / "images/1.png", png(2, 2, 3, 1));
  put(dir / "images/2.png", png(2, 2, 3, 1));
  const auto s = data::folder(dir / "");
  CHECK(s.size() == 2);
  CHECK(s.classes() == 0);
  CHECK(s.label(0) == -1);
}

TEST_CASE("folder: broken files among good ones are listed with their reasons", "[data][folder]") {
  const scratch dir;
  put(dir / "good.png", png(9, 9, 3, 7));
  auto half = png(9, 9, 3, 7);
  half.resize(half.size() / 2);
  put(dir / "half.png", half);
  put(dir / "zero.jpg", {});
  put(dir / "text.png", io_test::to_bytes("this is not an image"));
  put(dir / "cmyk.jpg", jpeg(8, 8, 4, 7));
  put(dir / "large.png", png(60, 60, 1, 7));
  const auto s = data::folder(dir / "", {.limits = {.max_side = 50}});
  CHECK(s.size() == 1);
  REQUIRE(s.skipped().size() == 5);
  CHECK(has(s.skipped()[0].reason, "CMYK"));
  CHECK(has(s.skipped()[1].reason, "no readable PNG image ("));
  CHECK(has(s.skipped()[2].reason, "beyond the limit"));
  CHECK(has(s.skipped()[3].reason, "neither"));
  CHECK(has(s.skipped()[4].reason, "the file is empty"));
  for (const auto& f : s.skipped()) CHECK(!has(f.reason, "pretext["));
}

TEST_CASE("folder: grey among colour gets three equal channels, or what was asked", "[data][folder]") {
  const scratch dir;
  put(dir / "a.png", png(2, 2, 1, 50));
  put(dir / "b.png", png(3, 3, 3, 60));
  const auto mixed = data::folder(dir / "");
  CHECK(mixed.shape(0) == data::image_shape{2, 2, 3});
  CHECK(mixed.image(0)(1, 1, 2) == 50);
  CHECK(mixed.image(1)(2, 2, 2) == 60);
  const auto grey = data::folder(dir / "", {.channels = 1});
  CHECK(grey.shape(1) == data::image_shape{3, 3, 1});
  CHECK(grey.image(1)(2, 2, 0) == 60);
}

TEST_CASE("folder: images beyond the memory limit are decoded when gathered, with the same pixels", "[data][folder]") {
  const scratch dir;
  for (int i = 0; i < 6; ++i) put(dir / ("i" + std::to_string(i) + ".png"), png(4, 5, i % 2 ? 1 : 3, 40 * i));
  const auto all = data::folder(dir / "");
  const auto some = data::folder(dir / "", {.memory_limit = 150});
  CHECK(all.resident(5));
  CHECK(some.resident(0));
  CHECK(!some.resident(5));
  std::vector<index_t> ids{5, 0, 3, 1, 2, 4};
  data::image_batch a, b;
  all.gather(ids, a);
  some.gather(ids, b);
  REQUIRE(b.size() == 6);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    REQUIRE(a.images[i].size() == b.images[i].size());
    CHECK(std::equal(a.images[i].data, a.images[i].data + a.images[i].size(), b.images[i].data));
  }
  put(dir / "i5.png", png(9, 9, 3, 0));
  CHECK(has(thrown([&] { some.gather(ids, b); }), "i5.png"));
  put(dir / "i5.png", png(3, 3, 3, 0));
  CHECK(has(thrown([&] { some.gather(ids, b); }), "data.034"));
}

TEST_CASE("folder: train and test folders share classes and channels", "[data][folder]") {
  const scratch dir;
  put(dir / "train/a/1.png", png(2, 2, 3, 1));
  put(dir / "train/b/1.png", png(2, 2, 3, 1));
  put(dir / "train/c/1.png", png(2, 2, 3, 1));
  put(dir / "test/c/1.png", png(2, 2, 1, 1));
  const auto parts = data::folder_parts(dir / "");
  CHECK(parts.train.classes() == 3);
  REQUIRE(parts.has_test());
  CHECK(parts.test.label(0) == 2);
  CHECK(parts.test.shape(0).channels == 3);
  put(dir / "test/bee/1.png", png(2, 2, 3, 1));
  CHECK(has(thrown([&] { (void)data::folder_parts(dir / ""); }), "data.033"));
}

TEST_CASE("folder: real photographs and drawings are read", "[data][folder]") {
  const std::string real = data_test::real_data();
  if (!data_test::there(real + "/bccd/JPEGImages") || !data_test::there(real + "/video_frames_dlib")) {
    WARN("skipped: no bccd or video_frames_dlib below the data folder");
    return;
  }
  const auto frames = data::folder(real + "/video_frames_dlib");
  CHECK(frames.size() == 151);
  CHECK(frames.shape(0) == data::image_shape{240, 320, 1});
  CHECK(frames.skipped().size() == 1);
  const auto blood = data::folder(real + "/bccd/JPEGImages", {.memory_limit = 0});
  CHECK(blood.size() == 364);
  CHECK(blood.shape(363) == data::image_shape{480, 640, 3});
}
#else
TEST_CASE("folder: without the image libraries the sentence says what to install", "[data][folder]") {
  WARN("skipped: all other folder tests, this build has no libpng or no libjpeg");
  const scratch dir;
  put(dir / "a.png", io_test::to_bytes("\x89PNG\r\n\x1A\n"));
  CHECK(has(thrown([&] { (void)data::folder(dir / ""); }), "this build has no libpng"));
}
#endif
