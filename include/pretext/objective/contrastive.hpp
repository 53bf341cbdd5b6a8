// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../similarity/similarity.hpp"
#include "rows.hpp"
#include "temperature.hpp"

namespace pretext::objective {

/// What the denominator of a contrastive loss sums over.
enum class denominator : std::uint8_t { all_others, negatives_only };

/// The contrastive family: each row must pick its other view among the candidates.
///   l_i = -log( exp(s(i, p(i)) / tau) / sum_{k in candidates(i)} exp(s(i, k) / tau) ),  L = mean_i l_i
/// Candidates are all other rows (NT-Xent, InfoNCE), or all but the positive (decoupled). With `target_pairs` they are
/// the row's own positive and the given negatives, with `tower_pairs` the rows of the other tower, both ways.
/// shapes  self_pairs: rows (2B, D), rows i and i + B two views of one sample; target_pairs, tower_pairs: see rows.hpp
/// units   L in nats; tau > 0, dimensionless
/// laws    symmetric in the views; unchanged by permuting samples; all rows equal: L = log(2B - 1), decoupled log(2B - 2)
/// errors  pretext[shape.201] rows not a multiple of the views; pretext[value.210] tau <= 0; pretext[value.211] a
///         decoupled loss without negatives
/// cost    O((VB)^2 D) time, O(VB) memory: scores are recomputed in tiles and never stored
/// repeat  same bits run to run on one back end; ranks: gathered negatives, 2 ranks equal 1 on the joined batch
/// source  Chen et al. 2020, arXiv:2002.05709, eq. 1; He et al. 2020, arXiv:1911.05722, eq. 1; Yeh et al. 2022,
///         arXiv:2110.06848 (decoupled); Radford et al. 2021, arXiv:2103.00020, figure 3 (two towers)
template <class Similarity = similarity::cosine, denominator Denominator = denominator::all_others,
          class Temperature = temperature::fixed>
struct contrastive {
  setting<float> temperature = default_value(0.5f);
  setting<float> last_temperature = default_value(0.5f);  // where a scheduled one ends
  Similarity similarity{};
  static constexpr Temperature temperature_policy{};

  static constexpr const char* name = Denominator == denominator::all_others ? "contrastive" : "decoupled_contrastive";
  static constexpr bool drop = Denominator == denominator::negatives_only;

  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("temperature", self.temperature);
    visit("last_temperature", self.last_temperature);
    visit("temperature_policy", temperature_policy);  // no settings: its name goes into what a checkpoint is held to
    visit("similarity", self.similarity);
  }
  template <class V>
  constexpr void parameters(V& v, index_t width) const {
    Temperature::parameters(v, static_cast<double>(temperature));
    similarity.parameters(v, width);
  }

  template <class T>
  struct cache {
    typename Similarity::template cache<T> anchor_map, candidate_map;
    tensor_view<const T> rows, columns;  // mapped; columns are those of all ranks
    tensor_view<T> inverse, lse, positive_scores;
    tensor_view<const std::int32_t> row_positives;
    tensor_view<const T> positives;      // mapped, in the order of the anchors (target_pairs)
    op::pair_mask_of<drop, Temperature::is_learned> mask;
  };

