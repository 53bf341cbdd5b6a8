// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include "../concepts/objective.hpp"
#include "../objective/rows.hpp"
#include "layer.hpp"

namespace pretext::check {

struct objective_options {
  index_t samples = 4;
  index_t views = 2;
  index_t width = 5;
  index_t negatives = 6;              // rows of target_pairs::negatives; 0: none
  double tolerance = 1e-6;            // of gradients against differences, relative, in double
  bool exchangeable_views = true;     // the objective claims that views may be exchanged
  bool permutable_samples = true;     // the objective claims that the order of samples does not matter
};

namespace detail {

/// Runs an objective on rows of its own. `Pairs` is self_pairs or target_pairs.
template <class O, class T, template <class> class Pairs>
class objective_probe {
 public:
  static constexpr bool has_target = std::is_same_v<Pairs<T>, pretext::objective::target_pairs<T>>;

  objective_probe(const O& o, const objective_options& options, index_t rows) : policy_(o), shape_{rows, options.width}, options_(options) {
    table_builder(table_).child("", pretext::objective::bound_parameters<O>{o, options.width});
    parameters = filled(table_.parameter_extent, T(0));
    initialise(table_.parameters, parameters.data(), 17);
    const auto shake = normals(table_.parameter_extent, 6, 0.1);
    for (const auto& e : table_.parameters)
      for (index_t i = 0; i < e.size; ++i)
        parameters[static_cast<std::size_t>(e.offset + i)] += static_cast<T>(shake[static_cast<std::size_t>(e.offset + i)]);
    x = as<T>(normals(shape_.size(), 61));
    positives = as<T>(normals(shape_.size(), 62));
    negatives = as<T>(normals(options.negatives * options.width, 63));
  }
  std::vector<T> x, positives, negatives, parameters;  // may be changed between runs
  std::vector<T> loss, dx, d_parameters;               // what the last run left

  double value() {
    rig<T> r;
    r.run([&](const auto& ctx) {
      loss = filled(1, static_cast<T>(not_written));
      const auto scope = ctx.scope();
      typename O::template cache<T> cache{};
      policy_.loss(ctx, rows(ctx), own(ctx), cache, real(ctx, detail::view(loss, extents(1))));
    });
    return static_cast<double>(loss[0]);
  }
  void gradient(double weight = 1, double accumulated = 0, bool wipe = false) {
    rig<T> r;
    r.run([&](const auto& ctx) {
      loss = filled(1, static_cast<T>(not_written));
      dx = filled(shape_.size(), static_cast<T>(accumulated));
      d_parameters = filled(table_.parameter_extent, static_cast<T>(accumulated));
      const auto scope = ctx.scope();
      typename O::template cache<T> cache{};
      const auto in = rows(ctx);
      policy_.loss(ctx, in, own(ctx), cache, real(ctx, detail::view(loss, extents(1))));
      if (wipe) r.wipe(ctx);
      const auto kept = cache;
      policy_.gradient(ctx, static_cast<T>(weight), in, own(ctx), kept, real(ctx, detail::view(dx, shape_)),
                       gradient_view<T>{real(ctx, d_parameters.data())});
    });
  }
  /// The values of `all` that are parameters, not padding.
  std::vector<T> unpadded(const std::vector<T>& all) const {
    std::vector<T> v;
    for (const auto& e : table_.parameters) v.insert(v.end(), all.begin() + e.offset, all.begin() + e.offset + e.size);
    return v;
  }

