// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include "../concepts/similarity.hpp"
#include "../similarity/similarity.hpp"
#include "layer.hpp"

namespace pretext::check {

struct similarity_options {
  index_t width = 5;
  double tolerance = 1e-6;
};

namespace detail {

template <class S>
class similarity_probe {
 public:
  using side = similarity::side;

  similarity_probe(const S& s, index_t rows, index_t width) : policy_(s), shape_{rows, width} {
    declare d{s, width};
    table_builder(table_).child("", d);
    parameters = filled(table_.parameter_extent, 0.0);
    initialise(table_.parameters, parameters.data(), 13);
    const auto shake = normals(table_.parameter_extent, 5, 0.2);
    for (const auto& e : table_.parameters)
      for (index_t i = 0; i < e.size; ++i)
        parameters[static_cast<std::size_t>(e.offset + i)] += shake[static_cast<std::size_t>(e.offset + i)];
    x = normals(shape_.size(), 31);
    weights_ = normals(shape_.size(), 32);
  }
  std::vector<double> x, parameters, mapped, dx, d_parameters;

  template <side Side>
  void map() {
    rig<double> r;
    r.run([&](const auto& ctx) {
      mapped = filled(shape_.size(), not_written);
      const auto scope = ctx.scope();
      typename S::template cache<double> cache{};
      const tensor_view<const double> m = map_in<Side>(ctx, cache);
      if (!ctx.memory->planning()) mapped.assign(m.begin(), m.end());
    });
  }
  /// sum(weights map(x)): what map_backward is the gradient of.
  template <side Side>
  double value() {
    map<Side>();
    double v = 0;
    for (std::size_t i = 0; i < mapped.size(); ++i) v += weights_[i] * mapped[i];
    return v;
  }
  template <side Side>
  void backward(double accumulated, bool wipe = false) {
    rig<double> r;
    r.run([&](const auto& ctx) {
      dx = filled(shape_.size(), accumulated);
      d_parameters = filled(table_.parameter_extent, accumulated);
      const auto scope = ctx.scope();
      typename S::template cache<double> cache{};
      map_in<Side>(ctx, cache);
      if (wipe) r.wipe(ctx);
      const auto kept = cache;
      policy_.template map_backward<Side>(ctx, own(ctx), input(ctx), kept, real(ctx, tensor_view<const double>{weights_.data(), shape_}),
                                          real(ctx, detail::view(dx, shape_)), gradient_view<double>{real(ctx, d_parameters.data())});
    });
  }
  const parameter_table& table() const { return table_; }

