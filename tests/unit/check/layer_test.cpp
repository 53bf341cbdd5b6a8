// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/layer.hpp>
#include <pretext/nn/activation.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;

// [doc:own_activation]
/// A scalar function and its derivative make a layer: nn::elementwise<softsign>.
struct softsign {
  static constexpr const char* name = "softsign";
  template <class M, class V>
  static V value(const V& x) {
    return x / (V(1) + M::max(x, V(0) - x));
  }
  template <class M, class V>
  static V derivative(const V& x) {
    const V d = V(1) + M::max(x, V(0) - x);
    return V(1) / (d * d);
  }
};
// [/doc:own_activation]

// [doc:own_layer]
/// y = x A with a trained A: (B, K) -> (B, Out).
template <px::index_t Out>
struct projection {
  static constexpr const char* name = "projection";

  template <class In>
  struct bound : nn::bound_base<projection, In> {
    static_assert(In::rank == 1, "projection expects features<D>");
    using base = nn::bound_base<projection, In>;
    using base::base;
    template <class T>
    struct cache {};

    constexpr px::extents weight_shape() const { return {this->input[0], Out}; }
    constexpr px::shape<Out> output() const { return {}; }
    template <class V>
    constexpr void parameters(V& v) const {
      v.parameter({.name = "weight", .file_shape = weight_shape(), .start = px::initialiser::uniform(this->input[0])});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, px::parameter_view<T> params, px::activations<const T> x, px::activations<T> y, cache<T>&) const {
      ctx(px::op::matmul, x, px::parameter_reader(params).parameter(weight_shape()), y, px::op::matmul_options{});
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, px::parameter_view<T> params, px::activations<const T> x, const cache<T>&,
                            px::activations<const T> dy, Dx dx, Dp d_params) const {
      if constexpr (px::is_wanted<Dp>)  // added to
        ctx(px::op::matmul, x, dy, px::gradient_reader(d_params).parameter(weight_shape()),
            px::op::matmul_options{.transpose_a = true, .accumulate = true});
      if constexpr (px::is_wanted<Dx>)  // written
        ctx(px::op::matmul, dy, px::parameter_reader(params).parameter(weight_shape()), dx, px::op::matmul_options{.transpose_b = true});
    }
  };
};
// [/doc:own_layer]

TEST_CASE("check::layer: the page's layers obey every law", "[check][layer][docs]") {
  // [doc:check_layer]
  const px::check::result found = px::check::layer(projection<4>{}, px::features<6>{});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_layer]
  CHECK(px::check::layer(nn::elementwise<softsign>{}, px::features<6>{}).ok());
  CHECK(px::check::layer(projection<1>{}, px::features<1>{}, {.samples = 1}).ok());
}

namespace {

/// y = 2 x, which a planted mistake breaks in one place.
enum class mistake { none, half_gradient, adds_to_dx, forgets_a_value, cache_is_given_back, more_memory_later, reads_neighbours,
                     needs_both, overwrites_parameters, remembers };
int calls_so_far = 0;
template <mistake M>
struct doubled {
  template <class In>
  struct bound : nn::bound_base<doubled, In> {
    using base = nn::bound_base<doubled, In>;
    using base::base;
    template <class T>
    struct cache {
      px::tensor_view<T> kept;
    };
    constexpr In output() const { return this->input; }
    template <class V>
    constexpr void parameters(V& v) const {
      v.parameter({.name = "bias", .file_shape = {this->input[0]}, .what = px::role::bias});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, px::parameter_view<T> params, px::activations<const T> x, px::activations<T> y, cache<T>& c) const {
      if constexpr (M == mistake::cache_is_given_back) {
        const auto scope = ctx.scope();
        c.kept = ctx.take({1});
        ctx(px::op::fill, T(2), c.kept);
      } else {
        c.kept = ctx.take({1});
        ctx(px::op::fill, T(2), c.kept);
      }
      if constexpr (M == mistake::more_memory_later)
        if (!ctx.memory->planning()) static_cast<void>(ctx.take({1000}));
      ctx(px::op::copy, x, y);
      ctx(px::op::scale, T(2), y);
      px::parameter_reader own(params);
      const auto bias = own.parameter({this->input[0]});
      for (px::index_t i = 0; i < x.extent(0) && y.data != nullptr; ++i)
        for (px::index_t j = 0; j < x.extent(1); ++j) y(i, j) += bias[j];
      if (y.data == nullptr) return;
      if constexpr (M == mistake::forgets_a_value) y[y.size() - 1] = std::numeric_limits<T>::quiet_NaN();
      if constexpr (M == mistake::reads_neighbours) y[0] += x[x.size() - 1] * T(0.5);
      if constexpr (M == mistake::remembers) {
        y[0] += static_cast<T>(++calls_so_far);
      }
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, px::parameter_view<T>, px::activations<const T> x, const cache<T>& c,
                            px::activations<const T> dy, Dx dx, Dp d_params) const {
      const bool real = dy.data != nullptr;
      if constexpr (px::is_wanted<Dp>) {
        const auto d = px::gradient_reader(d_params).parameter({this->input[0]});
        if (M == mistake::overwrites_parameters) ctx(px::op::fill, T(0), d);
        ctx(px::op::column_sums, dy, d);
      }
      if constexpr (px::is_wanted<Dx>) {
        if (!(M == mistake::needs_both && !px::is_wanted<Dp>)) {
          if (M == mistake::adds_to_dx)
            ctx(px::op::add, dy, dx);
          else
            ctx(px::op::copy, dy, dx);
        }
        ctx(px::op::scale, real ? c.kept[0] : T(0), dx);
        if (M == mistake::half_gradient && real) dx[1] *= T(0.99);
        if (M == mistake::reads_neighbours && real) dx[dx.size() - 1] += dy[0] * T(0.5);
      }
      static_cast<void>(x);
    }
  };
};
template <mistake M>
px::check::result planted() {
  return px::check::layer(doubled<M>{}, px::features<3>{});
}

}  // namespace

TEST_CASE("check::layer: planted defects are named", "[check][layer]") {
  INFO(planted<mistake::none>().text());
  CHECK(planted<mistake::none>().ok());
  CHECK(planted<mistake::half_gradient>().broken("the input gradient agrees with differences"));
  CHECK(planted<mistake::adds_to_dx>().broken("the input gradient is written, not added"));
  CHECK(planted<mistake::forgets_a_value>().broken("forward writes every value"));
  CHECK(planted<mistake::cache_is_given_back>().broken("the cache holds only what is kept"));
  CHECK(planted<mistake::more_memory_later>().broken("runs in the memory that was planned"));
  CHECK(planted<mistake::reads_neighbours>().broken("evaluated alone, a sample has the same bits"));
  CHECK(planted<mistake::needs_both>().broken("the input gradient does not need the parameters'"));
  CHECK(planted<mistake::overwrites_parameters>().broken("parameter gradients are added"));
  CHECK(planted<mistake::remembers>().broken("the same input gives the same bits"));
  // One defect, one name: the others keep holding.
  CHECK_FALSE(planted<mistake::half_gradient>().broken("the parameter gradient agrees with differences"));
  CHECK_FALSE(planted<mistake::overwrites_parameters>().broken("the input gradient agrees with differences"));
}
