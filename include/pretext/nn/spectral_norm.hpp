// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what few networks are made of
#pragma once

#include <string>

#include "../core/text.hpp"
#include "conv2d.hpp"
#include "linear.hpp"

namespace pretext::nn {

namespace detail {
/// 1 / x
struct reciprocal {
  static constexpr const char* name = "reciprocal";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V value(const V& x) {
    return V(1) / x;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static constexpr V derivative(const V& x) {
    return V(-1) / (x * x);
  }
};

/// How the weight of a layer lies as a matrix of (outputs, inputs): as it is, or turned; other layers have no such matrix.
template <class Layer>
struct weight_matrix {
  static constexpr bool known = false, turned = false;
};
template <index_t Out, class... O>
struct weight_matrix<linear<Out, O...>> {
  static constexpr bool known = true, turned = false;
};
template <index_t Out, index_t K, class... O>
struct weight_matrix<conv2d<Out, K, O...>> {
  static constexpr bool known = conv2d<Out, K, O...>::group_count == 1, turned = true;
};

/// Names of a wrapped layer's table as PyTorch's spectral_norm has them.
template <class V>
struct original_names {
  V& to;
  constexpr void parameter(parameter_declaration d) const {
    if (d.name == "weight") d.name = "weight_orig";
    to.parameter(d);
  }
  constexpr void buffer(const parameter_declaration& d) const { to.buffer(d); }
};
/// The extents of a layer's weight, which it declares first.
struct first_shape {
  extents found;
  constexpr void parameter(const parameter_declaration& d) {
    if (found.rank == 0) found = d.file_shape;
  }
  constexpr void buffer(const parameter_declaration&) {}
};
}  // namespace detail

/// A layer with its weight divided by the weight's largest singular value, so that it stretches no input by more than 1:
///   y = Layer(W / sigma),  sigma = u W v, u and v by power iteration, `iterations` a pass of training
/// u and v are kept between passes (buffers weight_u, weight_v) and are constants for the gradient.
/// errors  pretext[shape.157] a layer whose weight is no single matrix
/// cost    a copy of the weights a pass and, in training, two products of a vector and W an iteration
/// source  Miyato et al. 2018, arXiv:1802.05957, algorithm 1; names as torch.nn.utils.spectral_norm
template <class Layer>
struct spectral_norm {
  Layer layer{};
  setting<index_t> iterations = default_value(1);
  static std::string label() {
    if constexpr (requires { Layer::label(); }) return joined({"spectral_norm of ", Layer::label()});
    else return joined({"spectral_norm of ", Layer::name});
  }
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("layer", self.layer);
    visit("iterations", self.iterations);
  }

  template <class In>
  struct bound : bound_base<spectral_norm, In> {
    using matrix = detail::weight_matrix<Layer>;
    static_assert(matrix::known, "pretext[shape.157] spectral_norm wraps linear or conv2d of one group; write spectral_norm<linear<8>>");
    using base = bound_base<spectral_norm, In>;
    using inner_type = bound_t<Layer, In>;
    inner_type inner{};
    constexpr bound() = default;
    constexpr bound(const spectral_norm& s, const In& in) : base(s, in), inner(bind(s.layer, in)) {}
    constexpr auto output() const { return inner.output(); }

