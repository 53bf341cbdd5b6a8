// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/augment/chain.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "pictures.hpp"
#include "pretext/augment/apply_with_probability.hpp"
#include "pretext/augment/image/center_crop.hpp"
#include "pretext/augment/image/color_jitter.hpp"
#include "pretext/augment/image/flip.hpp"
#include "pretext/augment/image/gaussian_blur.hpp"
#include "pretext/augment/image/normalize.hpp"
#include "pretext/augment/image/random_crop.hpp"
#include "pretext/augment/image/random_resized_crop.hpp"
#include "pretext/augment/image/resize.hpp"
#include "pretext/augment/image/rotation.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
namespace au = pretext::augment;

namespace {

/// Half the brightness; knows only floats, keeps the size, says nothing about scratch.
struct halve {
  struct record {};
  record draw(rng::key, image_size, image_size) const { return {}; }
  void apply(au::context&, const record&, image_view<const float> in, image_view<float> out) const {
    for (index_t i = 0; i < in.size(); ++i) out.data[i] = 0.5f * in.data[i];
  }
};

/// Runs a chain with just the planned memory.
template <class Chain, class T>
picture<float> made(const Chain& chain, const picture<T>& in, index_t h, index_t w, rng::key k, typename Chain::record* kept = nullptr) {
  picture<float> out(h, w, in.channels, -7.0f);
  std::vector<float> memory(static_cast<std::size_t>(chain.scratch_floats(in.height, in.width, in.channels, h, w)));
  au::context ctx{memory};
  const auto before = in.values;
  const auto drawn = chain.apply(ctx, k, in.view(), out.target());
  CHECK(in.values == before);
  if (kept) *kept = drawn;
  return out;
}

using simclr = au::chain<au::random_resized_crop, au::horizontal_flip, au::apply_with_probability<au::color_jitter, 80>,
                         au::apply_with_probability<au::gaussian_blur>, au::normalize>;

struct path {
  std::string text;
  friend path operator/(const path& p, std::string_view name) { return {p.text.empty() ? std::string(name) : p.text + "." + std::string(name)}; }
};

}  // namespace

static_assert(au::Augmentation<simclr>);
static_assert(std::is_trivially_copyable_v<simclr::record>);
static_assert(simclr{}.scratch_floats(32, 32, 3, 32, 32) < 2 * 32 * 32 * 3, "planning works at compile time");

TEST_CASE("chain: is its steps one after the other, each with its own draws", "[augment][chain]") {
  const auto in = bytes(40, 29, 3);
  const simclr chain;
  const rng::key k{.seed = 3, .sample = 11};
  simclr::record drawn;
  const auto out = made(chain, in, 16, 24, k, &drawn);

  using rng::purpose;
  const auto crop = chain.step<0>().draw(k.with_purpose(purpose::augment, 0), {40, 29, 3}, {16, 24, 3});
  const auto flip = chain.step<1>().draw(k.with_purpose(purpose::augment, 1), {16, 24, 3}, {16, 24, 3});
  const auto jitter = chain.step<2>().draw(k.with_purpose(purpose::augment, 2), {16, 24, 3}, {16, 24, 3});
  const auto blur = chain.step<3>().draw(k.with_purpose(purpose::augment, 3), {16, 24, 3}, {16, 24, 3});
  CHECK(au::get<0>(drawn).part == crop.part);
  CHECK(au::get<1>(drawn).flipped == flip.flipped);
  CHECK(au::get<2>(drawn).inner.hue == jitter.inner.hue);
  CHECK(au::get<3>(drawn).inner.sigma == blur.inner.sigma);
  auto by_hand = applied(chain.step<0>(), crop, in, 16, 24);
  by_hand = applied(chain.step<1>(), flip, by_hand);
  by_hand = applied(chain.step<2>(), jitter, by_hand);
  by_hand = applied(chain.step<3>(), blur, by_hand);
  by_hand = applied(chain.step<4>(), {}, by_hand);
  CHECK(difference(out, by_hand) == 0.0);
}

