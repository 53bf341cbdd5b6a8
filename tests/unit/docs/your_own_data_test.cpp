// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/tutorials/your_own_data.md, compiled and run. The text between the marks is that of the page.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

// [doc:recipe]
#include <pretext/pretext.hpp>
#include <pretext/train/describe.hpp>

namespace px = pretext;

struct my_method : px::recipe::simclr {
  using input = px::image<3, 32, 32>;  // what the network sees: views are cut and resized to it
};
using my_trainer = px::trainer<my_method, px::backend::simd<>>;
// [doc:end]

#include "../io/scratch.hpp"
#include "pretext/report/png.hpp"
#include "support/catch.hpp"

namespace {

/// Works in a folder of its own, so that the page's paths can be short.
struct inside {
  io_test::scratch folder;
  std::filesystem::path before = std::filesystem::current_path();
  inside() { std::filesystem::current_path(folder / ""); }
  ~inside() { std::filesystem::current_path(before); }
};

/// A camera: frames of noise around a moving level.
struct camera {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(48 * 64 * 3);
  std::uint32_t state = 1;
  const std::uint8_t* grab() {
    for (auto& p : pixels) p = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    return pixels.data();
  }
};

void write_folder(const std::string& path) {
  camera c;
  for (int i = 0; i < 12; ++i) {
    pretext::report::picture p;
    p.height = 40 + i;
    p.width = 50;
    p.channels = 3;
    const std::uint8_t* from = c.grab();
    p.pixels.assign(from, from + p.height * p.width * 3);
    const std::string png = pretext::report::encode_png(p);
    std::filesystem::create_directories(path + "/" + (i % 2 == 0 ? "cats" : "dogs"));
    std::ofstream(path + "/" + (i % 2 == 0 ? "cats" : "dogs") + "/" + std::to_string(i) + ".png", std::ios::binary) << png;
  }
  std::ofstream(path + "/cats/broken.png", std::ios::binary) << "no picture";
}

}  // namespace

TEST_CASE("your own data: arrays, a loop of one's own, saving and loading", "[docs][data]") {
  const inside place;

  camera source;
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 8; ++i) pixels.insert(pixels.end(), source.grab(), source.grab() + 32 * 32 * 3);
  // [doc:memory]
  // pixels: n images of height x width x channels bytes, one after the other, channels interleaved
  const auto images = px::data::in_memory(pixels, /*n*/ 8, /*height*/ 32, /*width*/ 32, /*channels*/ 3);
  // [doc:end]
  CHECK(images.size() == 8);

  // [doc:describe]
  const my_trainer::settings_type settings{.batch_size = 8, .epochs = 20};
  std::puts(px::train::describe<my_trainer>(settings).text().c_str());
  // [doc:end]

  // [doc:loop]
  my_trainer trainer({.batch_size = 8, .source_height = 48, .source_width = 64});  // the largest frames there will be

  std::vector<std::vector<std::uint8_t>> frames(8);
  std::vector<px::image_view<const std::uint8_t>> batch(8);
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint8_t* grabbed = source.grab();  // 48 x 64 x 3 bytes, wherever they come from
      frames[i].assign(grabbed, grabbed + 48 * 64 * 3);
      batch[i] = {frames[i].data(), 48, 64, 3};
    }
    const auto& report = trainer.step({batch.data(), nullptr, 8});
    std::printf("step %d: loss %.3f\n", static_cast<int>(report.step), report.loss);
  }
  // [doc:end]
  CHECK(trainer.steps_done() == 3);
  CHECK(trainer.report().finite);

  // [doc:save]
  px::io::save_safetensors("encoder.safetensors", trainer.encoder());
  // [doc:end]

  // [doc:load]
  my_trainer other({.batch_size = 8});
  px::io::load_safetensors("encoder.safetensors", other.encoder());
  const std::vector<float> features = other.encoder().embed(images);  // 8 rows of other.encoder().width() numbers
  // [doc:end]
  CHECK(features == trainer.encoder().embed(images));
  CHECK(features.size() == static_cast<std::size_t>(8 * other.encoder().width()));
}

TEST_CASE("your own data: a folder of pictures, trained, resumed and probed", "[docs][data]") {
#if PRETEXT_HAS_PNG
  const inside place;
  write_folder("pictures");
  // [doc:folder]
  const auto images = px::data::folder("pictures");
  for (const auto& file : images.skipped()) std::printf("skipped %s: %s\n", file.path.c_str(), file.reason.c_str());
  // [doc:end]
  CHECK(images.size() == 12);
  CHECK(images.skipped().size() == 1);
  CHECK(images.classes() == 2);

  // [doc:fit]
  my_trainer trainer({.batch_size = 4, .epochs = 2});
  trainer.fit(images, px::report::progress_bar{}, px::train::checkpoint("run/"));
  // [doc:end]
  CHECK(trainer.steps_done() == 6);

  // [doc:resume]
  my_trainer again({.batch_size = 4, .epochs = 3});
  again.resume("run/");
  again.fit(images, px::report::progress_bar{}, px::train::checkpoint("run/"));
  // [doc:end]
  CHECK(again.steps_done() == 9);

  const auto& labelled_train = images;
  const auto& labelled_test = images;
  // [doc:probe]
  const auto quality = px::eval::linear_probe(again.encoder(), labelled_train, labelled_test);
  std::printf("linear probe: %.1f %%\n", 100 * quality.accuracy);
  // [doc:end]
  CHECK(quality.accuracy >= 0);
#else
  WARN("skipped: folders of pictures need libpng (PRETEXT_HAS_PNG)");
#endif
}
