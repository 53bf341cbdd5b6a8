// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/count.hpp"

#include "pretext/backend/simd/simd.hpp"
#include "pretext/similarity/similarity.hpp"
#include "support/catch.hpp"

using namespace pretext;

namespace {

constexpr double product_flops() {
  backend::count<> be;
  workspace memory;
  be.run(op::linear, memory, tensor_view<const float>{nullptr, {4, 8}}, tensor_view<const float>{nullptr, {3, 8}},
         tensor_view<const float>{}, tensor_view<float>{nullptr, {4, 3}});
  return be.flops();
}
static_assert(product_flops() == 2 * 4 * 8 * 3);

struct writer {
  index_t scratch_floats = 17;
  void operator()(index_t, tensor_view<float>) const {}
};

}  // namespace

TEST_CASE("count: launches, products and the largest scratch add up", "[backend][count]") {
  backend::count<> be;
  workspace memory;
  be.run(op::for_each_sample, memory, writer{}, index_t{5});
  be.run(op::row_dot, memory, tensor_view<const float>{nullptr, {4, 8}}, tensor_view<const float>{nullptr, {4, 8}},
         tensor_view<float>{nullptr, 4});
  CHECK(be.launches() == 2);
  CHECK(be.flops() == 2 * 4 * 8);
  CHECK(memory.peak() == 128);
  CHECK(memory.used() == 0);
}

TEST_CASE("count: scratch of a back end that depends on its threads", "[backend][count]") {
  const auto peak = [](int threads) {
    const backend::simd<> of(threads);
    backend::count<backend::simd<>> be(of);
    workspace memory;
    be.run(op::for_each_sample, memory, writer{}, index_t{5});
    return memory.peak();
  };
  CHECK(peak(1) == 128);
  CHECK(peak(3) == 384);
}

TEST_CASE("count: a plan for a batch is enough for every smaller batch", "[backend][count]") {
  const backend::simd<> of(2);
  backend::count<backend::simd<>> be(of);
  const auto scratch = [&](index_t m) {
    const tensor_view<const float> z{nullptr, {m, 31}}, one{nullptr, 1}, row{nullptr, {m}};
    const tensor_view<const std::int32_t> ids{nullptr, {m}};
    workspace memory;
    be.run(op::linear, memory, z, tensor_view<const float>{nullptr, {65, 31}}, tensor_view<const float>{}, tensor_view<float>{nullptr, {m, 65}});
    be.run(op::column_moments, memory, z, tensor_view<float>{nullptr, 31}, tensor_view<float>{nullptr, 31});
    be.run(op::embedding_std, memory, z, tensor_view<float>{nullptr, 1});
    be.run(op::contrastive_gradient, memory, similarity::negative_squared_euclidean{}, z, z, ids, ids, op::pair_mask{}, one, row, row, 1.0f, tensor_view<float>{nullptr, {m, 31}},
           tensor_view<float>{});
    return memory.peak();
  };
  std::size_t before = 0;
  for (index_t m = 1; m < 700; ++m) {
    const std::size_t now = scratch(m);
    CHECK(now >= before);
    before = now;
  }
}
