// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/strict.hpp"

#include "pretext/backend/simd/simd.hpp"
#include "pretext/nn/activation.hpp"
#include "support/catch.hpp"

using namespace pretext;

TEST_CASE("strict: an op that is native runs as on the back end itself", "[backend][strict]") {
  backend::strict<backend::simd<>> be(2);
  workspace memory;
  std::vector<float> x{-1, 2}, y(2);
  be.run(op::map, memory, nn::functor::relu{}, tensor_view<const float>{x.data(), 2}, tensor_view<float>{y.data(), 2});
  CHECK(y == std::vector<float>{0, 2});
  CHECK(be.threads() == 2);
}

TEST_CASE("strict: an op is native for the types it has kernels for", "[backend][strict]") {
  using be = backend::simd<>;
  STATIC_REQUIRE(be::runs_natively<op::add_op, tensor_view<const float>, tensor_view<float>>);
  STATIC_REQUIRE(be::runs_natively<op::add_op, tensor_view<const double>, activations<double>>);
  STATIC_REQUIRE(!be::runs_natively<op::add_op, tensor_view<const long double>, tensor_view<long double>>);
  STATIC_REQUIRE(!be::runs_natively<op::sample_mean_op, tensor_view<const float>, extent, tensor_view<float>>);
}

TEST_CASE("simd: what it has no kernel for, the reference computes", "[backend][strict]") {
  backend::simd<> be(1);
  workspace memory;
  std::vector<float> rows{1, 2, 3, 6}, mean(2);
  be.run(op::sample_mean, memory, tensor_view<const float>{rows.data(), {1, 2, 2}}, extent{.samples = 1, .length = 2},
         tensor_view<float>{mean.data(), {1, 2}});
  CHECK(mean == std::vector<float>{2, 4});
  std::vector<long double> x{1, 2}, y{3, 4};
  be.run(op::add, memory, tensor_view<const long double>{x.data(), 2}, tensor_view<long double>{y.data(), 2});
  CHECK(y == std::vector<long double>{4, 6});
}
