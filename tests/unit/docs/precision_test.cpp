// SPDX-License-Identifier: BSD-3-Clause
// build: O2
// The examples of docs/policies/precision.md, compiled and run.
#include <pretext/backend/simd/simd.hpp>
#include <pretext/nn/pool2d.hpp>
#include <pretext/recipe/joint_embedding.hpp>
#include <pretext/train/describe.hpp>

#include "../train/tiny.hpp"
#include "support/catch.hpp"

// [doc:precision_recipe]
#include <pretext/precision/block16.hpp>

struct my_recipe : pretext::recipe::simclr {
  using precision = pretext::precision::block16;
};
// [/doc:precision_recipe]

namespace px = pretext;

// [doc:own_precision]
/// Convolutions as integers, linear layers in float.
struct convolutions_only : px::precision::block16 {
  static constexpr const char* name = "block16_convolutions";  // part of a checkpoint's description
  template <class Op>
  static constexpr bool rounds =
      px::precision::block16::rounds<Op> && !std::is_same_v<Op, px::op::matmul_op> && !std::is_same_v<Op, px::op::linear_op>;
};
// [/doc:own_precision]

namespace {

struct small : tiny::simclr {
  using precision = convolutions_only;
};

}  // namespace

TEST_CASE("docs precision: a recipe names one, or one of the user's own", "[docs][precision]") {
  CHECK_THAT((px::train::describe<px::train::trainer<my_recipe, px::backend::simd<>>>({.batch_size = 2}).text()), Catch::Contains("block16, batch 2"));
  static_assert(!px::op::rounds<convolutions_only, px::op::linear_op> && px::op::rounds<convolutions_only, px::op::conv2d_op>);
  using trainer = px::train::trainer<small, px::backend::simd<>>;
  trainer t(tiny::settings<trainer>(12));
  const auto set = tiny::pictures(12);
  const tiny::batch all(set);
  CHECK(t.step(all.list()).finite);
}