  template <class Ctx, class T>
  constexpr void loss(const Ctx& ctx, const self_pairs<T>& in, parameter_view<T> params, cache<T>& c,
                      tensor_view<T> result) const {
    const index_t m = in.rows.extent(0), ranks = ctx.comm->size();
    check(m, in.views);
    expects(in.views == 2, "shape.202", "contrastive losses on self_pairs take two views; use target_pairs for more");
    expects(!drop || m * ranks > 2, "value.211", "a decoupled loss needs at least two samples, or there are no negatives");
    const auto p = split(params, in.rows.columns());
    start(ctx, p.scale, c, m);
    c.rows = similarity.template map<similarity::side::anchor>(ctx, p.similarity, in.rows, c.anchor_map);
    tensor_view<const T> own = c.rows;
    if constexpr (!Similarity::symmetric)
      own = similarity.template map<similarity::side::candidate>(ctx, p.similarity, in.rows, c.candidate_map);
    c.columns = detail::all_rows(ctx, own);
    const index_t first = ctx.comm->rank() * m;
    const tensor_view<std::int32_t> positives = ctx.template take_of<std::int32_t>({m});
    ctx(op::pair_indices, first, m / 2, m, positives);
    c.row_positives = positives;
    c.mask = {{first, drop, Similarity::symmetric && ranks == 1}};
    ctx(op::contrastive_forward, similarity, c.rows, c.columns, c.row_positives, c.mask, c.inverse, c.lse,
        c.positive_scores);
    finish(ctx, c, m * ranks, result);
  }
  template <class Ctx, class T>
  constexpr void loss(const Ctx& ctx, const target_pairs<T>& in, parameter_view<T> params, cache<T>& c,
                      tensor_view<T> result) const {
    const index_t m = in.anchors.extent(0), ranks = ctx.comm->size();
    check(m, in.views);
    expects(in.negatives.rank() > 0 && in.negatives.size() > 0, "value.212", "a contrastive loss against a target needs negatives (a queue)");
    const auto p = split(params, in.anchors.columns());
    start(ctx, p.scale, c, m);
    c.rows = similarity.template map<similarity::side::anchor>(ctx, p.similarity, in.anchors, c.anchor_map);
    c.columns = similarity.template map<similarity::side::candidate>(ctx, p.similarity, in.negatives, c.candidate_map);
    typename Similarity::template cache<T> unused;
    c.positives = detail::next_views(
        ctx, similarity.template map<similarity::side::candidate>(ctx, p.similarity, in.positives, unused), in.views);
    const tensor_view<std::int32_t> none = ctx.template take_of<std::int32_t>({m});
    ctx(op::pair_indices, index_t{0}, index_t{0}, index_t{0}, none);
    c.row_positives = none;
    c.mask = {{-1, false}};
    ctx(op::contrastive_forward, similarity, c.rows, c.columns, c.row_positives, c.mask, c.inverse, c.lse,
        c.positive_scores);
    ctx(op::positive_forward, similarity, c.rows, c.positives, c.inverse, !drop, c.lse, c.positive_scores);
    finish(ctx, c, m * ranks, result);
  }

  template <class Ctx, class T>
  constexpr void loss(const Ctx& ctx, const tower_pairs<T>& in, parameter_view<T> params, cache<T>& c, tensor_view<T> result) const {
    const index_t all = in.rows.extent(0), m = all / 2, ranks = ctx.comm->size();
    check(all, 2);
    expects(!drop || m * ranks > 1, "value.211", "a decoupled loss needs at least two samples, or there are no negatives");
    const auto p = split(params, in.rows.columns());
    start(ctx, p.scale, c, all);
    c.rows = similarity.template map<similarity::side::anchor>(ctx, p.similarity, in.rows.slice(0, m), c.anchor_map);
    c.columns = similarity.template map<similarity::side::candidate>(ctx, p.similarity, in.rows.slice(m, all), c.candidate_map);
    const tensor_view<std::int32_t> positives = ctx.template take_of<std::int32_t>({m});
    ctx(op::pair_indices, ctx.comm->rank() * m, index_t{0}, m, positives);
    c.row_positives = positives;
    c.mask = {{-1, drop}};
    const auto find = [&](tensor_view<const T> rows, tensor_view<const T> others, index_t at) {
      ctx(op::contrastive_forward, similarity, rows, detail::all_rows(ctx, others), c.row_positives, c.mask, c.inverse,
          c.lse.slice(at, at + m), c.positive_scores.slice(at, at + m));
    };
    find(c.rows, c.columns, 0);
    find(c.columns, c.rows, m);
    finish(ctx, c, all * ranks, result);
  }

