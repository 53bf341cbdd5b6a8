// SPDX-License-Identifier: BSD-3-Clause
// The decisions of every step, frozen: they must be equal for every compiler, instruction set and optimisation level.
#include <bit>
#include <cstdint>

#include "pictures.hpp"
#include "pretext/augment/augment.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
namespace au = pretext::augment;

namespace {

/// FNV-1a over the values of records, field by field (padding bytes are no decision).
struct digest {
  std::uint64_t value = 14695981039346656037ull;
  void add(std::uint32_t bits) {
    for (int i = 0; i < 4; ++i) value = (value ^ ((bits >> (8 * i)) & 0xFF)) * 1099511628211ull;
  }
  void add(std::int32_t v) { add(static_cast<std::uint32_t>(v)); }
  void add(float v) { add(std::bit_cast<std::uint32_t>(v)); }
  void add(bool v) { add(static_cast<std::uint32_t>(v)); }
  void add(const au::box& b) {
    for (std::int32_t v : {b.top, b.left, b.height, b.width}) add(v);
  }
};

constexpr image_size source(std::uint64_t i) { return {static_cast<index_t>(1 + i * 37 % 301), static_cast<index_t>(1 + i * 101 % 407), 3}; }

template <class Step, class Add>
std::uint64_t decisions(const Step& step, const Add& add) {
  digest d;
  for (std::uint64_t i = 0; i < 3000; ++i) add(d, step.draw(key(i, 20), source(i), {32, 48, 3}));
  return d.value;
}

}  // namespace

TEST_CASE("records: the decisions of every step are the frozen ones", "[augment][records][golden]") {
  CHECK(decisions(au::random_resized_crop{}, [](digest& d, const auto& r) { d.add(r.part); }) == 0xC61615F93E0D2870ull);
  CHECK(decisions(au::resized_center_crop{}, [](digest& d, const auto& r) { d.add(r.part); }) == 0x6F6A8761EDADCC72ull);
  CHECK(decisions(au::center_crop{}, [](digest& d, const auto& r) { d.add(r.part); }) == 0x5B75F8F9405772EFull);
  CHECK(decisions(au::random_crop{}, [](digest& d, const auto& r) { d.add(r.part); }) == 0x898BB4A0F222D69Cull);
  CHECK(decisions(au::horizontal_flip{.p = 0.3f}, [](digest& d, const auto& r) { d.add(r.flipped); }) == 0xB5C3E0FD53DBD584ull);
  CHECK(decisions(au::color_jitter{}, [](digest& d, const auto& r) {
          for (float v : {r.brightness, r.contrast, r.saturation, r.hue}) d.add(v);
          for (std::uint8_t o : r.order) d.add(static_cast<std::uint32_t>(o));
        }) == 0x8C5C6316889C59E6ull);
  CHECK(decisions(au::gaussian_blur{}, [](digest& d, const auto& r) {
          d.add(r.sigma);
          d.add(r.kernel);
        }) == 0xCC7E2657C9B2BEE0ull);
  CHECK(decisions(au::rotation{}, [](digest& d, const auto& r) { d.add(r.angle); }) == 0xCC3C07B60560BBFDull);
  CHECK(decisions(au::affine{.shear_x = 20, .shear_y = 7}, [](digest& d, const auto& r) {
          for (float v : {r.angle, r.scale, r.shear_x, r.shear_y}) d.add(v);
          d.add(r.move_x);
          d.add(r.move_y);
        }) == 0xF2B5F542C8111CA6ull);
  CHECK(decisions(au::cutout{.side = 0.37f}, [](digest& d, const auto& r) { d.add(r.covered); }) == 0x31BE7246AB883F80ull);
  CHECK(decisions(au::gaussian_noise{.sigma = {0.1f, 0.7f}}, [](digest& d, const auto& r) { d.add(r.sigma); }) == 0xAB2C2975D37431FFull);
  CHECK(decisions(au::apply_with_probability<au::solarize, 20>{}, [](digest& d, const auto& r) {
          d.add(r.applied);
          d.add(r.inner.solarized);
        }) == 0x77FE679A1A66AB75ull);
}

TEST_CASE("records: boxes of a few keys can be read", "[augment][records][golden]") {
  const auto part = [](std::uint64_t sample) { return au::random_resized_crop{}.draw(key(sample, 20), {96, 128, 3}, {32, 32, 3}).part; };
  CAPTURE(part(0).top, part(0).left, part(0).height, part(0).width, part(1).top, part(1).left, part(1).height, part(1).width);
  CHECK(part(0) == au::box{5, 17, 79, 73});
  CHECK(part(1) == au::box{6, 28, 83, 92});
}