TEST_CASE("chain: same key, same record and pixels; another key, sample, epoch or view, another image", "[augment][chain]") {
  const auto in = bytes(32, 32, 3);
  const simclr chain;
  const rng::key k{.seed = 3, .sample = 11, .epoch = 2};
  const auto out = made(chain, in, 32, 32, k);
  CHECK(difference(made(chain, in, 32, 32, k), out) == 0.0);
  rng::key epoch = k, seed = k;
  epoch.epoch = 3;
  seed.seed = 4;
  for (const rng::key& other : {k.with_view(1), k.with_sample(12), epoch, seed}) CHECK(difference(made(chain, in, 32, 32, other), out) > 0.05);
}

TEST_CASE("chain: a kept record replays the pixels", "[augment][chain]") {
  const auto in = bytes(21, 50, 1);
  const simclr chain;
  simclr::record drawn;
  const auto out = made(chain, in, 19, 7, rng::key{.seed = 5}, &drawn);
  picture<float> again(19, 7, 1);
  std::vector<float> memory(static_cast<std::size_t>(chain.scratch_floats(21, 50, 1, 19, 7)));
  au::context ctx{memory};
  chain.apply(ctx, drawn, in.view(), again.target());
  CHECK(difference(out, again) == 0.0);
}

TEST_CASE("chain: steps before and after several changes of size go through scratch memory", "[augment][chain]") {
  const auto in = bytes(23, 31, 3);
  const au::chain<au::color_jitter, au::rotation, au::random_crop, halve, au::random_resized_crop, au::horizontal_flip> chain;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {  // enough that a crop reads above where it writes
    const rng::key k{.seed = seed};
    const auto out = made(chain, in, 12, 17, k);
    const auto at = [&](unsigned i) { return k.with_purpose(rng::purpose::augment, i); };
    const image_size big = in.size(), small{12, 17, 3};
    auto by_hand = applied(au::color_jitter{}, au::color_jitter{}.draw(at(0), big, big), floats(in));
    by_hand = applied(au::rotation{}, au::rotation{}.draw(at(1), big, big), by_hand);
    by_hand = applied(au::random_crop{}, au::random_crop{}.draw(at(2), big, small), by_hand, 12, 17);
    by_hand = applied(halve{}, {}, by_hand);
    by_hand = applied(au::random_resized_crop{}, au::random_resized_crop{}.draw(at(4), small, small), by_hand, 12, 17);
    by_hand = applied(au::horizontal_flip{}, au::horizontal_flip{}.draw(at(5), small, small), by_hand);
    CHECK(difference(out, by_hand) < 1e-6);  // bytes / 255 here, bytes * (1 / 255) there
  }
}

TEST_CASE("chain: a crop writes the flip after it, bit for bit what two passes give", "[augment][chain]") {
  const auto check = [](auto crop, auto before, index_t h, index_t w) {
    au::horizontal_flip always;
    always.p = 1.0f;
    au::chain<decltype(before), decltype(crop), au::horizontal_flip> both;
    both.template step<2>() = always;
    for (index_t c : {1, 3}) {
      const auto in = bytes(13, 17, c);
      const rng::key k{.seed = 9, .sample = static_cast<std::uint64_t>(h)};
      const auto twice = made(au::chain<decltype(before), decltype(crop)>{}, in, h, w, k);
      CHECK(difference(made(both, in, h, w, k), applied(always, {true}, twice)) == 0.0);
      both.template step<2>().p = 0.0f;
      CHECK(difference(made(both, in, h, w, k), twice) == 0.0);
      both.template step<2>() = always;
    }
  };
  for (auto [h, w] : {std::pair<index_t, index_t>{1, 1}, {7, 31}, {16, 16}, {40, 9}}) {
    check(au::random_resized_crop{}, halve{}, h, w);
    check(au::resize{}, au::center_crop{}, h, w);
    check(au::random_crop{}, halve{}, h, w);
    check(au::center_crop{}, au::random_crop{}, h, w);
  }
}

