// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../backend/context.hpp"
#include "../backend/ops.hpp"
#include "../core/scalar_math.hpp"
#include "../core/settings.hpp"

/// How two rows are compared: a map of rows (normalise, multiply by a learned matrix, nothing) and a scalar function of
/// (dot, |row|^2, |column|^2) with its derivatives, which back ends inline into the tiles of a streaming loss.
/// docs/policies/similarity.md: write your own.
namespace pretext::similarity {

/// Derivatives of a score by the dot product and by the squared norm of the row.
template <class V>
struct partials {
  V dot;
  V row;
};

/// Which side of a pair rows stand on; only an asymmetric similarity cares.
enum class side : std::uint8_t { anchor, candidate };

/// Rows as they are: the base of similarities that map nothing.
struct plain_rows {
  template <class T>
  struct cache {};
  template <class Visitor>
  constexpr void parameters(Visitor&, index_t) const {}
  template <side, class Ctx, class T>
  constexpr tensor_view<const T> map(const Ctx&, parameter_view<T>, tensor_view<const T> x, cache<T>&) const {
    return x;
  }
  /// dx += the map's adjoint of d_mapped
  template <side, class Ctx, class T, class Dp>
  constexpr void map_backward(const Ctx& ctx, parameter_view<T>, tensor_view<const T>, const cache<T>&,
                              tensor_view<const T> d_mapped, tensor_view<T> dx, Dp) const {
    ctx(op::add, d_mapped, dx);
  }
};

/// s = a . b
struct dot : plain_rows {
  static constexpr const char* name = "dot";
  static constexpr bool symmetric = true;
  static constexpr bool bounded = false;
  static constexpr bool uses_norms = false;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V score(const V& product, const V&, const V&) {
    return product;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr partials<V> derivative(const V&, const V&, const V&) {
    return {V(1), V(0)};
  }
};

/// s = a . b / (max(|a|, eps) max(|b|, eps)); a zero row has similarity 0 to all
struct cosine : dot {
  static constexpr const char* name = "cosine";
  static constexpr bool bounded = true;
  static constexpr double least = -1, greatest = 1;
  static constexpr double eps = 1e-8;

  template <class T>
  struct cache {
    tensor_view<T> unit, norms;
  };
  template <side, class Ctx, class T>
  constexpr tensor_view<const T> map(const Ctx& ctx, parameter_view<T>, tensor_view<const T> x, cache<T>& kept) const {
    kept.unit = ctx.take(x.shape);
    kept.norms = ctx.take({x.rows()});
    ctx(op::row_normalize, x, eps, kept.unit, kept.norms);
    return kept.unit;
  }
  template <side, class Ctx, class T, class Dp>
  constexpr void map_backward(const Ctx& ctx, parameter_view<T>, tensor_view<const T>, const cache<T>& kept,
                              tensor_view<const T> d_mapped, tensor_view<T> dx, Dp) const {
    ctx(op::row_normalize_backward, kept.unit, kept.norms, d_mapped, dx);
  }
};

/// s = -|a - b|^2
struct negative_squared_euclidean : plain_rows {
  static constexpr const char* name = "negative_squared_euclidean";
  static constexpr bool symmetric = true;
  static constexpr bool bounded = true;
  static constexpr bool uses_norms = true;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V score(const V& product, const V& row, const V& column) {
    return V(2) * product - row - column;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr partials<V> derivative(const V&, const V&, const V&) {
    return {V(2), V(-1)};
  }
};

/// s = exp(-|a - b|^2 / (2 width^2))
struct gaussian_kernel : plain_rows {
  setting<float> width = default_value(1.0f);
  static constexpr const char* name = "gaussian_kernel";
  static constexpr bool symmetric = true;
  static constexpr bool bounded = true;
  static constexpr double least = 0, greatest = 1;
  static constexpr bool uses_norms = true;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("width", self.width);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE constexpr V score(const V& product, const V& row, const V& column) const {
    return M::exp((V(2) * product - row - column) * V(factor()));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE constexpr partials<V> derivative(const V& product, const V& row, const V& column) const {
    const V s = score<M>(product, row, column) * V(factor());
    return {V(2) * s, V(0) - s};
  }

 private:
  PRETEXT_HOST_DEVICE constexpr double factor() const { return 0.5 / (static_cast<double>(width) * static_cast<double>(width)); }
};

/// s = a^T W b with a learned W, which starts as the identity
/// shapes  weight (D, D)
struct bilinear : dot {
  static constexpr const char* name = "bilinear";
  static constexpr bool symmetric = false;

  template <class T>
  struct cache {
    tensor_view<T> mapped;
  };
  template <class Visitor>
  constexpr void parameters(Visitor& v, index_t width) const {
    v.parameter({.name = "weight", .file_shape = {width, width}, .what = role::weight, .start = initialiser::identity()});
  }
  template <side Side, class Ctx, class T>
  constexpr tensor_view<const T> map(const Ctx& ctx, parameter_view<T> params, tensor_view<const T> x, cache<T>& kept) const {
    if constexpr (Side == side::candidate) return x;
    kept.mapped = ctx.take(x.shape);
    ctx(op::matmul, x, weight(params, x), kept.mapped, op::matmul_options{});
    return kept.mapped;
  }
  template <side Side, class Ctx, class T, class Dp>
  constexpr void map_backward(const Ctx& ctx, parameter_view<T> params, tensor_view<const T> x, const cache<T>&,
                              tensor_view<const T> d_mapped, tensor_view<T> dx, Dp d_params) const {
    if constexpr (Side == side::candidate) {
      ctx(op::add, d_mapped, dx);
    } else {
      ctx(op::matmul, d_mapped, weight(params, x), dx, op::matmul_options{.transpose_b = true, .accumulate = true});
      if constexpr (is_wanted<Dp>)
        ctx(op::matmul, x, d_mapped, gradient_reader(d_params).parameter({x.columns(), x.columns()}),
            op::matmul_options{.transpose_a = true, .accumulate = true});
    }
  }

 private:
  template <class T>
  static constexpr tensor_view<const T> weight(parameter_view<T> params, const tensor_view<const T>& x) {
    return parameter_reader(params).parameter({x.columns(), x.columns()});
  }
};

}  // namespace pretext::similarity
