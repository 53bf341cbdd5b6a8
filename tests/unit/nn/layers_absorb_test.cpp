// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/nn/activation.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/dropout.hpp"
#include "pretext/nn/identity.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/repeat.hpp"
#include "pretext/nn/residual.hpp"
#include "pretext/nn/sequential.hpp"
#include "pretext/nn/tap.hpp"

using namespace layers_test;

TEST_CASE("sequential: a layer that absorbs the one behind it computes what the two compute apart", "[nn][layers][sequential]") {
  using together = nn::sequential<nn::batch_norm, nn::relu, nn::linear<5>, nn::batch_norm, nn::gelu>;
  using apart = nn::sequential<nn::batch_norm, nn::identity, nn::relu, nn::linear<5>, nn::batch_norm, nn::identity, nn::gelu>;
  const auto a = nn::bind(together{}, px::features<7>{});
  const auto b = nn::bind(apart{}, px::features<7>{});
  const auto at = [](const std::string& name) {  // the same layer's place in the longer chain
    const std::size_t digit = name.find_first_of("0123456789");
    std::string other = name;
    other[digit] = name[digit] == '2' ? '3' : name[digit] == '3' ? '4' : name[digit];
    return other;
  };
  for (const px::run_mode mode : {px::run_mode::train, px::run_mode::evaluate})
    for (const bool keep : {true, false}) {
      given g = random_values(a, extents(7), 9), h = g;
      g.mode = h.mode = mode;
      g.keep = h.keep = keep;
      h.named.clear();
      for (const auto& [name, v] : g.named) h.named[at(name)] = v;
      simd be(2);
      const auto one = run<double>(be, a, extents(7), g), two = run<double>(be, b, extents(7), h);
      const auto same = [](const std::vector<double>& p, const std::vector<double>& q) {
        REQUIRE(p.size() == q.size());
        for (std::size_t i = 0; i < p.size(); ++i) CHECK(std::abs(p[i] - q[i]) <= 1e-12 * (1 + std::abs(q[i])));
      };
      same(one.y, two.y);
      if (!keep) continue;
      same(one.dx, two.dx);
      REQUIRE(one.named.size() == two.named.size());
      for (const auto& [name, v] : one.named) same(v, two.named.at(at(name)));
    }
}

TEST_CASE("sequential: which layers run with the one before them", "[nn][layers][sequential]") {
  using chain = decltype(nn::bind(nn::sequential<nn::relu, nn::batch_norm, nn::relu, nn::tanh, nn::batch_norm, nn::dropout, nn::relu>{}, px::features<7>{}));
  constexpr auto plan = chain::fused;
  constexpr auto absorbed = chain::fusion::absorbed;
  CHECK_FALSE(absorbed[1]);
  CHECK(absorbed[2]);
  CHECK_FALSE(absorbed[3]);
  CHECK_FALSE(absorbed[5]);
  CHECK_FALSE(absorbed[6]);
  CHECK(plan.runs == 6);
  CHECK(plan.turn[1] == plan.turn[2]);
  CHECK(plan.turn[2] != plan.turn[3]);
  check_layer(nn::sequential<nn::batch_norm, nn::tanh, nn::tanh, nn::batch_norm, nn::gelu>{}, px::features<5>{}, 8);
}

TEST_CASE("sequential: a residual runs a relu behind it, and a tap keeps its layer to itself", "[nn][layers][sequential]") {
  using block = nn::sequential<nn::residual<nn::linear<7>>, nn::relu, nn::residual<nn::linear<7>, nn::linear<7>>, nn::relu, nn::tanh>;
  constexpr auto absorbed = decltype(nn::bind(block{}, px::features<7>{}))::fusion::absorbed;
  CHECK((absorbed[1] && absorbed[3] && !absorbed[4]));
  check_layer(block{}, px::features<7>{}, 5);
  // What remembers its output gets one that is not added to.
  using inner = nn::sequential<nn::linear<7>, nn::residual<nn::linear<7>>, nn::relu>;
  check_layer(nn::residual<inner>{}, px::features<7>{}, 5);
  check_layer(nn::residual<nn::linear<7>, inner>{}, px::features<7>{}, 5);
  check_layer(nn::residual<nn::repeat<2, inner>, nn::sequential<nn::linear<7>, inner>>{}, px::features<7>{}, 5);
  check_layer(nn::sequential<nn::residual<inner, inner>, nn::relu>{}, px::features<7>{}, 5);
  using smooth = nn::sequential<nn::residual<nn::linear<7>>, nn::tanh>;  // its gradient needs the sum
  CHECK_FALSE(decltype(nn::bind(smooth{}, px::features<7>{}))::fusion::absorbed[1]);
  using tapped = nn::sequential<nn::batch_norm, nn::tap<"z", nn::relu>, nn::tap<"n", nn::batch_norm>, nn::relu, nn::linear<3>>;
  constexpr auto seen = decltype(nn::bind(tapped{}, px::features<7>{}))::fusion::absorbed;
  CHECK((!seen[1] && !seen[3]));
}

