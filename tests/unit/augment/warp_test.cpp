// SPDX-License-Identifier: BSD-3-Clause
// rotation and affine.
#include <cmath>

#include "pictures.hpp"
#include "pretext/augment/image/affine.hpp"
#include "pretext/augment/image/rotation.hpp"
#include "support/catch.hpp"

using namespace pretext;
using namespace pictures;

TEST_CASE("rotation: agrees with torchvision, in place too", "[augment][rotation][golden]") {
  const golden::file file("augment");
  for (const std::string name : {"small", "grey"})
    for (const auto& [text, angle, fill] : {std::tuple<std::string, float, float>{"30.0.0.0", 30.0f, 0.0f}, {"-75.0.0.25", -75.0f, 0.25f}, {"180.0.0.0", 180.0f, 0.0f}}) {
      INFO(name << " " << text);
      const auto in = floats(golden_image(file, name));
      const augment::rotation turn{.fill = fill};
      CHECK(difference(applied(turn, {angle}, in).values, file["rotate." + name + "." + text]) < 1e-5);
      CHECK(difference(applied_in_place(turn, {angle}, in), applied(turn, {angle}, in)) == 0.0);
    }
}

TEST_CASE("affine: agrees with torchvision, in place too", "[augment][affine][golden]") {
  const golden::file file("augment");
  for (const std::string name : {"small", "grey"}) {
    const auto in = floats(golden_image(file, name));
    const augment::affine step{.fill = 0.5f};
    const augment::affine::record drawn{20.0f, 2, -1, 1.2f, 10.0f, -5.0f};
    CHECK(difference(applied(step, drawn, in).values, file["affine." + name]) < 1e-5);
    CHECK(difference(applied_in_place(step, drawn, in), applied(step, drawn, in)) == 0.0);
  }
}

TEST_CASE("rotation: a quarter turn moves pixels, and no turn changes nothing", "[augment][rotation]") {
  const auto in = floats(7, 7, 3);
  const auto out = applied(augment::rotation{}, {90.0f}, in);
  for (index_t y = 0; y < 7; ++y)
    for (index_t x = 0; x < 7; ++x) CHECK(out.view()(y, x, 0) == Approx(in.view()(x, 6 - y, 0)).margin(1e-5));
  const augment::rotation none{.degrees = 0};
  CHECK(difference(applied(none, none.draw(key(1), in.size(), in.size()), in), in) == 0.0);
  const auto one = floats(1, 1, 3);
  CHECK(difference(applied(augment::rotation{}, {0.0f}, one), one) == 0.0);
}

TEST_CASE("affine: identity settings are the identity; a move is exact", "[augment][affine]") {
  const augment::affine none{.degrees = 0, .translate_x = 0, .translate_y = 0, .scale = {1, 1}};
  const auto in = floats(6, 9, 3);
  CHECK(difference(applied(none, none.draw(key(1), in.size(), in.size()), in), in) == 0.0);
  const auto moved = applied(none, {0.0f, 2, 1, 1.0f, 0.0f, 0.0f}, in);
  for (index_t y = 0; y < 6; ++y)
    for (index_t x = 0; x < 9; ++x)
      CHECK(moved.view()(y, x, 2) == (y >= 1 && x >= 2 ? in.view()(y - 1, x - 2, 2) : 0.0f));
}

TEST_CASE("rotation and affine: draws are uniform in their ranges", "[augment][rotation][affine]") {
  constexpr int n = 20000;
  const augment::rotation turn{.degrees = 90};
  const augment::affine step{.degrees = 10, .translate_x = 0.25f, .translate_y = 0.5f, .scale = {0.5f, 2.0f}, .shear_x = 20, .shear_y = 0};
  double mean[5] = {};
  std::vector<index_t> moves(21);
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto r = step.draw(key(i), {20, 40, 3}, {20, 40, 3});
    const double angle = turn.draw(key(i), {8, 8, 3}, {8, 8, 3}).angle;
    REQUIRE((std::fabs(angle) <= 90 && std::fabs(r.angle) <= 10 && std::abs(r.move_x) <= 10 && std::abs(r.move_y) <= 10));
    REQUIRE((r.scale >= 0.5f && r.scale <= 2.0f && std::fabs(r.shear_x) <= 20 && r.shear_y == 0.0f));
    const double v[5] = {angle / 90, r.angle / 10, (r.scale - 1.25) / 0.75, r.shear_x / 20, 0.1 * r.move_y};
    for (int k = 0; k < 5; ++k) mean[k] += v[k] / n;
    ++moves[static_cast<std::size_t>(r.move_x + 10)];
  }
  for (double m : mean) CHECK(m == Approx(0.0).margin(5 / std::sqrt(3.0 * n)));
  CHECK(plausible(moves[10], n, 1.0 / 20));
  CHECK(plausible(moves[0], n, 0.5 / 20));  // the ends are rounded from half an interval
}

TEST_CASE("rotation and affine: settings that make no sense are refused", "[augment][rotation][affine]") {
  CHECK_THROWS_WITH((augment::rotation{.degrees = 181}.check()), Catch::Contains("augment.203"));
  CHECK_THROWS_WITH((augment::affine{.scale = {0.0f, 1.0f}}.check()), Catch::Contains("augment.202"));
  CHECK_THROWS_WITH((augment::affine{.shear_x = 90}.check()), Catch::Contains("shear_x"));
}
