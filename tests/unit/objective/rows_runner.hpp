// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/objective/rows.hpp"
#include "support/golden.hpp"

/// An objective on rows of its own, without a trainer: loss, gradient of the rows, gradient of its parameters.
namespace rows_runner {

namespace px = pretext;
using px::extents;
using px::index_t;
using px::tensor_view;

template <class T>
struct result {
  T loss = 0;
  std::vector<T> d_rows, d_parameters;  // the latter as the flat buffer, padded
};

/// A matrix and its number of columns.
template <class T>
struct rows_of {
  std::vector<T> values;
  index_t columns = 0;
  tensor_view<const T> view() const { return {values.data(), extents(static_cast<index_t>(values.size()) / columns, columns)}; }
};
template <class T = double>
rows_of<T> rows(const golden::tensor& t) {
  return {t.as<T>(), t.extents.back()};
}


/// `in` is self_pairs or target_pairs over rows; the gradient is that of its trained rows.
template <class Objective, class In, class T = typename In::value_type>
result<T> run(const Objective& objective, const In& in, const std::vector<std::type_identity_t<T>>& parameters = {}, T weight = 1) {
  constexpr std::size_t bytes = std::size_t{1} << 22;
  const std::unique_ptr<std::byte[]> block(new std::byte[bytes]);
  px::workspace memory(block.get(), bytes);
  px::backend::reference be;
  px::comm::null alone;
  px::step_inputs inputs{};
  const px::context<px::backend::reference, T> ctx{&be, &memory, &alone, &inputs};
  tensor_view<const T> trained;
  if constexpr (requires { in.rows; }) trained = in.rows;
  else trained = in.anchors;
  result<T> r;
  r.d_rows.resize(static_cast<std::size_t>(trained.size()));
  r.d_parameters.resize(parameters.size() + 1);
  typename Objective::template cache<T> kept{};
  const px::parameter_view<T> p{parameters.data(), nullptr};
  objective.loss(ctx, in, p, kept, tensor_view<T>{&r.loss, extents(1)});
  objective.gradient(ctx, weight, in, p, kept, tensor_view<T>{r.d_rows.data(), trained.shape}, px::gradient_view<T>{r.d_parameters.data()});
  return r;
}
template <class Objective, class T>
result<T> run_pairs(const Objective& objective, const rows_of<T>& z, const std::vector<T>& parameters = {}, T weight = 1) {
  return run(objective, px::objective::self_pairs<T>{z.view()}, parameters, weight);
}

/// The parameters of a contrastive objective with a learned temperature: logit_scale, then the similarity's.
inline std::vector<double> with_temperature(double tau, const std::vector<double>& similarity = {}) {
  std::vector<double> p(static_cast<std::size_t>(px::parameter_alignment), 0.0);
  p[0] = -std::log(tau);
  p.insert(p.end(), similarity.begin(), similarity.end());
  p.resize(static_cast<std::size_t>(px::padded(static_cast<index_t>(p.size()))));
  return p;
}

}  // namespace rows_runner
