// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/augment/views.hpp"

#include <string>
#include <vector>

#include "pictures.hpp"
#include "pretext/augment/image/flip.hpp"
#include "pretext/augment/image/random_resized_crop.hpp"
#include "pretext/augment/image/solarize.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;
namespace au = pretext::augment;

namespace {

using crop = au::chain<au::random_resized_crop, au::horizontal_flip>;
using crop_solarize = au::chain<au::random_resized_crop, au::horizontal_flip, au::solarize>;
using two = au::two_views<crop>;
using byol = au::asymmetric<crop, crop_solarize>;
using swav = au::multi_crop<crop, 2, crop, 6, 12>;

struct path {
  std::string text;
  friend path operator/(const path& p, std::string_view name) { return {p.text + "/" + std::string(name)}; }
};

template <class Views>
std::vector<float> view_of(const Views& views, const picture<std::uint8_t>& in, image_size input, int group, int view, rng::key k = {}) {
  const image_size size = Views::size(group, input);
  picture<float> out(size.height, size.width, size.channels, -7.0f);
  std::vector<float> memory(static_cast<std::size_t>(views.scratch_floats(in.size(), input)));
  au::context ctx{memory};
  views.write(ctx, k, group, view, in.view(), out.target());
  return out.values;
}

}  // namespace

static_assert(two::group_count == 1 && two::count(0) == 2 && two::view_count == 2 && two::height(0) == 0);
static_assert(byol::group_count == 2 && byol::view_count == 2 && byol::first_view(1) == 1);
static_assert(swav::group_count == 2 && swav::count(1) == 6 && swav::height(1) == 12 && swav::width(1) == 12 && swav::view_count == 8);
static_assert(std::is_same_v<two::record, crop::record>);
static_assert(std::is_same_v<swav::record, crop::record>, "one kind of record where the chains agree");
static_assert(std::is_same_v<byol::record, std::variant<crop::record, crop_solarize::record>>);
static_assert(std::is_same_v<au::as_views<crop>, two> && std::is_same_v<au::as_views<byol>, byol>);
static_assert(std::is_same_v<au::as_views<au::horizontal_flip>, au::two_views<au::chain<au::horizontal_flip>>>);
static_assert(au::is_views<swav> && !au::is_views<crop>);

TEST_CASE("views: two views of a sample differ, and each is a function of its number", "[augment][views]") {
  const auto in = bytes(32, 40, 3);
  const two views;
  const auto a = view_of(views, in, {16, 16, 3}, 0, 0), b = view_of(views, in, {16, 16, 3}, 0, 1);
  CHECK(a != b);
  CHECK(a == view_of(views, in, {16, 16, 3}, 0, 0));
  picture<float> out(16, 16, 3);
  std::vector<float> memory(static_cast<std::size_t>(views.scratch_floats(32, 40, 3, 16, 16)));
  au::context ctx{memory};
  crop{}.apply(ctx, rng::key{}.with_view(1), in.view(), out.target());
  CHECK(out.values == b);
}

TEST_CASE("views: groups have their own chain, count and size", "[augment][views]") {
  const auto in = bytes(32, 32, 3);
  const swav views;
  CHECK(view_of(views, in, {24, 20, 3}, 0, 1).size() == 24 * 20 * 3);
  CHECK(view_of(views, in, {24, 20, 3}, 1, 5).size() == 12 * 12 * 3);
  picture<float> out(12, 12, 3);
  std::vector<float> memory(static_cast<std::size_t>(views.scratch_floats(in.size(), {24, 20, 3})));
  au::context ctx{memory};
  crop{}.apply(ctx, rng::key{}.with_view(7), in.view(), out.target());
  CHECK(out.values == view_of(views, in, {24, 20, 3}, 1, 5));
}

TEST_CASE("views: the record names its chain, and replays", "[augment][views]") {
  const auto in = bytes(32, 32, 3);
  byol views;
  views.chain_of<1>().step<au::solarize>().p = 1.0f;
  picture<float> out(8, 8, 3), again(8, 8, 3);
  std::vector<float> memory(static_cast<std::size_t>(views.scratch_floats(in.size(), {8, 8, 3})));
  au::context ctx{memory};
  const byol::record first = views.write(ctx, rng::key{4}, 0, 0, in.view(), out.target());
  CHECK(first.index() == 0);
  const byol::record second = views.write(ctx, rng::key{4}, 1, 0, in.view(), out.target());
  REQUIRE(second.index() == 1);
  CHECK(au::get<2>(std::get<1>(second)).solarized);
  views.replay<1>(ctx, std::get<1>(second), in.view(), again.target());
  CHECK(again.values == out.values);
  const crop_solarize::record known = views.write<1>(ctx, rng::key{4}, 0, in.view(), again.target());
  CHECK(au::get<0>(known).part == au::get<0>(std::get<1>(second)).part);
}

TEST_CASE("views: what does not exist is refused", "[augment][views]") {
  const auto in = bytes(8, 8, 3);
  picture<float> out(8, 8, 3);
  std::vector<float> memory(10000);
  au::context ctx{memory};
  const swav views;
  CHECK_THROWS_WITH(views.write(ctx, rng::key{}, 2, 0, in.view(), out.target()), Catch::Contains("augment.105"));
  CHECK_THROWS_WITH(views.write(ctx, rng::key{}, 0, 2, in.view(), out.target()), Catch::Contains("augment.105"));
  CHECK_THROWS_WITH(views.write(ctx, rng::key{}, 1, -1, in.view(), out.target()), Catch::Contains("augment.105"));
}

TEST_CASE("views: settings are named through the groups", "[augment][views][settings]") {
  std::vector<std::string> one, several;
  two plain;
  byol pair;
  visit_settings(plain, path{}, [&](const path& p, auto&) { one.push_back(p.text); });
  visit_settings(pair, path{}, [&](const path& p, auto&) { several.push_back(p.text); });
  CHECK(one.size() == 5);
  CHECK(one.back() == "/horizontal_flip/p");
  CHECK(several.size() == 12);
  CHECK(several.back() == "/group_1/solarize/threshold");
  byol recipe;
  recipe.chain_of<1>().step<1>().p = 0.75f;
  inherit_settings(pair, recipe);
  CHECK(pair.chain_of<1>().step<1>().p.value() == 0.75f);
  CHECK(pair.chain_of<0>().step<1>().p.value() == 0.5f);
}

TEST_CASE("views: a source that no view can be made of is refused before anything runs", "[augment][views]") {
  using resizing = au::chain<au::random_resized_crop, au::horizontal_flip>;
  using keeping = au::chain<au::horizontal_flip>;
  const auto id_of = [](const auto& views, image_size source) -> std::string {
    try {
      views.check_source(source, {16, 16, 3}, {8, 8, 3});
    } catch (const error& e) {
      return e.id();
    }
    return "";
  };
  const au::two_views<resizing> views;
  CHECK(id_of(views, {16, 16, 3}) == "");
  CHECK(id_of(views, {1, 9, 3}) == "");
  CHECK(id_of(views, {16, 16, 4}) == "augment.101");
  CHECK(id_of(views, {16, 16, 1}) == "augment.102");
  CHECK(id_of(views, {0, 16, 3}) == "augment.103");
  CHECK(id_of(views, {16, 400, 3}) == "augment.110");
  CHECK(id_of(au::asymmetric<resizing, keeping>(), {16, 16, 3}) == "augment.104");
  CHECK(id_of(au::asymmetric<resizing, keeping>(), {8, 8, 3}) == "");
}
