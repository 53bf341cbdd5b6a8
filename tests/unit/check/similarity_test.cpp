// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/similarity.hpp>

#include "support/catch.hpp"

namespace px = pretext;

// [doc:own_similarity]
/// s = a . b / (1 + |a - b|^2): near rows count for more.
struct tempered_dot : px::similarity::plain_rows {
  static constexpr const char* name = "tempered_dot";
  static constexpr bool symmetric = true;
  static constexpr bool bounded = false;
  static constexpr bool uses_norms = true;

  template <class M, class V>
  static constexpr V score(const V& dot, const V& row, const V& column) {
    return dot / (V(1) + row + column - V(2) * dot);
  }
  template <class M, class V>
  static constexpr px::similarity::partials<V> derivative(const V& dot, const V& row, const V& column) {
    const V d = V(1) + row + column - V(2) * dot;
    return {(d + V(2) * dot) / (d * d), V(0) - dot / (d * d)};  // by dot, and by row
  }
};
// [/doc:own_similarity]

TEST_CASE("check::similarity: the page's similarity obeys every law", "[check][similarity][docs]") {
  // [doc:check_similarity]
  const px::check::result found = px::check::similarity(tempered_dot{});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_similarity]
}

TEST_CASE("check::similarity: the library's similarities obey every law", "[check][similarity]") {
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::similarity(px::similarity::dot{}));
  holds(px::check::similarity(px::similarity::cosine{}));
  holds(px::check::similarity(px::similarity::negative_squared_euclidean{}));
  px::similarity::gaussian_kernel narrow;
  narrow.width = 0.7f;
  holds(px::check::similarity(narrow));
  holds(px::check::similarity(px::similarity::bilinear{}));
  holds(px::check::similarity(px::similarity::cosine{}, {.width = 1}));
}

namespace {

struct wrong_derivative : tempered_dot {
  template <class M, class V>
  static constexpr px::similarity::partials<V> derivative(const V& dot, const V& row, const V& column) {
    const V d = V(1) + row + column - V(2) * dot;
    return {V(1) / d, V(0) - dot / (d * d)};  // forgets that d depends on dot
  }
};
struct not_symmetric : tempered_dot {
  template <class M, class V>
  static constexpr V score(const V& dot, const V& row, const V&) {
    return dot - V(0.5) * row;
  }
  template <class M, class V>
  static constexpr px::similarity::partials<V> derivative(const V&, const V&, const V&) {
    return {V(1), V(-0.5)};
  }
};
struct not_bounded : px::similarity::dot {
  static constexpr bool bounded = true;
};
struct below_its_range : px::similarity::cosine {
  static constexpr double least = 0;
};
struct above_its_range : px::similarity::gaussian_kernel {
  static constexpr double greatest = 0.5;
};
struct uses_norms_in_secret : tempered_dot {
  static constexpr bool uses_norms = false;
};
struct half_precision : px::similarity::dot {
  template <class M, class V>
  static constexpr V score(const V& product, const V&, const V&) {
    return product + V(1000) - V(1000) + (sizeof(V) == 4 ? V(1e-3) : V(0));
  }
};
struct overwrites : px::similarity::cosine {
  template <px::similarity::side, class Ctx, class T, class Dp>
  constexpr void map_backward(const Ctx& ctx, px::parameter_view<T>, px::tensor_view<const T>, const cache<T>& kept,
                              px::tensor_view<const T> d_mapped, px::tensor_view<T> dx, Dp) const {
    ctx(px::op::fill, T(0), dx);
    ctx(px::op::row_normalize_backward, kept.unit, kept.norms, d_mapped, dx);
  }
};
struct forgets_the_norm : px::similarity::cosine {
  template <px::similarity::side, class Ctx, class T, class Dp>
  constexpr void map_backward(const Ctx& ctx, px::parameter_view<T>, px::tensor_view<const T>, const cache<T>&,
                              px::tensor_view<const T> d_mapped, px::tensor_view<T> dx, Dp) const {
    ctx(px::op::add, d_mapped, dx);
  }
};
struct forgets_the_weight : px::similarity::bilinear {
  template <px::similarity::side Side, class Ctx, class T, class Dp>
  constexpr void map_backward(const Ctx& ctx, px::parameter_view<T> params, px::tensor_view<const T> x, const cache<T>& kept,
                              px::tensor_view<const T> d_mapped, px::tensor_view<T> dx, Dp) const {
    px::similarity::bilinear::map_backward<Side>(ctx, params, x, kept, d_mapped, dx, px::no_gradient{});
  }
};
struct cache_is_given_back : px::similarity::cosine {
  template <px::similarity::side, class Ctx, class T>
  constexpr px::tensor_view<const T> map(const Ctx& ctx, px::parameter_view<T>, px::tensor_view<const T> x, cache<T>& kept) const {
    kept.unit = ctx.take(x.shape);
    const auto scope = ctx.scope();
    kept.norms = ctx.take({x.rows()});
    ctx(px::op::row_normalize, x, eps, kept.unit, kept.norms);
    return kept.unit;
  }
};
struct one_sided_claim : px::similarity::bilinear {
  static constexpr bool symmetric = true;
};

}  // namespace

TEST_CASE("check::similarity: planted defects are named", "[check][similarity]") {
  using px::check::similarity;
  CHECK(similarity(wrong_derivative{}).broken("the derivative agrees with differences of the score"));
  CHECK(similarity(not_symmetric{}).broken("symmetric, as claimed: both sides are mapped alike and scored alike"));
  CHECK(similarity(one_sided_claim{}).broken("symmetric, as claimed: both sides are mapped alike and scored alike"));
  CHECK(similarity(not_bounded{}).broken("bounded, as claimed: long rows do not score above 1000"));
  CHECK(similarity(below_its_range{}).broken("scores lie between least and greatest, as claimed"));
  CHECK(similarity(above_its_range{}).broken("scores lie between least and greatest, as claimed"));
  CHECK(similarity(px::similarity::cosine{}).find("scores lie between least and greatest, as claimed") != nullptr);
  CHECK(similarity(px::similarity::dot{}).find("scores lie between least and greatest, as claimed") == nullptr);
  CHECK(similarity(uses_norms_in_secret{}).broken("the score does not use norms, as claimed"));
  CHECK(similarity(half_precision{}).broken("float agrees with double"));
  CHECK(similarity(overwrites{}).broken("map: gradients are added, anchors"));
  CHECK(similarity(forgets_the_norm{}).broken("map: the gradient agrees with differences, candidates"));
  CHECK(similarity(forgets_the_weight{}).broken("map: the parameter gradient agrees with differences, anchors"));
  CHECK(similarity(cache_is_given_back{}).broken("map: the cache holds only what is kept, anchors"));
  CHECK_FALSE(similarity(not_symmetric{}).broken("the derivative agrees with differences of the score"));
}