  /// d_in += weight dL/d rows
  template <class Ctx, class T, class Dp>
  constexpr void gradient(const Ctx& ctx, T weight, const self_pairs<T>& in, parameter_view<T> params, const cache<T>& c,
                          tensor_view<T> d_in, Dp d_params) const {
    const auto scope = ctx.scope();
    const index_t m = in.rows.extent(0), ranks = ctx.comm->size();
    const T scale = weight / static_cast<T>(m * ranks);
    const auto p = split(params, in.rows.columns());
    const tensor_view<const T> all_lse = detail::all_rows(ctx, as_const(c.lse));
    // positive(j) = i seen from the column: local rows only, since only they are written here
    const tensor_view<std::int32_t> column_positives = ctx.template take_of<std::int32_t>({m * ranks});
    ctx(op::pair_indices, index_t{0}, index_t{0}, index_t{0}, column_positives);
    const index_t first = ctx.comm->rank() * m;
    ctx(op::pair_indices, index_t{0}, m / 2, m, column_positives.slice(first, first + m));
    const tensor_view<T> expected = expected_scores(ctx, m, d_params);
    const tensor_view<T> d_rows = ctx.take(in.rows.shape);
    ctx(op::fill, T(0), d_rows);
    if constexpr (Similarity::symmetric) {
      ctx(op::contrastive_gradient, similarity, c.rows, c.columns, c.row_positives, column_positives, c.mask, c.inverse,
          c.lse, all_lse, scale, d_rows, expected);
      similarity.template map_backward<similarity::side::anchor>(ctx, p.similarity, in.rows, c.anchor_map, as_const(d_rows), d_in,
                                                                 similarity_gradient(d_params));
    } else {
      const tensor_view<const T> none{};
      ctx(op::contrastive_gradient, similarity, c.rows, c.columns, c.row_positives, column_positives, c.mask, c.inverse,
          c.lse, none, scale, d_rows, expected);
      similarity.template map_backward<similarity::side::anchor>(ctx, p.similarity, in.rows, c.anchor_map, as_const(d_rows), d_in,
                                                                 similarity_gradient(d_params));
      // The same pairs from the candidates' side: their rows against the mapped anchors of all ranks.
      const tensor_view<const T> own = c.columns.slice(first, first + m);
      ctx(op::fill, T(0), d_rows);
      ctx(op::contrastive_gradient, similarity, own, detail::all_rows(ctx, c.rows), c.row_positives, column_positives, c.mask,
          c.inverse, none, all_lse, scale, d_rows, tensor_view<T>{});
      similarity.template map_backward<similarity::side::candidate>(ctx, p.similarity, in.rows, c.candidate_map, as_const(d_rows),
                                                                    d_in, similarity_gradient(d_params));
    }
    temperature_gradient(ctx, scale, params, c, expected, d_params);
  }
  template <class Ctx, class T, class Dp>
  constexpr void gradient(const Ctx& ctx, T weight, const target_pairs<T>& in, parameter_view<T> params,
                          const cache<T>& c, tensor_view<T> d_in, Dp d_params) const {
    const auto scope = ctx.scope();
    const index_t m = in.anchors.extent(0);
    const T scale = weight / static_cast<T>(m * ctx.comm->size());
    const auto p = split(params, in.anchors.columns());
    const tensor_view<T> expected = expected_scores(ctx, m, d_params);
    const tensor_view<T> d_rows = ctx.take(in.anchors.shape);
    ctx(op::fill, T(0), d_rows);
    ctx(op::contrastive_gradient, similarity, c.rows, c.columns, c.row_positives, tensor_view<const std::int32_t>{}, c.mask,
        c.inverse, c.lse, tensor_view<const T>{}, scale, d_rows, expected);
    ctx(op::positive_gradient, similarity, c.rows, c.positives, c.inverse, !drop, c.lse, scale, d_rows, expected);
    similarity.template map_backward<similarity::side::anchor>(ctx, p.similarity, in.anchors, c.anchor_map, as_const(d_rows), d_in,
                                                               similarity_gradient(d_params));
    temperature_gradient(ctx, scale, params, c, expected, d_params);
  }

  template <class Ctx, class T, class Dp>
  constexpr void gradient(const Ctx& ctx, T weight, const tower_pairs<T>& in, parameter_view<T> params, const cache<T>& c,
                          tensor_view<T> d_in, Dp d_params) const {
    const auto scope = ctx.scope();
    const index_t all = in.rows.extent(0), m = all / 2, ranks = ctx.comm->size(), first = ctx.comm->rank() * m;
    const T scale = weight / static_cast<T>(all * ranks);
    const auto p = split(params, in.rows.columns());
    const tensor_view<std::int32_t> column_positives = ctx.template take_of<std::int32_t>({m * ranks});
    ctx(op::pair_indices, index_t{0}, index_t{0}, index_t{0}, column_positives);
    ctx(op::pair_indices, index_t{0}, index_t{0}, m, column_positives.slice(first, first + m));
    const tensor_view<T> expected = expected_scores(ctx, all, d_params);
    const auto pull = [&](tensor_view<const T> rows, tensor_view<const T> others, index_t at) {
      const tensor_view<T> d_rows = ctx.take(rows.shape);
      ctx(op::fill, T(0), d_rows);
      const tensor_view<const T> columns = detail::all_rows(ctx, others);
      const tensor_view<const T> column_lse = detail::all_rows(ctx, as_const(c.lse.slice(m - at, all - at)));
      ctx(op::contrastive_gradient, similarity, rows, columns, c.row_positives, column_positives, c.mask, c.inverse,
          c.lse.slice(at, at + m), column_lse, scale, d_rows, expected ? expected.slice(at, at + m) : expected);
      return as_const(d_rows);
    };
    const tensor_view<const T> d_rows = pull(c.rows, c.columns, 0), d_columns = pull(c.columns, c.rows, m);
    similarity.template map_backward<similarity::side::anchor>(ctx, p.similarity, in.rows.slice(0, m), c.anchor_map, d_rows,
                                                               d_in.slice(0, m), similarity_gradient(d_params));
    similarity.template map_backward<similarity::side::candidate>(ctx, p.similarity, in.rows.slice(m, all), c.candidate_map, d_columns,
                                                                  d_in.slice(m, all), similarity_gradient(d_params));
    temperature_gradient(ctx, scale, params, c, expected, d_params);
  }

