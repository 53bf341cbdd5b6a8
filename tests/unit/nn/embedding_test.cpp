// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/nn/embedding.hpp"

#include "pretext/backend/reference/reference.hpp"
#include "pretext/core/parameters.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;
using px::extents;
using px::index_t;

namespace {
using table_type = nn::bound_t<nn::embedding<5, 3>, px::shape<px::dynamic>>;

struct run_of {
  std::vector<float> y, d_weight;
};
/// Forward and backward of two samples of `length` words; the gradient is added to ones.
run_of run(const std::vector<std::int32_t>& ids, index_t length, const std::vector<float>& weight, const std::vector<float>& dy) {
  const table_type table({}, px::shape<px::dynamic>(extents(length)));
  px::backend::reference be;
  px::comm::null alone;
  alignas(64) static std::byte block[1 << 16];
  px::workspace memory(block, sizeof block);
  px::step_inputs inputs{};
  const px::context<px::backend::reference, float> ctx{&be, &memory, &alone, &inputs};
  run_of r{std::vector<float>(dy.size(), 7), std::vector<float>(weight.size(), 1)};
  const index_t samples = static_cast<index_t>(ids.size()) / length;
  const px::activations<const std::int32_t> x({ids.data(), {samples, length}});
  table_type::cache<float> kept;
  const px::parameter_view<float> params{weight.data(), nullptr};
  table.forward(ctx, params, x, px::activations<float>({r.y.data(), {samples, length, 3}}), kept);
  table.backward(ctx, params, x, kept, px::activations<const float>({dy.data(), {samples, length, 3}}), px::no_gradient{},
                 px::gradient_view<float>{r.d_weight.data()});
  table.backward(ctx, params, x, kept, px::activations<const float>({dy.data(), {samples, length, 3}}), px::no_gradient{}, px::no_gradient{});
  return r;
}
std::vector<float> counted(std::size_t n) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<float>(i);
  return v;
}
}  // namespace

TEST_CASE("embedding: rows are looked up, padding is zero, gradients go back where rows came from", "[nn][embedding]") {
  const auto r = run({4, 0, -1, 4}, 2, counted(15), {1, 2, 3, 10, 20, 30, 5, 5, 5, 100, 200, 300});
  CHECK(r.y == std::vector<float>{12, 13, 14, 0, 1, 2, 0, 0, 0, 12, 13, 14});
  CHECK(r.d_weight == std::vector<float>{11, 21, 31, 1, 1, 1, 1, 1, 1, 1, 1, 1, 102, 203, 304});
}

TEST_CASE("embedding: one word, no word, a word that is not in the table", "[nn][embedding]") {
  CHECK(run({2}, 1, counted(15), {1, 1, 1}).y == std::vector<float>{6, 7, 8});
  CHECK(run({}, 3, counted(15), {}).y.empty());
  CHECK_THROWS_WITH(run({5}, 1, counted(15), {1, 1, 1}), Catch::Contains("pretext[value.120]"));
}

TEST_CASE("embedding: shape and table follow from the type", "[nn][embedding]") {
  STATIC_REQUIRE(std::is_same_v<nn::output_t<table_type>, px::shape<px::dynamic, 3>>);
  px::parameter_table table;
  px::table_builder(table).child("words", table_type({}, px::shape<px::dynamic>(extents(4))));
  REQUIRE(table.parameters.size() == 1);
  CHECK(table.parameters[0].name == "words.weight");
  CHECK(table.parameters[0].file_shape == extents(5, 3));
  CHECK(table.parameters[0].what == px::role::embedding);
  CHECK(table.layers[0].second == "embedding");
}