 private:
  template <class Ctx>
  parameter_view<T> own(const Ctx& ctx) {
    return {real(ctx, static_cast<const T*>(parameters.data())), nullptr};
  }
  template <class Ctx>
  Pairs<T> rows(const Ctx& ctx) {
    const auto given = [&](std::vector<T>& v, const extents& e) { return real(ctx, tensor_view<const T>{v.data(), e}); };
    if constexpr (has_target)
      return {given(x, shape_), given(positives, shape_), given(negatives, {options_.negatives, options_.width}), options_.views};
    else
      return {given(x, shape_), options_.views};
  }
  const O& policy_;
  extents shape_;
  objective_options options_;
  parameter_table table_;
};

/// Rows with samples or views in another order: row (v, b) comes from (view(v), sample(b)).
template <class T>
std::vector<T> reordered(const std::vector<T>& x, const objective_options& o, bool views, bool samples) {
  std::vector<T> y(x.size());
  for (index_t v = 0; v < o.views; ++v)
    for (index_t b = 0; b < o.samples; ++b) {
      const index_t from = (views ? (v + 1) % o.views : v) * o.samples + (samples ? (b + 1) % o.samples : b);
      for (index_t k = 0; k < o.width; ++k)
        y[static_cast<std::size_t>((v * o.samples + b) * o.width + k)] = x[static_cast<std::size_t>(from * o.width + k)];
    }
  return y;
}

template <class O, template <class> class Pairs>
void objective_laws(result& r, const O& policy, const objective_options& o, const std::string& of) {
  using probe = objective_probe<O, double, Pairs>;
  const index_t rows = o.samples * o.views;
  probe p(policy, o, rows);
  const auto x = p.x, targets = p.positives, negatives = p.negatives;

  p.value();
  const auto loss = p.loss;
  p.value();
  r.add("the loss is written and finite" + of, all_finite(loss), number(loss[0]));
  r.add("the same rows give the same bits" + of, same_bits(loss, p.loss));
  p.gradient();
  const auto dx = p.dx, d = p.d_parameters;
  r.add("gradient does not change the loss" + of, same_bits(loss, p.loss));
  r.add("rows and targets are left alone" + of, same_bits(x, p.x) && same_bits(targets, p.positives) && same_bits(negatives, p.negatives));
  p.gradient(1, 0, true);
  r.add("the cache holds only what is kept" + of, same_bits(dx, p.dx) && same_bits(d, p.d_parameters));

  const auto value = [&] { return p.value(); };
  const slope by_x = compare_slopes(p.x, dx, value, 71);
  r.add("the gradient agrees with differences" + of, by_x.worst <= o.tolerance, number(by_x.worst) + " at " + by_x.where);
  if (!p.parameters.empty()) {
    const slope by_p = compare_slopes(p.parameters, d, value, 72);
    r.add("the parameter gradient agrees with differences" + of, by_p.worst <= o.tolerance, number(by_p.worst) + " at " + by_p.where);
  }
  const auto scaled = [](std::vector<double> v, double factor, double shift) {
    for (double& a : v) a = a * factor + shift;
    return v;
  };
  p.gradient(2.5);
  r.add("the weight scales the gradient" + of,
        distance(p.dx, scaled(dx, 2.5, 0)) <= 1e-9 && distance(p.unpadded(p.d_parameters), p.unpadded(scaled(d, 2.5, 0))) <= 1e-9);
  p.gradient(1, 0.5);
  r.add("gradients are added" + of,
        distance(p.dx, scaled(dx, 1, 0.5)) <= 1e-9 && distance(p.unpadded(p.d_parameters), p.unpadded(scaled(d, 1, 0.5))) <= 1e-9);

  for (const bool views : {true, false}) {
    if (views ? !o.exchangeable_views : !o.permutable_samples) continue;
    probe q(policy, o, rows);
    q.x = reordered(x, o, views, !views);
    q.positives = reordered(targets, o, views, !views);
    q.gradient();
    const bool same = std::fabs(q.loss[0] - loss[0]) <= 1e-9 * (1 + std::fabs(loss[0])) &&
                      distance(q.dx, reordered(dx, o, views, !views)) <= 1e-8;
    r.add((views ? "views may be exchanged" : "the order of samples does not matter") + of, same,
          number(loss[0]) + " and " + number(q.loss[0]));
  }
}

/// The laws at the edges: numbers in float, and numbers of rows.
template <class O, template <class> class Pairs>
void objective_edges(result& r, const O& policy, const objective_options& o, const std::string& of) {
  using probe = objective_probe<O, float, Pairs>;
  std::string bad;
  for (const char* kind : {"zeros", "all equal", "tiny", "long", "one long among short"}) {
    probe p(policy, o, o.samples * o.views);
    const std::string_view k = kind;
    const auto change = [&](std::vector<float>& rows) {
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = k == "zeros"       ? 0.0f
                  : k == "all equal" ? 0.5f
                  : k == "tiny"      ? rows[i] * 1e-20f
                  : k == "long"      ? rows[i] * 1e4f
                                     : rows[i] * (i < static_cast<std::size_t>(o.width) ? 1e4f : 1e-4f);
    };
    change(p.x);
    change(p.positives);
    change(p.negatives);
    p.gradient();
    if (!all_finite(p.loss) || !all_finite(p.dx) || !all_finite(p.d_parameters)) bad += (bad.empty() ? "" : ", ") + std::string(kind);
  }
  r.add("extremes stay finite in float" + of, bad.empty(), bad);

  const auto sentence_or_finite = [&](index_t rows, bool must_refuse) {
    objective_options small = o;
    small.samples = 1;
    probe p(policy, small, rows);
    try {
      p.gradient();
    } catch (const error&) {
      return true;
    }
    return !must_refuse && all_finite(p.loss) && all_finite(p.dx);
  };
  r.add("a batch of one is finite or refused with a sentence" + of, sentence_or_finite(o.views, false));
  r.add("no rows are refused or finite" + of, sentence_or_finite(0, false));
  if (o.views > 1) r.add("rows that are no multiple of the views are refused" + of, sentence_or_finite(2 * o.views + 1, true));
}

template <class O, template <class> class Pairs>
void objective_kind(result& r, const O& policy, const objective_options& o, const std::string& of) {
  guarded(r, [&] { objective_laws<O, Pairs>(r, policy, o, of); });
  guarded(r, [&] { objective_edges<O, Pairs>(r, policy, o, of); });
}

}  // namespace detail

/// The laws of an objective for every kind of rows it takes: gradients against differences in double, weight,
/// accumulation, order of views and samples where claimed, extremes, odd numbers of rows, planned memory.
///   check::objective(my_objective{.temperature = 0.2f})
template <class O>
result objective(const O& policy, const objective_options& o = {}) {
  using pretext::objective::self_pairs, pretext::objective::target_pairs;
  constexpr bool self = concepts::Objective<O, self_pairs<float>>, target = concepts::Objective<O, target_pairs<float>>;
  if constexpr (!self && !target) static_assert(concepts::explain_objective<O, self_pairs<float>>());
  result r(detail::subject_of<O>("objective"));
  if constexpr (self) detail::objective_kind<O, self_pairs>(r, policy, o, target ? " (self_pairs)" : "");
  if constexpr (target) detail::objective_kind<O, target_pairs>(r, policy, o, self ? " (target_pairs)" : "");
  return r;
}

}  // namespace pretext::check
