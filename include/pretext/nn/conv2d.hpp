// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "../core/text.hpp"
#include "layer.hpp"
#include "linear.hpp"

namespace pretext::nn {

/// Options of window layers, in any order: `conv2d<64, 3, stride<2>, groups<4>, no_bias>`.
template <index_t S>
struct stride {
  static constexpr index_t stride_value = S;
};
template <index_t P>
struct padding {
  static constexpr index_t padding_value = P;
};
template <index_t G>
struct groups {
  static constexpr index_t groups_value = G;
};

namespace detail {
template <index_t Default, class... O>
constexpr index_t stride_of() {
  index_t v = Default;
  ([&] { if constexpr (requires { O::stride_value; }) v = O::stride_value; }(), ...);
  return v;
}
template <index_t Default, class... O>
constexpr index_t padding_of() {
  index_t v = Default;
  ([&] { if constexpr (requires { O::padding_value; }) v = O::padding_value; }(), ...);
  return v;
}
template <class... O>
constexpr index_t groups_of() {
  index_t v = 1;
  ([&] { if constexpr (requires { O::groups_value; }) v = O::groups_value; }(), ...);
  return v;
}
/// Output length of a window of `kernel` along `in`; `dynamic` stays dynamic.
constexpr index_t window_extent(index_t in, index_t kernel, index_t stride, index_t padding) {
  if (in == dynamic) return dynamic;
  return in + 2 * padding < kernel ? 0 : (in + 2 * padding - kernel) / stride + 1;  // the division rounds towards zero
}
/// The shape after windows over the first two extents, with `channels` of them (C where static); invalid where no
/// window fits.
template <class In, index_t C, index_t K, index_t S, index_t P>
constexpr auto window_shape(const In& in, index_t channels) {
  constexpr index_t h = window_extent(static_extent<In, 0>, K, S, P), w = window_extent(static_extent<In, 1>, K, S, P);
  if constexpr ((h != dynamic && h < 1) || (w != dynamic && w < 1)) {
    return invalid_shape{};
  } else {
    const extents e(window_extent(in[0], K, S, P), window_extent(in[1], K, S, P), channels);
    expects(e[0] >= 1 && e[1] >= 1, "shape.112", "a window is larger than its padded input");
    return shape<h, w, C>(e);
  }
}
/// What is known of a convolution where its types are all that is known.
template <class In, index_t Out, index_t K, index_t S, index_t P, index_t Groups>
constexpr conv2d_kind kind_of_conv2d() {
  if constexpr (In::rank == 3) {
    constexpr index_t channels = static_extent<In, 2>, few = 4, rows = window_extent(static_extent<In, 0>, K, S, P),
                      columns = window_extent(static_extent<In, 1>, K, S, P);
    if constexpr (Groups > 1) {
      if (channels == dynamic || Out == dynamic) return conv2d_kind::any;
      return channels == Groups && Out == Groups ? conv2d_kind::depthwise : conv2d_kind::deep_window;
    } else if constexpr (K == 1 && S == 1 && P == 0) {
      return conv2d_kind::pointwise;
    } else if constexpr (K != 3 || S > 2 || P > 2) {
      return channels == dynamic || channels <= few ? conv2d_kind::window : conv2d_kind::deep_window;
    } else {
      if (channels == dynamic || Out == dynamic || rows == dynamic || columns == dynamic) return conv2d_kind::any;
      if (channels <= few) return conv2d_kind::window;
      if (channels < 16 || Out < 16) return conv2d_kind::deep_window;
      if (channels % 16 != 0 || Out % 16 != 0 || rows < 2 || columns < 2) return conv2d_kind::any;
      if (S == 2) return conv2d_kind::three_by_three_by_two;
      const bool forward = prefers_tiles_of_four(rows, columns),
                 back = prefers_tiles_of_four(static_extent<In, 0>, static_extent<In, 1>);
      if (forward != back) return conv2d_kind::any;
      return forward ? conv2d_kind::three_by_three_in_fours : conv2d_kind::three_by_three;
    }
  } else {
    return conv2d_kind::any;
  }
}
template <class In, index_t K, index_t S, index_t P>
inline constexpr bool window_fits = In::rank != 3 || !is_shape<In> || [] {
  if constexpr (In::rank == 3)
    return (static_extent<In, 0> == dynamic || window_extent(static_extent<In, 0>, K, S, P) >= 1) &&
           (static_extent<In, 1> == dynamic || window_extent(static_extent<In, 1>, K, S, P) >= 1);
  else
    return true;
}();
}  // namespace detail

/// Cross-correlation with zero padding, `Out` channels (`dynamic`: set by name), square kernel. Padding is kernel/2 unless said otherwise, so an
/// odd kernel with stride 1 keeps the size.
/// shapes  x (B, H, W, C), y (B, H', W', Out), H' = (H + 2 padding - Kernel) / stride + 1
///         weight (Out, C / groups, Kernel, Kernel) in files, (groups, Kernel, Kernel, C / groups, Out / groups) in memory
/// errors  pretext[shape.103] not a picture; pretext[shape.105] channels not divisible by groups; pretext[shape.106]
///         kernel larger than the padded picture
/// source  initialised as PyTorch: U(-1/sqrt(f), 1/sqrt(f)), f = Kernel^2 C / groups
template <index_t Out, index_t Kernel, class... Options>
struct conv2d : detail::linear_width<Out> {
  static constexpr bool has_bias = !(std::is_same_v<Options, no_bias> || ...);
  static constexpr index_t step = detail::stride_of<1, Options...>();
  static constexpr index_t pad = detail::padding_of<Kernel / 2, Options...>();
  static constexpr index_t group_count = detail::groups_of<Options...>();
  static std::string label() {
    return joined({"conv2d stride ", step, " padding ", pad, " groups ", group_count});
  }

