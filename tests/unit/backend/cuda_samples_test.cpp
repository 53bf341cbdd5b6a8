// SPDX-License-Identifier: BSD-3-Clause
// Augmentation by the kernels of the CUDA back end, run by the host, beside the CPU's own code.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "../augment/pictures.hpp"
#include "pretext/augment/augment.hpp"
#include "pretext/backend/cuda/cuda_on_host.hpp"
#include "pretext/method/view_writer.hpp"
#include "support/catch.hpp"

using namespace pretext;
namespace au = pretext::augment;

namespace {

/// Sources of several sizes, as a list of a step.
struct sources {
  std::vector<pictures::picture<std::uint8_t>> kept;
  std::vector<image_view<const std::uint8_t>> views;
  std::vector<std::uint64_t> ids;
  au::image_size largest;

  sources(index_t count, index_t side, index_t channels, bool one_size) : largest{side, side, channels} {
    for (index_t i = 0; i < count; ++i) {
      const index_t h = one_size ? side : 1 + (side - 1) * (i % 3 + 1) / 3, w = one_size ? side : 1 + (side - 1) * (i % 2 + 1) / 2;
      kept.push_back(pictures::bytes(h, w, channels, static_cast<std::uint32_t>(17 + i)));
      ids.push_back(static_cast<std::uint64_t>(1000 + 7 * i));
    }
    for (const auto& p : kept) views.push_back(p.view());
  }
  image_list list() const { return {views.data(), ids.data(), static_cast<index_t>(views.size())}; }
};

/// All views of a list on a back end, in exactly the scratch that it asks for.
template <class T, class Views, class B>
std::vector<T> made(B& be, const Views& views, const sources& in, index_t side) {
  const auto per_view = static_cast<std::size_t>(side * side * in.largest.channels);
  const index_t rows = Views::view_count * static_cast<index_t>(in.views.size());
  std::vector<T> out(static_cast<std::size_t>(rows) * per_view, std::numeric_limits<T>::quiet_NaN());
  const rng::key key{.seed = 5, .epoch = 2};
  const method::view_writer<Views, T> writer(views, in.list(), {out.data(), {rows, side, side, in.largest.channels}}, key, in.largest);
  constexpr std::size_t fence = 4096;
  const std::size_t bytes = (B::scratch_bytes(op::for_each_sample, writer, rows) + 63) / 64 * 64;
  buffer<std::byte> block(static_cast<index_t>(bytes + fence));
  std::memset(block.data(), 0xFF, block.bytes());
  workspace memory(block.data(), bytes);
  be.run(op::for_each_sample, memory, writer, rows);
  REQUIRE(std::all_of(block.begin() + bytes, block.end(), [](std::byte b) { return b == std::byte{0xFF}; }));
  return out;
}

template <class T>
double difference(const std::vector<T>& a, const std::vector<T>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(d <= most)) most = d;  // a NaN stays
  }
  return most;
}

/// The kernel's pixels are the CPU's within 1e-6, and have the same bits in all orders of blocks and threads.
template <class T = float, class Views>
void agrees(const char* what, const Views& views, index_t source_side, index_t side, bool one_size, double tolerance = 1e-6) {
  for (const index_t channels : {1, 3}) {
    INFO(what << " from " << source_side << " to " << side << ", " << channels << " channels");
    const sources in(6, source_side, channels, one_size);
    backend::reference ref;
    const auto wanted = made<T>(ref, views, in, side);
    std::vector<T> first;
    for (int order = 0; order < 4; ++order) {
      backend::cuda_on_host be(order);
      const auto got = made<T>(be, views, in, side);
      CHECK(difference(got, wanted) <= tolerance);
      if (order == 0)
        first = got;
      else
        CHECK(std::memcmp(first.data(), got.data(), got.size() * sizeof(T)) == 0);
    }
  }
}

/// A step alone: from the bytes, and behind another one, in place.
template <class Step>
void step_agrees(const char* what, const Step& step, double tolerance = 1e-6) {
  for (const index_t side : {1, 7, 32, 96}) {
    if constexpr (au::changes_size<Step>) {
      for (const index_t from : {1, 7, 32, 96}) agrees(what, au::views<au::group<au::chain<Step>, 2>>(au::chain<Step>(step)), from, side, false, tolerance);
    } else {
      agrees(what, au::views<au::group<au::chain<Step>, 2>>(au::chain<Step>(step)), side, side, true, tolerance);
      using behind = au::chain<au::random_resized_crop, Step>;
      agrees(what, au::views<au::group<behind, 2>>(behind(au::random_resized_crop{}, step)), side, side, true, tolerance);
    }
  }
}

}  // namespace