 private:
  template <class T>
  struct pieces {
    tensor_view<const T> scale;
    parameter_view<T> similarity;
  };
  template <class T>
  static constexpr pieces<T> split(parameter_view<T> params, index_t) {
    pieces<T> p;
    parameter_reader own(params);
    if constexpr (Temperature::is_learned) p.scale = own.parameter({index_t{1}});
    p.similarity = {p.scale ? pretext::advance(params.weights, parameter_alignment) : params.weights, params.buffers};
    return p;
  }
  template <class Dp>
  static constexpr Dp similarity_gradient(Dp d) {
    if constexpr (is_wanted<Dp> && Temperature::is_learned) d.weights = pretext::advance(d.weights, parameter_alignment);
    return d;
  }
  static constexpr void check(index_t rows, index_t views) {
    expects(rows > 0 && views >= 1 && rows % views == 0, "shape.201",
            "a contrastive loss needs a number of rows that is a positive multiple of the views");
  }
  template <class Ctx, class T>
  constexpr void start(const Ctx& ctx, tensor_view<const T> scale, cache<T>& c, index_t m) const {
    expects(temperature > 0 && last_temperature > 0, "value.210", "the temperature of a contrastive loss must be above 0");
    c.inverse = ctx.take({index_t{1}});
    Temperature::inverse(ctx, scale, static_cast<double>(temperature), static_cast<double>(last_temperature), c.inverse);
    c.lse = ctx.take({m});
    c.positive_scores = ctx.take({m});
  }
  template <class Ctx, class T>
  static constexpr void finish(const Ctx& ctx, const cache<T>& c, index_t rows, tensor_view<T> result) {
    const auto scope = ctx.scope();
    const tensor_view<T> each = ctx.take(c.lse.shape);
    ctx(op::copy, c.lse, each);
    ctx(op::add_scaled, c.positive_scores, T(-1), each);
    detail::reduce_loss(ctx, as_const(each), T(1) / static_cast<T>(rows), result);
  }
  template <class Ctx, class Dp, class T = typename Ctx::value_type>
  static constexpr tensor_view<T> expected_scores(const Ctx& ctx, index_t m, Dp) {
    if constexpr (Temperature::is_learned && is_wanted<Dp>)
      return ctx.take({m});
    else
      return {};
  }
  /// With r = 1/tau a function of the trained number u: dL/du = sum_i (E_i[r s] - r s_p(i)) scale (dr/du) / r.
  template <class Ctx, class T, class Dp>
  static constexpr void temperature_gradient(const Ctx& ctx, T scale, parameter_view<T> params, const cache<T>& c,
                                             tensor_view<T> expected, Dp d_params) {
    if constexpr (Temperature::is_learned && is_wanted<Dp>) {
      const tensor_view<T> total = ctx.take({index_t{1}});
      ctx(op::add_scaled, c.positive_scores, T(-1), expected);
      ctx(op::sum, expected, total);
      ctx(op::scale, scale, total);
      const tensor_view<T> through = ctx.take({index_t{1}});
      ctx(op::map_backward, log_scale{}, parameter_reader(params).parameter({index_t{1}}), total, through);
      ctx(op::add, through, gradient_reader(d_params).parameter({index_t{1}}));
    }
  }
  struct log_scale {
    template <class M, class V>
    PRETEXT_HOST_DEVICE static V value(const V& u) {
      return M::log(Temperature::scale::template value<M>(u));
    }
    template <class M, class V>
    PRETEXT_HOST_DEVICE static V derivative(const V& u) {
      return Temperature::scale::template derivative<M>(u) / Temperature::scale::template value<M>(u);
    }
  };
};

/// NT-Xent (SimCLR), and InfoNCE against a target.
template <class Similarity = similarity::cosine, class Temperature = temperature::fixed>
using nt_xent = contrastive<Similarity, denominator::all_others, Temperature>;
/// The positive left out of the denominator: -log(exp(s+/tau) / sum over negatives).
template <class Similarity = similarity::cosine, class Temperature = temperature::fixed>
using decoupled = contrastive<Similarity, denominator::negatives_only, Temperature>;

}  // namespace pretext::objective