  template <class In>
  struct bound : bound_base<conv2d, In> {
    static_assert(In::rank == 3, "pretext[shape.103] conv2d expects image<C, H, W>; it stands after a layer that removed height and width");
    static_assert(In::rank != 3 || ((static_extent<In, In::rank - 1> == dynamic || static_extent<In, In::rank - 1> % group_count == 0) &&
                                      (Out == dynamic || Out % group_count == 0)),
                  "pretext[shape.105] conv2d: input and output channels must be divisible by groups");
    static_assert(detail::window_fits<In, Kernel, step, pad>,
                  "pretext[shape.106] conv2d: the kernel is larger than the padded picture; use fewer poolings or more padding");
    using base = bound_base<conv2d, In>;
    using base::base;
    static constexpr bool reads_input_first = true;
    /// As linear: a relu behind it runs in the product.
    static constexpr bool keeps_absorbed_output = true;
    template <class Next>
    static constexpr bool absorbs = requires { requires Next::functor::gradient_from_value; };
    template <class T>
    struct cache {
      activations<const T> output{};  // of the layer that was absorbed
    };

    constexpr index_t outputs() const { return this->spec.out; }
    constexpr index_t channels() const { return this->input[In::rank - 1]; }
    constexpr auto output() const {
      if constexpr (In::rank == 3)
        return detail::window_shape<In, Out, Kernel, step, pad>(this->input, outputs());
      else
        return invalid_shape{};
    }
    constexpr extents weight_extents() const {
      return {group_count, Kernel, Kernel, channels() / group_count, outputs() / group_count};
    }
    static constexpr conv2d_kind kind = detail::kind_of_conv2d<In, Out, Kernel, step, pad, group_count>();
    constexpr conv2d_geometry_of<kind> geometry(const extents& x) const {
      return {{.in_h = x[1], .in_w = x[2], .in_c = x[3],
               .out_h = detail::window_extent(x[1], Kernel, step, pad), .out_w = detail::window_extent(x[2], Kernel, step, pad), .out_c = outputs(),
               .kernel_h = Kernel, .kernel_w = Kernel, .stride_h = step, .stride_w = step, .pad_h = pad, .pad_w = pad,
               .groups = group_count}};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      const index_t c = channels() / group_count;
      v.parameter({.name = "weight", .file_shape = {outputs(), c, Kernel, Kernel}, .what = role::weight,
                   .start = spec_start(c),
                   .layout = {{group_count, outputs() / group_count, c, Kernel, Kernel}, {0, 3, 4, 2, 1}}});
      if constexpr (has_bias)
        v.parameter({.name = "bias", .file_shape = {outputs()}, .what = role::bias, .start = initialiser::uniform(c * Kernel * Kernel)});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      parameter_reader own(params);
      const auto weight = own.parameter(weight_extents());
      tensor_view<const master_t<T>> bias;
      if constexpr (has_bias) bias = own.parameter({outputs()});
      ctx(op::conv2d, x, weight, bias, y, geometry(x.shape));
    }
    /// The same, and the moments of y, (2, channels) of mean and squared deviations, for a batch_norm behind it.
    static constexpr bool gives_moments = true;
    template <class Ctx, class T>
    constexpr void forward_with_moments(const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y, cache<T>&,
                                        tensor_view<master_t<T>> moments) const {
      parameter_reader own(params);
      const auto weight = own.parameter(weight_extents());
      tensor_view<const master_t<T>> bias;
      if constexpr (has_bias) bias = own.parameter({outputs()});
      ctx(op::conv2d_moments, x, weight, bias, y, moments.slice(0, 1).flat(), moments.slice(1, 2).flat(), geometry(x.shape));
    }
    template <class Next, class Ctx, class T>
    constexpr void forward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, activations<T> y,
                                cache<T>& kept) const {
      parameter_reader own(params);
      const auto weight = own.parameter(weight_extents());
      tensor_view<const master_t<T>> bias;
      if constexpr (has_bias) bias = own.parameter({outputs()});
      kept.output = activations<const T>(y);
      ctx(op::conv2d_map, typename Next::functor{}, x, weight, bias, y, geometry(x.shape));
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp d_params) const {
      if constexpr (is_wanted<Dp>) {
        gradient_reader own(d_params);
        ctx(op::conv2d_weight_gradient, x, dy, own.parameter(weight_extents()), geometry(x.shape));
        if constexpr (has_bias) ctx(op::column_sums, dy, own.parameter({outputs()}));
      }
      if constexpr (is_wanted<Dx>)
        ctx(op::conv2d_input_gradient, dy, parameter_reader(params).parameter(weight_extents()), dx, geometry(x.shape));
    }
    template <class Next, class Ctx, class T, class Dx, class Dp>
    constexpr void backward_with(const Next&, const Ctx& ctx, parameter_view<T> params, activations<const T> x, const cache<T>& kept,
                                 activations<const T> dy, Dx dx, Dp d_params) const {
      const auto scope = ctx.scope();
      backward(ctx, params, x, kept, detail::gradient_of_absorbed<Next>(ctx, kept.output, dy), dx, d_params);
    }

   private:
    constexpr initialiser spec_start(index_t c) const {
      // Networks that start otherwise say so by an option (resnet: He et al. 2015, fan out).
      initialiser start = initialiser::uniform(c * Kernel * Kernel);
      ([&] {
        if constexpr (requires { Options::start(index_t{}, index_t{}); })
          start = Options::start(c * Kernel * Kernel, outputs() / group_count * Kernel * Kernel);
      }(), ...);
      return start;
    }
  };
};

/// Option: weights start from N(0, 2 / fan_out), as torchvision's ResNets (He et al. 2015, arXiv:1502.01852).
struct kaiming_fan_out {
  static constexpr initialiser start(index_t, index_t fan_out) {
    return initialiser::normal_by_fan(fan_out, 1.41421356237309504880);
  }
};

}  // namespace pretext::nn