TEST_CASE("sequential: linear and conv2d run a relu behind them, to the bit and for less memory", "[nn][layers][sequential]") {
  const auto compare = [](const auto& together, const auto& apart, const extents& sample) {
    const given g = random_values(together, sample, 5);
    simd be(2);
    const auto one = run<float>(be, together, sample, g), two = run<float>(be, apart, sample, g);
    CHECK(one.y == two.y);
    CHECK(one.dx == two.dx);
    CHECK(one.named == two.named);
    CHECK(one.memory < two.memory);
  };
  using dense = nn::sequential<nn::linear<300>, nn::relu, nn::linear<5>>;
  using dense_apart = nn::sequential<nn::linear<300>, nn::named<"i", nn::identity>, nn::relu, nn::named<"2", nn::linear<5>>>;
  CHECK(decltype(nn::bind(dense{}, px::features<7>{}))::fusion::absorbed[1]);
  compare(nn::bind(dense{}, px::features<7>{}), nn::bind(dense_apart{}, px::features<7>{}), extents(7));
  using maps = nn::sequential<nn::conv2d<16, 3>, nn::relu, nn::conv2d<16, 3, nn::no_bias>, nn::relu>;
  using maps_apart = nn::sequential<nn::conv2d<16, 3>, nn::named<"i", nn::identity>, nn::relu, nn::named<"2", nn::conv2d<16, 3, nn::no_bias>>,
                                    nn::identity, nn::relu>;
  compare(nn::bind(maps{}, px::image<3, 9, 8>{}), nn::bind(maps_apart{}, px::image<3, 9, 8>{}), extents(9, 8, 3));
  check_layer(nn::sequential<nn::linear<6>, nn::relu, nn::linear<4>, nn::relu>{}, px::features<5>{}, 8);
  check_layer(nn::residual<nn::sequential<nn::linear<5>, nn::relu>>{}, px::features<5>{}, 8);  // remembers its output
  check_layer(maps{}, px::image<2, 6, 5>{}, 3);
}

TEST_CASE("sequential: what a large batch_norm hands on is computed again, to the bit and for less memory", "[nn][layers][sequential]") {
  using forgets = nn::sequential<nn::conv2d<16, 1>, nn::batch_norm, nn::relu, nn::conv2d<8, 1>, nn::batch_norm, nn::conv2d<4, 1>>;
  using pair = nn::sequential<nn::named<"1", nn::batch_norm>, nn::named<"2", nn::relu>>;
  using keeps = nn::sequential<nn::named<"0", nn::conv2d<16, 1>>, nn::named<"", pair>, nn::named<"3", nn::conv2d<8, 1>>,
                               nn::named<"", nn::sequential<nn::named<"4", nn::batch_norm>>>, nn::named<"5", nn::conv2d<4, 1>>>;
  using picture = px::image<1, 512, 512>;
  const auto a = nn::bind(forgets{}, picture{});
  const auto b = nn::bind(keeps{}, picture{});
  using fusion = decltype(nn::bind(forgets{}, picture{}))::fusion;
  CHECK((fusion::again<2> && fusion::again<4> && !fusion::again<0> && !fusion::again<1> && !fusion::again<5>));
  const extents sample(512, 512, 1);
  const given g = random_values(a, sample, 1);
  simd be(2);
  const auto one = run<float>(be, a, sample, g), two = run<float>(be, b, sample, g);
  CHECK(one.y == two.y);
  CHECK(one.dx == two.dx);
  REQUIRE(one.named.size() == two.named.size());
  for (const auto& [name, v] : one.named) {
    INFO(name);
    REQUIRE(two.named.count(name) == 1);
    CHECK(v == two.named.at(name));
  }
  CHECK(one.memory + (std::size_t{16} << 20) <= two.memory);  // a map of 16 channels; that of 8 is below the limit and kept
}
