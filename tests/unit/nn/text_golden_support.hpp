// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layers_support.hpp"
#include "support/golden.hpp"

/// Layers of text models against PyTorch's numbers (tests/golden/text.py).
namespace layers_test {

inline const golden::file& text_numbers() {
  static const golden::file f("text");
  return f;
}
inline std::string gradient_name(const std::string& name) {
  const std::size_t dot = name.rfind('.') + 1;
  return name.substr(0, dot) + "d" + name.substr(dot);
}

/// One stored case through one layer on every back end: y, dx and all parameter gradients.
template <class Bound>
void check_text(const Bound& layer, const std::string& name) {
  INFO(name);
  const golden::file& f = text_numbers();
  given g;
  made<double> expected;
  const golden::tensor x = f[name + ".x"];
  g.batch = x.extents[0];
  g.x = x.values;
  g.dy = f[name + ".dy"].values;
  for (const auto& e : table_of(layer).parameters) {
    INFO(e.name);
    REQUIRE(f.has(name + ".p." + e.name));
    const golden::tensor p = f[name + ".p." + e.name];
    REQUIRE(static_cast<int>(p.extents.size()) == e.file_shape.rank);
    for (int i = 0; i < e.file_shape.rank; ++i) REQUIRE(p.extents[static_cast<std::size_t>(i)] == e.file_shape[i]);
    g.named[e.name] = p.values;
    // What all keys have in common changes no softmax: this gradient is 0, and relative errors of what rounding leaves say nothing.
    if (!e.name.ends_with("key.bias")) expected.named[gradient_name(e.name)] = f[name + ".d." + e.name].values;
  }
  CHECK(f.cases(name + ".p.", "").size() == g.named.size());
  expected.y = f[name + ".y"].values;
  expected.dx = f[name + ".dx"].values;
  extents sample;
  sample.rank = static_cast<int>(x.extents.size()) - 1;
  for (int i = 0; i < sample.rank; ++i) sample[i] = x.extents[static_cast<std::size_t>(i) + 1];
  std::vector<std::int32_t> lengths;
  px::extent structure{.samples = g.batch, .length = sample[0]};
  if (f.has(name + ".lengths")) {
    lengths = f[name + ".lengths"].as<std::int32_t>();
    structure.lengths = lengths.data();
    g.structure = &structure;
  }
  const auto compare = [&](auto got) {
    const std::size_t row = expected.y.size() / static_cast<std::size_t>(g.batch);
    for (std::size_t b = 0; b < lengths.size(); ++b)  // what a layer makes of padding is nobody's business
      for (std::size_t i = static_cast<std::size_t>(lengths[b]) * (row / static_cast<std::size_t>(sample[0])); i < row; ++i) got.y[b * row + i] = 0;
    check_equal(got, expected);
    for (const auto& [key, values] : got.named)
      if (key.ends_with("key.dbias"))
        for (const auto v : values) CHECK(std::fabs(static_cast<double>(v)) <= 1e-6);
  };
  reference specification;
  simd be(2);
  compare(run<double>(specification, layer, sample, g));
  compare(run<double>(be, layer, sample, g));
  compare(run<float>(be, layer, sample, g));
}

}  // namespace layers_test