TEST_CASE("chain: without a change of size the view has the source's size; an empty one converts", "[augment][chain]") {
  const auto in = bytes(5, 6, 3);
  CHECK(difference(made(au::chain<>{}, in, 5, 6, {}), floats(in)) < 1e-7);
  CHECK(au::chain<>{}.scratch_floats(5, 6, 3, 5, 6) == 0);
  auto half = floats(in);
  for (float& v : half.values) v *= 0.5f;
  CHECK(difference(made(au::chain<halve>{}, in, 5, 6, {}), half) < 1e-7);
  CHECK(au::chain<halve>{}.scratch_floats(5, 6, 3, 5, 6) == 0);
  picture<float> out(6, 6, 3);
  au::context none{};
  CHECK_THROWS_WITH(au::chain<halve>{}.apply(none, rng::key{}, in.view(), out.target()), Catch::Contains("augment.104"));
}

TEST_CASE("chain: images that do not fit are refused with a sentence", "[augment][chain]") {
  const simclr chain;
  std::vector<float> memory(100000);
  au::context ctx{memory};
  const auto refuse = [&](index_t h, index_t w, index_t c, index_t oh, index_t oc, const char* id) {
    const auto in = bytes(h, w, c);
    picture<float> out(oh, 8, oc);
    CHECK_THROWS_WITH(chain.apply(ctx, rng::key{}, in.view(), out.target()), Catch::Contains(id));
  };
  refuse(8, 8, 1, 8, 3, "augment.102");
  refuse(8, 8, 3, 8, 1, "the view 1");
  refuse(8, 8, 4, 8, 4, "augment.101");
  refuse(8, 8, 2, 8, 2, "augment.101");
  refuse(0, 8, 3, 8, 3, "augment.103");
  refuse(8, 8, 3, 0, 3, "augment.103");
  au::context small{std::span<float>(memory).first(10)};
  const auto in = bytes(8, 8, 3);
  picture<float> out(8, 8, 3);
  CHECK_THROWS_WITH(chain.apply(small, rng::key{}, in.view(), out.target()), Catch::Contains("augment.110"));
  const au::chain wrong(au::random_resized_crop{}, au::horizontal_flip{.p = 2.0f});
  CHECK_THROWS_WITH(wrong.scratch_floats(8, 8, 3, 8, 8), Catch::Contains("horizontal_flip"));
}

TEST_CASE("chain: one plan serves every smaller image", "[augment][chain]") {
  const au::chain<au::color_jitter, au::gaussian_blur, au::random_resized_crop, au::rotation, au::gaussian_blur> chain;
  std::vector<float> memory(static_cast<std::size_t>(chain.scratch_floats(33, 40, 3, 16, 16)));
  for (auto [h, w] : {std::pair<index_t, index_t>{1, 1}, {1, 40}, {33, 1}, {33, 40}, {2, 3}, {17, 16}}) {
    const auto in = bytes(h, w, 3);
    picture<float> out(16, 16, 3, NAN);
    au::context ctx{memory};
    chain.apply(ctx, rng::key{.sample = static_cast<std::uint64_t>(h)}, in.view(), out.target());
    for (float v : out.values) REQUIRE((v >= -1e-6f && v <= 1.000001f));
    CHECK(ctx.scratch.size() == memory.size());
  }
}

TEST_CASE("chain: every setting has a dotted name, and a choice survives a recipe below it", "[augment][chain][settings]") {
  using two = au::chain<au::random_resized_crop, au::horizontal_flip, au::color_jitter, au::color_jitter>;
  two user, recipe;
  user.step<au::horizontal_flip>().p = 0.25f;
  recipe.step<0>().scale.low = 0.2f;
  recipe.step<au::horizontal_flip>().p = 0.9f;
  recipe.step<3>().hue = 0.3f;
  inherit_settings(user, recipe);
  CHECK(user.step<1>().p.value() == 0.25f);
  CHECK(user.step<0>().scale.low.value() == 0.2f);
  CHECK(user.step<2>().hue.value() == 0.1f);
  CHECK(user.step<3>().hue.value() == 0.3f);
  std::vector<std::string> names;
  visit_settings(user, path{}, [&](const path& p, auto&) { names.push_back(p.text); });
  CHECK(names == std::vector<std::string>{"random_resized_crop.scale.low", "random_resized_crop.scale.high", "random_resized_crop.ratio.low",
                                          "random_resized_crop.ratio.high", "horizontal_flip.p", "color_jitter.brightness", "color_jitter.contrast",
                                          "color_jitter.saturation", "color_jitter.hue", "color_jitter_2.brightness", "color_jitter_2.contrast",
                                          "color_jitter_2.saturation", "color_jitter_2.hue"});
}

