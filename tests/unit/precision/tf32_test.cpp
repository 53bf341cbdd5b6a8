// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/precision/tf32.hpp"

#include <cmath>
#include <limits>

#include "pretext/backend/cuda/cuda_on_host.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/precision/bf16.hpp"
#include "support/catch.hpp"

using namespace pretext;
using precision::tf32;

TEST_CASE("tf32: rounds to 11 significant bits, to nearest", "[precision]") {
  CHECK(tf32::round(1.0f) == 1.0f);
  CHECK(tf32::round(1.0f + 0x1p-10f) == 1.0f + 0x1p-10f);
  CHECK(tf32::round(1.0f + 0x1p-12f) == 1.0f);
  CHECK(tf32::round(1.0f + 0x1p-11f) == 1.0f + 0x1p-10f);  // halves away from zero
  CHECK(tf32::round(-1.0f - 0x1p-11f) == -1.0f - 0x1p-10f);
  CHECK(std::isnan(tf32::round(std::numeric_limits<float>::quiet_NaN())));
  CHECK(tf32::round(std::numeric_limits<float>::infinity()) == std::numeric_limits<float>::infinity());
  for (float x = 1e-3f; x < 1e3f; x *= 1.37f) CHECK(std::fabs(tf32::round(x) - x) <= 0x1p-11f * x);
}

TEST_CASE("tf32: a back end on the host multiplies exactly, and who rounds is asked by type", "[precision]") {
  using namespace backend::blocks;
  CHECK(rounding_of<tf32, float>() == product_rounding::tf32);
  CHECK(rounding_of<tf32, double>() == product_rounding::none);
  CHECK(rounding_of<precision::bf16, float>() == product_rounding::bfloat16);
  CHECK(rounding_of<precision::float32, float>() == product_rounding::none);
  CHECK(!op::rounds<tf32, op::contrastive_forward_op>);

  float a[12], b[20], exact[15], made[15];
  for (int i = 0; i < 12; ++i) a[i] = 0.1f * static_cast<float>(i) + 0.013f;
  for (int i = 0; i < 20; ++i) b[i] = 0.3f - 0.07f * static_cast<float>(i);
  const tensor_view<const float> x{a, {3, 4}}, w{b, {5, 4}};
  const auto same = [&](auto& be) {
    buffer<std::byte> block(1 << 16);
    workspace memory(block.data(), block.bytes());
    be.run(op::linear, memory, x, w, tensor_view<const float>{}, tensor_view<float>{exact, {3, 5}});
    be.run(op::rounded<op::linear_op, tf32>{}, memory, x, w, tensor_view<const float>{}, tensor_view<float>{made, {3, 5}});
    for (int i = 0; i < 15; ++i) CHECK(made[i] == exact[i]);
  };
  backend::simd<> simd(1);
  backend::cuda_on_host blocks;
  same(simd);
  same(blocks);
}