    template <class T>
    struct cache {
      typename inner_type::template cache<T> inner{};
      tensor_view<master_t<T>> u, v, inverse;  // (1, outputs), (1, inputs), (1): 1 / sigma
      tensor_view<master_t<T>> weights;        // of the inner layer
    };
    /// outputs and inputs of the weight as a matrix
    constexpr extents sizes() const {
      detail::first_shape s;
      inner.parameters(s);
      return {s.found[0], s.found.size() / s.found[0]};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      detail::original_names<V> names{v};
      inner.parameters(names);
      detail::first_shape s;
      inner.parameters(s);
      const extents& w = s.found;
      v.buffer({.name = "weight_u", .file_shape = {w[0]}, .what = role::weight, .start = initialiser::normal(1)});
      if constexpr (matrix::turned)
        v.buffer({.name = "weight_v", .file_shape = {w.size() / w[0]}, .what = role::weight, .start = initialiser::normal(1),
                  .layout = {{w[1], w[2], w[3]}, {1, 2, 0}}});
      else
        v.buffer({.name = "weight_v", .file_shape = {w.size() / w[0]}, .what = role::weight, .start = initialiser::normal(1)});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>& kept) const {
      using M = master_t<T>;
      const extents size = sizes();
      const index_t outputs = size[0], inputs = size[1], all = segment_of(inner).parameters;
      const tensor_view<const M> own{params.weights, extents(all)}, w{params.weights, matrix_extents(size)};
      parameter_reader state(params);
      const tensor_view<M> last_u = state.buffer({1, outputs}), last_v = state.buffer({1, inputs});
      kept.u = ctx.take_master({1, outputs});
      kept.v = ctx.take_master({1, inputs});
      kept.inverse = ctx.take_master({1});
      kept.weights = ctx.take_master({all});
      {
        const auto scope = ctx.scope();
        const tensor_view<M> by_input = ctx.take_master({1, inputs}), by_output = ctx.take_master({1, outputs}), norm = ctx.take_master({1});
        ctx(op::row_normalize, as_const(last_u), tiny, kept.u, norm);
        ctx(op::row_normalize, as_const(last_v), tiny, kept.v, norm);
        if (ctx.training() && !requires { Ctx::backend_type::state_is_constant; }) {
          for (index_t i = 0; i < this->spec.iterations; ++i) {
            ctx(op::matmul, as_const(kept.u), w, by_input, op::matmul_options{.transpose_b = matrix::turned});
            ctx(op::row_normalize, as_const(by_input), tiny, kept.v, norm);
            ctx(op::matmul, as_const(kept.v), w, by_output, op::matmul_options{.transpose_b = !matrix::turned});
            ctx(op::row_normalize, as_const(by_output), tiny, kept.u, norm);
          }
          ctx(op::copy, as_const(kept.u), last_u);
          ctx(op::copy, as_const(kept.v), last_v);
        }
        ctx(op::matmul, as_const(kept.v), w, by_output, op::matmul_options{.transpose_b = !matrix::turned});
        ctx(op::row_dot, as_const(by_output), as_const(kept.u), norm);
        ctx(op::map, detail::reciprocal{}, as_const(norm), kept.inverse);
      }
      ctx(op::copy, own, kept.weights);
      const tensor_view<M> scaled = weight_of(kept.weights, size);
      ctx(op::fill, M(0), scaled);
      ctx(op::add_scaled_rows, as_const(kept.inverse), w.reshape({1, w.size()}), scaled);
      inner.forward(ctx, parameter_view<T>{kept.weights.data, nullptr}, x, y, kept.inner);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T> x, const cache<T>& kept, activations<const T> dy, Dx dx,
                            Dp d_params) const {
      using M = master_t<T>;
      const parameter_view<T> normed{kept.weights.data, nullptr};
      if constexpr (!is_wanted<Dp>) {
        inner.backward(ctx, normed, x, kept.inner, dy, dx, no_gradient{});
      } else {
        const extents size = sizes();
        const auto scope = ctx.scope();
        const tensor_view<M> d = ctx.take_master(kept.weights.shape);
        ctx(op::fill, M(0), d);
        inner.backward(ctx, normed, x, kept.inner, dy, dx, gradient_view<T>{d.data});
        // dW = (d - (d . W / sigma) u v) / sigma, of the normed weight's gradient d
        const tensor_view<M> dw = weight_of(d, size), along = ctx.take_master({1}), by_u = ctx.take_master({1, size[0]});
        const tensor_view<M> to{d_params.weights, matrix_extents(size)};
        ctx(op::add_scaled_rows, as_const(kept.inverse), as_const(dw), to.reshape({1, to.size()}));
        ctx(op::row_dot, as_const(dw), as_const(weight_of(kept.weights, size)), along);
        ctx(op::scale, M(-1), along);
        const tensor_view<M> share = ctx.take_master({1});
        ctx(op::row_dot, as_const(along.reshape({1, 1})), as_const(kept.inverse.reshape({1, 1})), share);
        ctx(op::fill, M(0), by_u);
        ctx(op::add_scaled_rows, as_const(share), as_const(kept.u), by_u);
        if constexpr (matrix::turned)
          ctx(op::matmul, as_const(kept.v), as_const(by_u), to, op::matmul_options{.transpose_a = true, .accumulate = true});
        else
          ctx(op::matmul, as_const(by_u), as_const(kept.v), to, op::matmul_options{.transpose_a = true, .accumulate = true});
        const index_t first = padded(size.size()), rest = d.size() - first;
        if (rest > 0) ctx(op::add, as_const(d.slice(first, first + rest)), tensor_view<M>{pretext::advance(d_params.weights, first), extents(rest)});
      }
    }

   private:
    static constexpr double tiny = 1e-12;
    static constexpr extents matrix_extents(const extents& size) { return matrix::turned ? extents(size[1], size[0]) : size; }
    /// The weight of a segment, as one row.
    template <class M>
    static constexpr tensor_view<M> weight_of(const tensor_view<M>& segment, const extents& size) {
      return {segment.data, extents(index_t{1}, size.size())};
    }
  };
};

}  // namespace pretext::nn
