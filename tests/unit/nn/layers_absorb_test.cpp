// SPDX-License-Identifier: BSD-3-Clause
#include "layers_support.hpp"

#include "pretext/nn/activation.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/dropout.hpp"
#include "pretext/nn/identity.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/sequential.hpp"

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
  CHECK_FALSE(plan.absorbed[1]);
  CHECK(plan.absorbed[2]);
  CHECK_FALSE(plan.absorbed[3]);
  CHECK_FALSE(plan.absorbed[5]);
  CHECK_FALSE(plan.absorbed[6]);
  CHECK(plan.runs == 6);
  CHECK(plan.turn[1] == plan.turn[2]);
  CHECK(plan.turn[2] != plan.turn[3]);
  check_layer(nn::sequential<nn::batch_norm, nn::tanh, nn::tanh, nn::batch_norm, nn::gelu>{}, px::features<5>{}, 8);
}