 private:
  struct declare {
    using spec_type = S;
    const S& policy;
    index_t width;
    template <class V>
    constexpr void parameters(V& v) const {
      policy.parameters(v, width);
    }
  };
  template <class Ctx>
  parameter_view<double> own(const Ctx& ctx) {
    return {real(ctx, static_cast<const double*>(parameters.data())), nullptr};
  }
  template <class Ctx>
  tensor_view<const double> input(const Ctx& ctx) {
    return real(ctx, tensor_view<const double>{x.data(), shape_});
  }
  template <side Side, class Ctx, class Cache>
  tensor_view<const double> map_in(const Ctx& ctx, Cache& cache) {
    return policy_.template map<Side>(ctx, own(ctx), input(ctx), cache);
  }
  const S& policy_;
  extents shape_;
  parameter_table table_;
  std::vector<double> weights_;
};

template <class S, similarity::side Side>
void map_laws(result& r, const S& s, const similarity_options& o, const std::string& of) {
  similarity_probe<S> p(s, 4, o.width);
  const auto x = p.x;
  p.template map<Side>();
  const auto mapped = p.mapped;
  p.template map<Side>();
  r.add("map: same bits twice, " + of, all_finite(mapped) && same_bits(mapped, p.mapped) && same_bits(x, p.x));
  p.template backward<Side>(0);
  const auto dx = p.dx, d = p.d_parameters;
  p.template backward<Side>(0, true);
  r.add("map: the cache holds only what is kept, " + of, same_bits(dx, p.dx) && same_bits(d, p.d_parameters));
  p.template backward<Side>(0.5);
  bool added = true;
  for (std::size_t i = 0; i < dx.size(); ++i) added = added && std::fabs(p.dx[i] - 0.5 - dx[i]) <= 1e-9;
  for (const auto& e : p.table().parameters)
    for (index_t i = 0; i < e.size; ++i) {
      const auto k = static_cast<std::size_t>(e.offset + i);
      added = added && std::fabs(p.d_parameters[k] - 0.5 - d[k]) <= 1e-9;
    }
  r.add("map: gradients are added, " + of, added);
  const auto value = [&] { return p.template value<Side>(); };
  const slope by_x = compare_slopes(p.x, dx, value, 41);
  r.add("map: the gradient agrees with differences, " + of, by_x.worst <= o.tolerance, number(by_x.worst) + " at " + by_x.where);
  if (!p.parameters.empty()) {
    const slope by_p = compare_slopes(p.parameters, d, value, 42);
    r.add("map: the parameter gradient agrees with differences, " + of, by_p.worst <= o.tolerance,
          number(by_p.worst) + " at " + by_p.where);
  }
}

template <class S>
double score_of(const S& s, const double* a, const double* b, index_t n) {
  double dot = 0, qa = 0, qb = 0;
  for (index_t i = 0; i < n; ++i) {
    dot += a[i] * b[i];
    qa += a[i] * a[i];
    qb += b[i] * b[i];
  }
  return s.template score<scalar_math>(dot, qa, qb);
}

template <class S>
void score_laws(result& r, const S& s, const similarity_options& o) {
  using side = similarity::side;
  similarity_probe<S> p(s, 6, o.width);
  const index_t n = o.width;
  p.template map<side::anchor>();
  auto anchors = p.mapped;
  p.template map<side::candidate>();
  const auto candidates = p.mapped;

  // d s(a, b) / d a = derivative.dot b + 2 derivative.row a, on mapped rows
  double worst = 0, largest = 1e-9;
  for (index_t i = 0; i < 6; ++i)
    for (index_t j = 0; j < 6; ++j) {
      double* a = anchors.data() + i * n;
      const double* b = candidates.data() + j * n;
      double dot = 0, qa = 0, qb = 0;
      for (index_t k = 0; k < n; ++k) {
        dot += a[k] * b[k];
        qa += a[k] * a[k];
        qb += b[k] * b[k];
      }
      const auto d = s.template derivative<scalar_math>(dot, qa, qb);
      for (index_t k = 0; k < n; ++k) {
        const double at = a[k], h = 1e-5;
        a[k] = at + h;
        const double up = score_of(s, a, b, n);
        a[k] = at - h;
        const double down = score_of(s, a, b, n);
        a[k] = at;
        const double measured = (up - down) / (2 * h), given = d.dot * b[k] + 2 * d.row * at;
        worst = std::fmax(worst, std::isfinite(given) ? std::fabs(measured - given) : 1e300);
        largest = std::fmax(largest, std::fabs(measured));
      }
    }
  r.add("the derivative agrees with differences of the score", worst <= o.tolerance * largest, number(worst / largest));

  double split = 0, off_norms = 0, single = 0;
  for (const double dot : {-0.9, -0.1, 0.0, 0.4, 0.8})
    for (const double qa : {0.5, 1.0, 2.0})
      for (const double qb : {0.5, 1.0, 3.0}) {
        const double v = s.template score<scalar_math>(dot, qa, qb);
        split = std::fmax(split, std::fabs(v - s.template score<scalar_math>(dot, qb, qa)));
        off_norms = std::fmax(off_norms, std::fabs(v - s.template score<scalar_math>(dot, 1.0, 1.0)));
        const float f = s.template score<scalar_math>(static_cast<float>(dot), static_cast<float>(qa), static_cast<float>(qb));
        single = std::fmax(single, std::fabs(static_cast<double>(f) - v) / (1 + std::fabs(v)));
      }
  if (S::symmetric) {
    bool same_map = true;
    for (std::size_t i = 0; i < candidates.size(); ++i) same_map = same_map && anchors[i] == candidates[i];
    r.add("symmetric, as claimed: both sides are mapped alike and scored alike", same_map && split <= 1e-12, number(split));
  }
  if (!S::uses_norms) r.add("the score does not use norms, as claimed", off_norms == 0, number(off_norms));
  r.add("float agrees with double", single <= 1e-5, number(single));

  if (S::bounded) {
    // The worst pairs are a row with itself and with its opposite, at any length.
    double highest = -std::numeric_limits<double>::infinity(), lowest = -highest;
    for (const double scale : {1e-3, 1.0, 1e3}) {
      similarity_probe<S> big(s, 6, n);
      for (double& v : big.x) v *= scale;
      for (index_t k = 0; k < n; ++k) big.x[static_cast<std::size_t>(n + k)] = -big.x[static_cast<std::size_t>(k)];
      big.template map<side::anchor>();
      const auto a = big.mapped;
      big.template map<side::candidate>();
      for (index_t i = 0; i < 6; ++i)
        for (index_t j = 0; j < 6; ++j) {
          const double score = score_of(s, a.data() + i * n, big.mapped.data() + j * n, n);
          highest = std::fmax(highest, score);
          lowest = std::fmin(lowest, score);
        }
    }
    r.add("bounded, as claimed: long rows do not score above 1000", highest <= 1e3, "highest " + number(highest));
    if constexpr (requires { S::least; S::greatest; })
      r.add("scores lie between least and greatest, as claimed", lowest >= S::least - 1e-9 && highest <= S::greatest + 1e-9,
            number(lowest) + " to " + number(highest));
  }
}

}  // namespace detail

/// The laws of a similarity: derivative against differences, the map and its adjoint on both sides, and every claim
/// (symmetric, bounded, uses_norms).
///   check::similarity(my_similarity{})
template <class S>
result similarity(const S& policy, const similarity_options& o = {}) {
  using side = pretext::similarity::side;
  static_assert(concepts::explain_similarity<S, side::anchor, side::candidate>());
  result r(detail::subject_of<S>("similarity"));
  detail::guarded(r, [&] {
    detail::score_laws(r, policy, o);
    detail::map_laws<S, side::anchor>(r, policy, o, "anchors");
    detail::map_laws<S, side::candidate>(r, policy, o, "candidates");
  });
  return r;
}

}  // namespace pretext::check
