// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/recipe/joint_embedding.hpp"

#include <algorithm>
#include <string>

#include "support/catch.hpp"

namespace px = pretext;

namespace {
/// Names of what is trained, without a trainer.
template <class Recipe>
std::vector<std::string> trained() {
  px::method::joint_embedding<Recipe> family({});
  auto players = family.players();
  px::parameter_table table;
  px::table_builder builder(table);
  std::apply([&](auto*... part) { (builder.child(part->name, part->layer), ...); }, std::get<0>(players).parts);
  std::vector<std::string> names;
  for (const auto& e : table.parameters) names.push_back(e.name);
  return names;
}
struct own_input : px::recipe::simclr {
  using input = px::image<1, 28, 28>;
};
struct regressed : px::recipe::byol {
  using input = px::image<1, 28, 28>;
};
}  // namespace

TEST_CASE("simclr: a recipe that names an input alone trains three convolutions without bias and a projector", "[recipe][simclr]") {
  STATIC_REQUIRE(std::is_same_v<own_input::encoder, px::encoder::conv_net<32, 64, 128>>);
  const std::vector<std::string> expected{"encoder.0.weight", "encoder.1.weight", "encoder.1.bias", "encoder.4.weight", "encoder.5.weight", "encoder.5.bias",
                                          "encoder.8.weight", "encoder.9.weight", "encoder.9.bias", "head.0.weight",    "head.0.bias",
                                          "head.2.weight",    "head.2.bias"};
  CHECK(trained<own_input>() == expected);
}

TEST_CASE("byol: has a predictor besides, and a target", "[recipe][byol]") {
  const auto names = trained<regressed>();
  CHECK(std::any_of(names.begin(), names.end(), [](const std::string& n) { return n.starts_with("predictor."); }));
  px::method::joint_embedding<regressed> family({});
  auto players = family.players();
  px::train::lay_out(players);
  REQUIRE(family.targets().size() == 1);
  CHECK(family.targets()[0].extent.parameters > 0);
}

TEST_CASE("moco: a queue of 4096 rows, a constant momentum of 0.99 and a temperature of 0.2", "[recipe][moco]") {
  using family = px::method::joint_embedding<px::recipe::moco>;
  family::settings chosen{};
  px::recipe::moco::defaults(chosen);
  CHECK(chosen.target.momentum.value() == 0.99);
  CHECK(chosen.target.last_momentum.value() == 0.99);
  CHECK(chosen.objective.temperature.value() == 0.2f);
  CHECK(family(chosen).states()[0].shape == px::extents(4096, 64));
}
