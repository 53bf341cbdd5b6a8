// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "row_operations/columns.hpp"
#include "row_operations/inputs.hpp"
#include "row_operations/pairs.hpp"

namespace pretext::objective {

namespace detail {
template <class Value>
constexpr auto value_of(const Value& v, const row::inputs& in) {
  if constexpr (requires { v.value(in); })
    return v.value(in);
  else
    return row::malformed{};
}
}  // namespace detail

/// An objective of which only the value is written; the gradient is derived from the types of its parts.
///   struct aligned {
///     static constexpr const char* name = "aligned";
///     constexpr auto value(const auto& in) const {
///       using namespace pretext::objective::row;
///       return mean(squared_distance(normalize(in.anchors), normalize(in.positives)));
///     }
///   };
///   using objective = pretext::objective::derived<aligned>;
/// Settings: `derived<aligned>{{.weight = 2.0f}}`, in a recipe's settings `.objective = {{.weight = 2.0f}}`.
/// The same text serves recipes with and without a target: positives of a target are constants.
/// laws    the gradient is that of the value by the chain rule; what comes from a target or a queue is a constant
/// errors  pretext[objective.200] no value(in); [objective.201] the value is not one number; those of the row operations
/// cost    a value named twice is computed twice; memory for every intermediate value
/// repeat  ranks: means, sums and column statistics are over all ranks, pairs meet the rows of all ranks
template <class Value>
struct derived {
  Value formula{};

  static_assert(requires(const Value& v, const row::inputs& in) { v.value(in); },
                "pretext[objective.200] derived<V> needs `constexpr auto value(const auto& in) const` in V; see docs/tutorials/your_own_objective.md");
  using expression = decltype(detail::value_of(std::declval<const Value&>(), std::declval<const row::inputs&>()));
  static_assert(row::is_malformed<expression> || row::Expression<expression>,
                "pretext[objective.201] value(in) must end in one number made of in.anchors, in.positives, ...: put mean(...) or sum(...) around it");
  static_assert(!row::Expression<expression> || row::is_malformed<expression> || expression::rank == 0,
                "pretext[objective.201] value(in) must end in one number: put mean(...) or sum(...) around it");
  static constexpr const char* name = [] {
    if constexpr (requires { Value::name; })
      return Value::name;
    else
      return "derived";
  }();

  /// The settings of the formula, under their own names.
  template <class Self, class Visit>
    requires HasFields<Value>
  static constexpr void fields(Self& self, Visit&& visit) {
    Value::fields(self.formula, visit);
  }

  template <class T>
  struct cache {
    typename expression::template cache<T> nodes;
  };
  /// Rows that the formula can be computed on: a queue's only where there is a target.
  template <class In>
  static constexpr bool takes = !(expression::needs_queue && row::detail::is_self<In>);

  template <class Ctx, class In, class T>
    requires takes<In>
  constexpr void loss(const Ctx& ctx, const In& in, parameter_view<T>, cache<T>& c, tensor_view<T> result) const {
    const tensor_view<const T> rows = row::detail::trained_rows(in);
    expects(in.views > 0 && rows.extent(0) > 0 && rows.extent(0) % in.views == 0, "shape.201",
            "an objective needs a number of rows that is a positive multiple of the views");
    const row::pass<Ctx, In> p{ctx, in};
    ctx(op::copy, detail::value_of(formula, described(ctx, in)).forward(p, c.nodes), result);
  }
  /// d_in += weight dL/d rows
  template <class Ctx, class In, class T, class Dp>
    requires takes<In>
  constexpr void gradient(const Ctx& ctx, T weight, const In& in, parameter_view<T>, const cache<T>& c, tensor_view<T> d_in, Dp) const {
    if constexpr (expression::template trained<In>) {
      const auto scope = ctx.scope();
      const row::pass<Ctx, In> p{ctx, in, d_in};
      const tensor_view<const T> dy = row::detail::constant(p, static_cast<double>(weight));
      detail::value_of(formula, described(ctx, in)).backward(p, c.nodes, dy, weight < 0 ? row::sign::negative : row::sign::positive);
    }
  }

 private:
  template <class Ctx, class In>
  static constexpr row::inputs described(const Ctx& ctx, const In& in) {
    const auto rows = row::detail::trained_rows(in);
    row::inputs i;
    i.views = in.views;
    i.samples = rows.extent(0) / in.views * ctx.comm->size();
    i.width = rows.columns();
    return i;
  }
};

}  // namespace pretext::objective