TEST_CASE("cuda_samples: crops and resizes are the CPU's", "[backend][cuda][augment]") {
  step_agrees("random_resized_crop", au::random_resized_crop{});
  step_agrees("resize", au::resize{});
  step_agrees("resized_center_crop", au::resized_center_crop{});
  step_agrees("center_crop", au::center_crop{});
  step_agrees("random_crop", au::random_crop{.fill = 0.25f});
}

TEST_CASE("cuda_samples: what changes colours is the CPU's", "[backend][cuda][augment]") {
  step_agrees("color_jitter", au::color_jitter{});
  step_agrees("color_jitter of hue alone", au::color_jitter{.brightness = 0.0f, .contrast = 0.0f, .saturation = 0.0f, .hue = 0.5f});
  step_agrees("color_jitter without contrast", au::color_jitter{.contrast = 0.0f});
  step_agrees("grayscale", au::grayscale{.p = 0.5f});
  step_agrees("solarize", au::solarize{.p = 0.5f, .threshold = 0.501f});
  step_agrees("normalize", au::normalize::imagenet(), 5e-6);
  step_agrees("gaussian_noise", au::gaussian_noise{.sigma = {0.05f, 0.2f}});
}

TEST_CASE("cuda_samples: what moves and covers pixels is the CPU's", "[backend][cuda][augment]") {
  step_agrees("horizontal_flip", au::horizontal_flip{});
  step_agrees("vertical_flip", au::vertical_flip{});
  step_agrees("gaussian_blur", au::gaussian_blur{});
  step_agrees("gaussian_blur of many taps", au::gaussian_blur{.kernel = 41, .sigma = {1.0f, 9.0f}});
  step_agrees("rotation", au::rotation{.degrees = 90.0f, .fill = 0.3f});
  step_agrees("affine", au::affine{.shear_x = 10.0f, .shear_y = 5.0f, .fill = 0.1f});
  step_agrees("cutout", au::cutout{.fill = 0.5f});
  step_agrees("apply_with_probability", au::apply_with_probability<au::apply_with_probability<au::gaussian_blur>, 70>{});
}

TEST_CASE("cuda_samples: whole chains, groups of several chains and a batch in double", "[backend][cuda][augment]") {
  using simclr = au::chain<au::random_resized_crop, au::horizontal_flip, au::apply_with_probability<au::color_jitter, 80>, au::grayscale,
                           au::apply_with_probability<au::gaussian_blur>, au::normalize>;
  using byol = au::chain<au::random_resized_crop, au::horizontal_flip, au::apply_with_probability<au::color_jitter, 80>, au::grayscale,
                         au::apply_with_probability<au::gaussian_blur, 10>, au::solarize, au::normalize>;
  using before = au::chain<au::gaussian_blur, au::color_jitter, au::random_crop, au::resize, au::rotation, au::cutout>;
  using nested = au::chain<au::chain<au::random_resized_crop, au::vertical_flip>, au::chain<au::gaussian_noise, au::chain<>>>;
  for (const index_t side : {1, 7, 32, 96})
    for (const index_t from : {1, 7, 32, 96}) {
      agrees("simclr", au::two_views<simclr>(), from, side, false, 5e-6);
      agrees("byol", au::asymmetric<simclr, byol>(), from, side, false, 5e-6);
      agrees("steps before a crop", au::two_views<before>(), from, side, false, 3e-6);
    }
  agrees("nested", au::two_views<nested>(), 32, 7, false);
  agrees<double>("in double", au::two_views<simclr>(), 32, 7, false, 5e-6);
  agrees("three groups", au::views<au::group<simclr, 2>, au::group<nested, 3>, au::group<au::chain<au::resize>, 1>>(), 13, 9, false, 5e-6);
}

TEST_CASE("cuda_samples: more views than blocks, and none", "[backend][cuda][augment]") {
  using chain = au::chain<au::random_crop, au::horizontal_flip>;
  const sources in(700, 5, 1, true);
  backend::reference ref;
  backend::cuda_on_host be(2);
  const au::two_views<chain> views;
  CHECK(made<float>(be, views, in, 4) == made<float>(ref, views, in, 4));
  CHECK(made<float>(be, views, sources(0, 5, 1, true), 4).empty());
}
