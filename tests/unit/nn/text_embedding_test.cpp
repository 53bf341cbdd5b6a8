// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/nn/text_embedding.hpp"

#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace px = pretext;
namespace nn = pretext::nn;
using px::extents;
using px::index_t;

namespace {
/// Forward and backward on SIMD in double; tables and their gradients one after the other as the layer declares them.
struct run_of {
  std::vector<double> y;
  std::vector<std::vector<double>> gradients;
};
template <class Spec, class Id>
run_of run(const Spec& spec, const std::vector<Id>& ids, const px::extent& structure, const std::vector<std::vector<double>>& tables,
           const std::vector<double>& dy, index_t width) {
  const auto layer = nn::bind(spec, px::shape<px::dynamic>(extents(structure.length)));
  using bound = std::remove_cvref_t<decltype(layer)>;
  px::parameter_table table;
  px::table_builder(table).child("", layer);
  REQUIRE(table.parameters.size() == tables.size());
  px::buffer<double> parameters(table.parameter_extent), gradients(table.parameter_extent);
  for (std::size_t i = 0; i < tables.size(); ++i) px::from_file_order(table.parameters[i], tables[i].data(), parameters.data() + table.parameters[i].offset);
  px::backend::simd<> be(2);
  px::comm::null alone;
  px::buffer<std::byte> block(1 << 16);
  px::workspace memory(block.data(), 1 << 16);
  px::step_inputs inputs{};
  const px::context<px::backend::simd<>, double> ctx{&be, &memory, &alone, &inputs};
  const extents size(structure.samples, structure.length, width);
  run_of r;
  r.y.assign(static_cast<std::size_t>(size.size()), 7);
  const px::activations<const Id> x(px::tensor_view<const Id>{ids.data(), {structure.samples, structure.length}}, &structure);
  typename bound::template cache<double> kept;
  const px::parameter_view<double> params{parameters.data(), nullptr};
  const px::activations<const double> given(px::tensor_view<const double>{dy.data(), size}, &structure);
  layer.forward(ctx, params, x, px::activations<double>(px::tensor_view<double>{r.y.data(), size}, &structure), kept);
  layer.backward(ctx, params, x, kept, given, px::no_gradient{}, px::no_gradient{});
  layer.backward(ctx, params, x, kept, given, px::no_gradient{}, px::gradient_view<double>{gradients.data()});
  CHECK(layer.table(params).data == parameters.data());
  CHECK(layer.table_gradient(px::gradient_view<double>{gradients.data()}).data == gradients.data());
  for (const auto& e : table.parameters) {
    r.gradients.emplace_back(static_cast<std::size_t>(e.size));
    px::to_file_order(e, gradients.data() + e.offset, r.gradients.back().data());
  }
  return r;
}
}  // namespace

TEST_CASE("text_embedding: words, positions and types are BertEmbeddings' and get its gradients", "[nn][embedding][golden]") {
  const golden::file f("text");
  const std::string name = "embeddings.bert";
  const auto types = f[name + ".types"].as<std::int32_t>();
  const px::extent structure{.samples = 2, .length = 4, .types = types.data()};
  const std::vector<std::string> tables{"word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight"};
  std::vector<std::vector<double>> values;
  for (const auto& t : tables) values.push_back(f[name + ".p." + t].values);
  const nn::text_embedding<px::dynamic, 5, nn::learned_positions<6>, nn::token_types<2>, nn::names::bert> spec{{.words = 11}};
  const auto r = run(spec, f[name + ".ids"].as<std::int64_t>(), structure, values, f[name + ".dy"].values, 5);
  CHECK(golden::relative_error(r.y, f[name + ".y"]) <= 1e-14);
  for (std::size_t i = 0; i < tables.size(); ++i) CHECK(golden::relative_error(r.gradients[i], f[name + ".d." + tables[i]]) <= 1e-14);
}

TEST_CASE("text_embedding: padding takes nothing, without types all are of the first", "[nn][embedding]") {
  const std::vector<std::int32_t> lengths{1, 2};
  const px::extent structure{.samples = 2, .length = 2, .lengths = lengths.data()};
  const nn::text_embedding<3, 1, nn::learned_positions<2>, nn::token_types<2>> spec;
  const auto r = run(spec, std::vector<std::uint16_t>{2, 0, 1, 2}, structure, {{1, 2, 3}, {10, 20}, {100, 200}}, {1, 0, 5, 7}, 1);
  CHECK(r.y == std::vector<double>{113, 101, 112, 123});  // nobody is told where padding stands
  CHECK(r.gradients == std::vector<std::vector<double>>{{0, 5, 8}, {6, 7}, {13, 0}});
}

TEST_CASE("text_embedding: sines for positions have no parameters", "[nn][embedding]") {
  const px::extent structure{.samples = 1, .length = 3};
  const nn::text_embedding<2, 4, nn::sinusoidal_positions> spec;
  const auto r = run(spec, std::vector<std::uint8_t>{0, 1, 0}, structure, {{0, 0, 0, 0, 1, 1, 1, 1}}, std::vector<double>(12, 1), 4);
  CHECK(r.y[1] == 1);
  CHECK(r.y[4] == Approx(1 + std::sin(1.0)));
  CHECK(r.y[11] == Approx(std::cos(2.0 / 100)));
  CHECK(r.gradients[0] == std::vector<double>{2, 2, 2, 2, 1, 1, 1, 1});
}

TEST_CASE("text_embedding: GPT-2's tables by name; a position beyond the table is refused", "[nn][embedding]") {
  const nn::text_embedding<5, 3, nn::learned_positions<2>, nn::names::gpt2> spec;
  px::parameter_table table;
  px::table_builder(table).child("transformer", nn::bind(spec, px::shape<px::dynamic>(extents(4))));
  REQUIRE(table.parameters.size() == 2);
  CHECK(table.parameters[0].name == "transformer.wte.weight");
  CHECK(table.parameters[1].name == "transformer.wpe.weight");
  CHECK(table.parameters[1].file_shape == extents(2, 3));
  CHECK(table.parameters[0].what == px::role::embedding);
  const px::extent structure{.samples = 1, .length = 3};
  CHECK_THROWS_WITH(run(spec, std::vector<std::int32_t>{0, 1, 2}, structure, {std::vector<double>(15), std::vector<double>(6)}, std::vector<double>(9), 3),
                    Catch::Contains("value.122"));
}
