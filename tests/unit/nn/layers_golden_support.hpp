// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "layers_support.hpp"
#include "support/golden.hpp"

/// Layers against PyTorch's numbers (tests/golden/layers.py). Pictures are NCHW in the file and NHWC in memory.
namespace layers_test {

inline const golden::file& stored() {
  static const golden::file f("layers");
  return f;
}

/// NCHW -> NHWC; other ranks as they are.
inline std::vector<double> to_memory(const golden::tensor& t) {
  if (t.extents.size() != 4) return t.values;
  const index_t b = t.extents[0], c = t.extents[1], s = t.extents[2] * t.extents[3];
  std::vector<double> v(t.values.size());
  for (index_t i = 0; i < b; ++i)
    for (index_t j = 0; j < c; ++j)
      for (index_t p = 0; p < s; ++p) v[static_cast<std::size_t>((i * s + p) * c + j)] = t[(i * c + j) * s + p];
  return v;
}
/// Extents of one sample in memory.
inline extents sample_of(const golden::tensor& t) {
  extents e;
  e.rank = static_cast<int>(t.extents.size()) - 1;
  for (int i = 0; i < e.rank; ++i) e[i] = t.extents[static_cast<std::size_t>(i) + 1];
  if (e.rank == 3) e = extents(e[1], e[2], e[0]);
  return e;
}

/// One stored case through one layer on every back end: y, dx and whatever gradients and statistics are stored.
/// `prefix` stands before the stored names in the layer's own table. Where dx is a difference of nearly equal terms it has
/// too few digits in float on any back end, and is compared in double alone.
template <class Bound>
void check_golden(const Bound& layer, const std::string& name, px::run_mode mode = px::run_mode::train,
                  const std::string& prefix = "", bool dx_in_float = true, const golden::file& f = stored()) {
  INFO(name);
  given g;
  const golden::tensor x = f[name + ".x"];
  g.batch = x.extents[0];
  g.x = to_memory(x);
  g.dy = to_memory(f[name + ".dy"]);
  g.mode = mode;
  const px::parameter_table table = table_of(layer);
  made<double> expected;
  for (const auto& e : table.parameters) {
    REQUIRE(e.name.starts_with(prefix));
    const std::string own = e.name.substr(prefix.size());
    g.named[e.name] = f[name + "." + own].values;
    expected.named[prefix + "d" + own] = f[name + ".d" + own].values;
  }
  for (const auto& e : table.buffers) {
    g.named[e.name] = e.what == px::role::counter ? std::vector<double>{0} : f[name + "." + e.name].values;
    if (f.has(name + ".new_" + e.name)) expected.named[e.name] = f[name + ".new_" + e.name].values;
  }
  expected.y = to_memory(f[name + ".y"]);
  expected.dx = to_memory(f[name + ".dx"]);
  const extents sample = sample_of(x);
  reference specification;
  simd be(2);
  check_equal(run<double>(specification, layer, sample, g), expected);
  check_equal(run<double>(be, layer, sample, g), expected);
  if (!dx_in_float) expected.dx.clear();
  check_equal(run<float>(be, layer, sample, g), expected);
}

}  // namespace layers_test