TEST_CASE("chain: inside a chain it draws as if its steps stood there", "[augment][chain]") {
  const au::chain<au::horizontal_flip, au::chain<au::color_jitter, au::rotation>, au::gaussian_blur> nested;
  const au::chain<au::horizontal_flip, au::color_jitter, au::rotation, au::gaussian_blur> flat;
  const auto in = bytes(9, 9, 3);
  CHECK(difference(made(nested, in, 9, 9, rng::key{6}), made(flat, in, 9, 9, rng::key{6})) == 0.0);
}

TEST_CASE("apply_with_probability: runs the step as often as it says, independently of what the step draws", "[augment][apply_with_probability]") {
  constexpr index_t n = 20000;
  const au::apply_with_probability<au::horizontal_flip, 30> sometimes;
  CHECK(sometimes.p.value() == 0.3f);
  index_t ran = 0, both = 0;
  for (index_t i = 0; i < n; ++i) {
    const auto r = sometimes.draw(key(static_cast<std::uint64_t>(i)), {4, 4, 3}, {4, 4, 3});
    ran += r.applied ? 1 : 0;
    both += r.applied && r.inner.flipped ? 1 : 0;
  }
  CHECK(plausible(ran, n, 0.3));
  CHECK(plausible(both, n, 0.15));
}

TEST_CASE("apply_with_probability: nested coins are independent, also through a chain", "[augment][apply_with_probability]") {
  constexpr index_t n = 20000;
  const au::apply_with_probability<au::apply_with_probability<halve>> twice;
  const au::apply_with_probability<au::chain<au::apply_with_probability<halve>>> through;
  index_t a = 0, b = 0;
  for (index_t i = 0; i < n; ++i) {
    const auto r = twice.draw(key(static_cast<std::uint64_t>(i)), {4, 4, 3}, {4, 4, 3});
    const auto s = through.draw(key(static_cast<std::uint64_t>(i)), {4, 4, 3}, {4, 4, 3});
    a += r.applied && r.inner.applied ? 1 : 0;
    b += s.applied && au::get<0>(s.inner).applied ? 1 : 0;
  }
  CHECK(plausible(a, n, 0.25));
  CHECK(plausible(b, n, 0.25));
}

TEST_CASE("apply_with_probability: never is the identity, always is the step", "[augment][apply_with_probability]") {
  const auto in = floats(6, 7, 3);
  const au::apply_with_probability<au::gaussian_blur, 0> never;
  const au::apply_with_probability<au::gaussian_blur, 100> always;
  CHECK(difference(applied(never, never.draw(key(1), in.size(), in.size()), in), in) == 0.0);
  const auto blurred = applied(au::gaussian_blur{}, au::gaussian_blur{}.draw(key(1), in.size(), in.size()), in);
  CHECK(difference(applied(always, always.draw(key(1), in.size(), in.size()), in), blurred) == 0.0);
  au::apply_with_probability<au::gaussian_blur> wrong;
  wrong.p = -1;
  CHECK_THROWS_WITH(wrong.check(), Catch::Contains("augment.201"));
}

TEST_CASE("draw_and_apply: runs one step alone on bytes", "[augment][chain]") {
  const auto in = bytes(6, 6, 3);
  picture<float> out(6, 6, 3);
  const auto r = au::draw_and_apply(au::horizontal_flip{.p = 1}, au::context{}, key(0), in.view(), out.target());
  CHECK(r.flipped);
  CHECK(out.view()(2, 0, 1) == Approx(in.view()(2, 5, 1) / 255.0));
  picture<float> other(5, 6, 3);
  CHECK_THROWS_WITH(au::draw_and_apply(au::horizontal_flip{}, au::context{}, key(0), in.view(), other.target()), Catch::Contains("augment.104"));
}
