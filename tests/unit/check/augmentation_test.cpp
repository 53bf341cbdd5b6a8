// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/augment/augment.hpp>
#include <pretext/check/augmentation.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace au = pretext::augment;

TEST_CASE("check::augmentation: the library's steps obey every law", "[check][augment]") {
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::augmentation(au::random_resized_crop{}));
  holds(px::check::augmentation(au::resize{}));
  holds(px::check::augmentation(au::resized_center_crop{}));
  holds(px::check::augmentation(au::center_crop{}));
  holds(px::check::augmentation(au::random_crop{}));
  holds(px::check::augmentation(au::horizontal_flip{}));
  holds(px::check::augmentation(au::vertical_flip{}));
  holds(px::check::augmentation(au::color_jitter{}));
  holds(px::check::augmentation(au::grayscale{}));
  holds(px::check::augmentation(au::gaussian_blur{}));
  holds(px::check::augmentation(au::solarize{}));
  holds(px::check::augmentation(au::rotation{}));
  holds(px::check::augmentation(au::affine{}));
  holds(px::check::augmentation(au::cutout{}));
  holds(px::check::augmentation(au::gaussian_noise{}));
  holds(px::check::augmentation(au::normalize{}, {.unit_range = false}));
  holds(px::check::augmentation(au::apply_with_probability<au::gaussian_blur, 50>{}));
}

namespace {

enum class mistake { none, draws_in_apply, decides_anew, reads_what_it_wrote, forgets_a_pixel, leaves_the_range, too_little_scratch,
                     writes_past_its_scratch, changes_the_source, refuses_small };
std::uint32_t draws_so_far = 0;

/// Shifts every row one pixel to the right, or not.
template <mistake M>
struct nudge {
  struct record {
    bool shifted = false;
  };
  static constexpr std::string_view name = "nudge";
  constexpr px::index_t scratch_floats(au::image_size in, au::image_size) const { return M == mistake::too_little_scratch ? 0 : in.size(); }

  record draw(px::rng::key key, au::image_size, au::image_size) const {
    if (M == mistake::decides_anew) key.seed += ++draws_so_far;
    return {px::rng::stream(key).accept(0.5)};
  }
  void apply(au::context& ctx, const record& drawn, px::image_view<const float> in, px::image_view<float> out) const {
    if (M == mistake::refuses_small && in.height < 2) throw px::error("test.001", "too small");
    au::context local = ctx;
    if (M == mistake::changes_the_source && in.data != out.data) const_cast<float*>(in.data)[0] = 0.25f;
    px::image_view<const float> from = in;
    if (M != mistake::reads_what_it_wrote) from = au::apart_from(local, in, out);
    if (M == mistake::writes_past_its_scratch) local.scratch.data()[local.scratch.size()] = 0;
    for (px::index_t y = 0; y < out.height; ++y)
      for (px::index_t x = 0; x < out.width; ++x)
        for (px::index_t c = 0; c < out.channels; ++c) out(y, x, c) = from(y, drawn.shifted && x > 0 ? x - 1 : x, c);
    if (M == mistake::forgets_a_pixel) out(0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
    if (M == mistake::leaves_the_range) out(0, 0, 0) = out(0, 0, 0) * 1.5f + 0.6f;
    if (M == mistake::draws_in_apply) out(0, 0, 0) = static_cast<float>(++draws_so_far % 7) / 7;
  }
};
template <mistake M>
px::check::result planted() {
  return px::check::augmentation(nudge<M>{});
}

}  // namespace

TEST_CASE("check::augmentation: planted defects are named", "[check][augment]") {
  INFO(planted<mistake::none>().text());
  CHECK(planted<mistake::none>().ok());
  CHECK(planted<mistake::draws_in_apply>().broken("a record replays"));
  CHECK(planted<mistake::decides_anew>().broken("the same key gives the same decision"));
  CHECK(planted<mistake::reads_what_it_wrote>().broken("in place equals apart"));
  CHECK(planted<mistake::forgets_a_pixel>().broken("every value is written"));
  CHECK(planted<mistake::leaves_the_range>().broken("values stay in [0, 1]"));
  CHECK(planted<mistake::too_little_scratch>().broken("planned scratch is enough"));
  CHECK(planted<mistake::writes_past_its_scratch>().broken("planned scratch is enough"));
  CHECK(planted<mistake::changes_the_source>().broken("the source is left alone"));
  CHECK(planted<mistake::refuses_small>().broken("no size from 1 x 1 up is refused"));
  CHECK(px::check::augmentation(au::normalize{}).broken("values stay in [0, 1]"));
}
