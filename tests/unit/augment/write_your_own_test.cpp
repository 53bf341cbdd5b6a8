// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/policies/augmentation.md, compiled and run. The text between the marks is that of the page.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

// [doc:own_step]
#include "pretext/augment/augment.hpp"

/// Draws a dark line at a random row.
struct scratch_line {
  pretext::setting<float> darkness = pretext::default_value(0.8f);

  struct record {
    int row = 0;
  };

  record draw(pretext::rng::key key, pretext::augment::image_size in, pretext::augment::image_size) const {
    return {static_cast<int>(pretext::rng::stream(key).below(static_cast<std::uint32_t>(in.height)))};
  }

  void apply(pretext::augment::context&, const record& drawn, pretext::image_view<const float> in, pretext::image_view<float> out) const {
    pretext::augment::convert(in, out);  // copies, or does nothing where both are one image
    for (pretext::index_t i = 0; i < out.width * out.channels; ++i)
      out.data[drawn.row * out.width * out.channels + i] *= 1.0f - darkness;
  }
};
// [doc:end]

// [doc:own_step_anywhere]
/// The same on the CPU and on a GPU: the loop goes through the context.
struct scratch_line_anywhere {
  pretext::setting<float> darkness = pretext::default_value(0.8f);

  struct record {
    int row = 0;
  };

  PRETEXT_HOST_DEVICE record draw(pretext::rng::key key, pretext::augment::image_size in, pretext::augment::image_size) const {
    return {static_cast<int>(pretext::rng::stream(key).below(static_cast<std::uint32_t>(in.height)))};
  }

  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record& drawn, pretext::image_view<const float> in, pretext::image_view<float> out) const {
    pretext::augment::convert(ctx, in, out);
    const pretext::index_t count = out.width * out.channels;
    ctx.for_each(count, [&](pretext::index_t i) { out.data[drawn.row * count + i] *= 1.0f - darkness; });
  }
};
// [doc:end]

#include "pictures.hpp"
#include "support/catch.hpp"

TEST_CASE("write your own: the page's step works alone and in a chain", "[augment][docs]") {
  const auto source = pictures::bytes(40, 40, 3);
  // [doc:use_step]
  namespace au = pretext::augment;
  const au::two_views<au::chain<au::random_resized_crop, au::apply_with_probability<scratch_line, 30>, au::normalize>> views;

  std::vector<float> memory(static_cast<std::size_t>(views.scratch_floats(40, 40, 3, 32, 32)));  // largest source, channels, view
  au::context ctx{memory};
  std::vector<float> pixels(32 * 32 * 3);
  const auto drawn = views.write(ctx, pretext::rng::key{.seed = 1, .sample = 7}, /*group*/ 0, /*view*/ 1,
                                 pretext::image_view<const std::uint8_t>{source.values.data(), 40, 40, 3},
                                 pretext::image_view<float>{pixels.data(), 32, 32, 3});
  const au::box& cut = au::get<0>(drawn).part;  // where the view came from: for reports and dense losses
  // [doc:end]
  CHECK(cut.height >= 1);
  CHECK((au::get<1>(drawn).inner.row >= 0 && au::get<1>(drawn).inner.row < 32));

  const pictures::picture<float> white(3, 4, 1, 1.0f);
  const auto out = pictures::applied(scratch_line{}, {1}, white);
  CHECK(out.values == std::vector<float>{1, 1, 1, 1, 1.0f - 0.8f, 1.0f - 0.8f, 1.0f - 0.8f, 1.0f - 0.8f, 1, 1, 1, 1});
  CHECK(pictures::applied_in_place(scratch_line{}, {1}, white).values == out.values);
  CHECK(pictures::applied(scratch_line_anywhere{}, {1}, white).values == out.values);
}

TEST_CASE("write your own: the page shows what was compiled", "[augment][docs]") {
  const std::string root = golden::folder() + "/../..";
  std::ifstream here(root + "/tests/unit/augment/write_your_own_test.cpp"), page(root + "/docs/policies/augmentation.md");
  if (!here || !page) {
    WARN("skipped: the sources are not beside the tests");
    return;
  }
  std::stringstream text;
  text << page.rdbuf();
  const std::string shown = text.str();
  std::string line, block;
  bool inside = false, in_function = false;
  int blocks = 0;
  while (std::getline(here, line)) {
    if (inside && line.find("// [doc:end]") != std::string::npos) {
      INFO(block);
      CHECK(shown.find(block) != std::string::npos);
      inside = false;
      ++blocks;
    } else if (!inside && (line.rfind("// [doc:", 0) == 0 || line.rfind("  // [doc:", 0) == 0)) {
      inside = true;
      in_function = line[0] == ' ';
      block.clear();
    } else if (inside) {
      block += (line.rfind("  ", 0) == 0 && in_function ? line.substr(2) : line) + "\n";
    }
  }
  CHECK(blocks == 3);
}
