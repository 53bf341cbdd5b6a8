// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/report.hpp"

#include <algorithm>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"

using namespace pretext;

namespace {
struct half_done {
  using native_ops = op::list<op::matmul_op>;
};
}  // namespace

TEST_CASE("report: one line for each op of the contract", "[backend][report]") {
  const std::string text = backend::report<half_done>();
  CHECK(std::count(text.begin(), text.end(), '\n') == op::all::size);
  CHECK(text.starts_with("matmul"));
  CHECK_THAT(text, Catch::Matches("matmul +native\nlinear +fallback\n[^]*"));
}

TEST_CASE("report: the reference is native everywhere, simd in every op of pictures", "[backend][report]") {
  CHECK_THAT(backend::report<backend::reference>(), !Catch::Contains("fallback"));
  const std::string simd = backend::report<backend::simd<>>();
  CHECK_THAT(simd, Catch::Matches("[^]*conv2d_weight_gradient +native\n[^]*contrastive_gradient +native\n[^]*"));
  CHECK_THAT(simd, Catch::Matches("[^]*sample_mean +fallback\n[^]*"));
}
