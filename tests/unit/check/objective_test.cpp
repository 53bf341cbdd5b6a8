// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/objective.hpp>

#include "support/catch.hpp"

namespace px = pretext;

// [doc:own_objective]
/// Pulls the two views of a sample together: L = 1/(2B) sum_b |a_b - b_b|^2 for rows a = [0, B), b = [B, 2B).
struct view_distance {
  static constexpr const char* name = "view_distance";
  template <class T>
  struct cache {
    px::tensor_view<T> difference;  // (B, D)
  };
  template <class Ctx, class T>
  constexpr void loss(const Ctx& ctx, const px::objective::self_pairs<T>& in, px::parameter_view<T>, cache<T>& c, px::tensor_view<T> result) const {
    const px::index_t n = in.rows.extent(0), b = n / 2;
    px::expects(b > 0 && n == 2 * b, "my.201", "view_distance needs two rows a sample");
    c.difference = ctx.take({b, in.rows.columns()});
    ctx(px::op::copy, in.rows.slice(0, b), c.difference);
    ctx(px::op::add_scaled, in.rows.slice(b, n), T(-1), c.difference);
    const auto scope = ctx.scope();  // what follows is not needed by gradient
    const px::tensor_view<T> each = ctx.take({b});
    ctx(px::op::row_dot, c.difference, c.difference, each);
    ctx(px::op::sum, each, result);
    ctx(px::op::scale, T(0.5) / static_cast<T>(b), result);
  }
  template <class Ctx, class T, class Dp>
  constexpr void gradient(const Ctx& ctx, T weight, const px::objective::self_pairs<T>& in, px::parameter_view<T>, const cache<T>& c,
                          px::tensor_view<T> d_in, Dp) const {
    const px::index_t n = in.rows.extent(0), b = n / 2;
    ctx(px::op::add_scaled, c.difference, weight / static_cast<T>(b), d_in.slice(0, b));
    ctx(px::op::add_scaled, c.difference, -weight / static_cast<T>(b), d_in.slice(b, n));
  }
};
// [/doc:own_objective]

TEST_CASE("check::objective: the page's objective obeys every law", "[check][objective][docs]") {
  // [doc:check_objective]
  const px::check::result found = px::check::objective(view_distance{});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_objective]
}

namespace {

enum class mistake { none, wrong_factor, ignores_the_weight, overwrites, cache_is_given_back, more_memory_later, prefers_the_first_view,
                     prefers_the_first_sample, not_finite_at_zero, changes_its_rows, odd_rows, leaves_the_result };
template <mistake M>
struct planted : view_distance {
  static constexpr const char* name = "planted";
  template <class Ctx, class T>
  constexpr void loss(const Ctx& ctx, const px::objective::self_pairs<T>& in, px::parameter_view<T>, cache<T>& c, px::tensor_view<T> result) const {
    const px::index_t n = in.rows.extent(0), b = n / 2;
    px::expects(b > 0 && (M == mistake::odd_rows || n == 2 * b), "test.201", "two rows a sample");
    {
      const auto scope = ctx.scope();
      c.difference = ctx.take({b, in.rows.columns()});
    }
    if (M != mistake::cache_is_given_back) c.difference = ctx.take({b, in.rows.columns()});
    const auto scope = ctx.scope();
    if (M == mistake::cache_is_given_back) static_cast<void>(ctx.take({b, in.rows.columns()}));  // it lies here
    if (M == mistake::more_memory_later && !ctx.memory->planning()) static_cast<void>(ctx.take({9999}));
    ctx(px::op::copy, in.rows.slice(0, b), c.difference);
    ctx(px::op::add_scaled, in.rows.slice(b, 2 * b), T(-1), c.difference);
    const bool real = result.data != nullptr;
    if (M == mistake::changes_its_rows && real) const_cast<T&>(in.rows[0]) *= T(0.5);
    const px::tensor_view<T> each = ctx.take({b});
    ctx(px::op::row_dot, c.difference, c.difference, each);
    if (M == mistake::leaves_the_result) return;
    ctx(px::op::sum, each, result);
    ctx(px::op::scale, T(0.5) / static_cast<T>(b), result);
    if (!real) return;
    if (M == mistake::prefers_the_first_view) result[0] += in.rows[0] * in.rows[0];
    if (M == mistake::prefers_the_first_sample) result[0] += in.rows[0] + in.rows[b * in.rows.columns()];
    if (M == mistake::not_finite_at_zero) result[0] += T(0) / (result[0] * result[0]);
  }
  template <class Ctx, class T, class Dp>
  constexpr void gradient(const Ctx& ctx, T weight, const px::objective::self_pairs<T>& in, px::parameter_view<T> p, const cache<T>& c,
                          px::tensor_view<T> d_in, Dp d) const {
    const px::index_t n = in.rows.extent(0), b = n / 2;
    if (M == mistake::ignores_the_weight) weight = T(1);
    if (M == mistake::wrong_factor) weight *= T(1.001);
    if (M == mistake::overwrites) ctx(px::op::fill, T(0), d_in);
    view_distance::gradient(ctx, weight, px::objective::self_pairs<T>{in.rows.slice(0, 2 * b), in.views}, p, c, d_in.slice(0, 2 * b), d);
    if (d_in.data == nullptr) return;
    if (M == mistake::prefers_the_first_view) d_in[0] += weight * T(2) * in.rows[0];
    if (M == mistake::prefers_the_first_sample) d_in[0] += weight, d_in[b * in.rows.columns()] += weight;
  }
};
template <mistake M>
px::check::result found() {
  return px::check::objective(planted<M>{});
}

}  // namespace

TEST_CASE("check::objective: planted defects are named", "[check][objective]") {
  INFO(found<mistake::none>().text());
  CHECK(found<mistake::none>().ok());
  CHECK(found<mistake::wrong_factor>().broken("the gradient agrees with differences"));
  CHECK(found<mistake::ignores_the_weight>().broken("the weight scales the gradient"));
  CHECK(found<mistake::overwrites>().broken("gradients are added"));
  CHECK(found<mistake::cache_is_given_back>().broken("the cache holds only what is kept"));
  CHECK(found<mistake::more_memory_later>().broken("runs in the memory that was planned"));
  CHECK(found<mistake::prefers_the_first_view>().broken("views may be exchanged"));
  CHECK(found<mistake::prefers_the_first_sample>().broken("the order of samples does not matter"));
  CHECK(found<mistake::not_finite_at_zero>().broken("extremes stay finite in float"));
  CHECK(found<mistake::changes_its_rows>().broken("rows and targets are left alone"));
  CHECK(found<mistake::odd_rows>().broken("rows that are no multiple of the views are refused"));
  CHECK(found<mistake::leaves_the_result>().broken("the loss is written and finite"));
  CHECK_FALSE(found<mistake::prefers_the_first_view>().broken("the gradient agrees with differences"));
  CHECK_FALSE(found<mistake::ignores_the_weight>().broken("the gradient agrees with differences"));
  // A claim that is not made is not tried.
  CHECK(px::check::objective(planted<mistake::prefers_the_first_view>{}, {.exchangeable_views = false, .permutable_samples = false}).ok());
}
