// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <set>

#include "layer.hpp"

namespace pretext::check {

/// The laws of a layer, and what makes it an encoder: one row of features a sample, names that are unique, features that
/// differ between samples and stay finite on pictures of one colour.
///   check::encoder(my_network{}, image<3, 16, 16>{})
template <class Spec, class In>
result encoder(const Spec& spec, const In& in, const layer_options& o = {}) {
  result r = layer(spec, in, o);
  const auto bound = nn::bind(spec, in);
  using bound_type = std::remove_cvref_t<decltype(bound)>;
  r.add("the output is a row of features", nn::output_t<bound_type>::rank == 1);
  detail::guarded(r, [&] {
    detail::layer_probe<bound_type> p(bound, in, o);
    std::set<std::string> names;
    std::string twice;
    for (const auto* list : {&p.table().parameters, &p.table().buffers})
      for (const auto& e : *list)
        if (!names.insert(e.name).second) twice = e.name;
    r.add("names in the table are unique", twice.empty(), twice);

    p.forward(run_mode::evaluate);
    const auto rows = static_cast<std::size_t>(o.samples), width = p.y.size() / rows;
    bool differ = rows < 2;
    for (std::size_t i = width; i < p.y.size(); ++i) differ = differ || p.y[i] != p.y[i % width];
    r.add("different samples have different features", differ);

    bool finite = true;
    for (const double value : {0.0, 1.0, -1.0, 1e3}) {
      p.x.assign(p.x.size(), value);
      p.forward(run_mode::evaluate);
      finite = finite && detail::all_finite(p.y);
      p.template backward<true, true>();
      finite = finite && detail::all_finite(p.dx) && detail::all_finite(p.d_parameters);
    }
    r.add("pictures of one colour stay finite", finite);
  });
  return r;
}

}  // namespace pretext::check
