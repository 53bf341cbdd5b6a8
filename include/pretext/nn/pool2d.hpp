// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/text.hpp"
#include "conv2d.hpp"

namespace pretext::nn {

namespace detail {
inline std::string pool_label(const char* name, index_t kernel, index_t step, index_t pad) {
  return joined({name, " ", kernel, " stride ", step, " padding ", pad});
}

/// What max and average pooling share: windows of `Kernel`, stride `Kernel` and no padding unless said otherwise.
template <class Spec, class In, index_t Kernel, index_t Step, index_t Pad>
struct pool_base : bound_base<Spec, In> {
  static_assert(In::rank == 3, "pretext[shape.107] 2-D pooling expects image<C, H, W>; it stands after a layer that removed height and width");
  static_assert(window_fits<In, Kernel, Step, Pad>,
                "pretext[shape.108] the pooling window is larger than the picture; use fewer poolings");
  using bound_base<Spec, In>::bound_base;

  constexpr auto output() const {
    if constexpr (In::rank == 3)
      return window_shape<In, static_extent<In, 2>, Kernel, Step, Pad>(this->input, this->input[2]);
    else
      return invalid_shape{};
  }
  constexpr pool2d_geometry geometry(const extents& x) const {
    return {.in_h = x[1], .in_w = x[2], .channels = x[3],
            .out_h = window_extent(x[1], Kernel, Step, Pad), .out_w = window_extent(x[2], Kernel, Step, Pad),
            .kernel_h = Kernel, .kernel_w = Kernel, .stride_h = Step, .stride_w = Step, .pad_h = Pad, .pad_w = Pad};
  }
};
}  // namespace detail

/// The largest value of each window.
/// shapes  x (B, H, W, C), y (B, H', W', C), H' = (H + 2 padding - Kernel) / stride + 1
template <index_t Kernel, class... Options>
struct max_pool2d {
  static constexpr index_t step = detail::stride_of<Kernel, Options...>();
  static constexpr index_t pad = detail::padding_of<0, Options...>();
  static std::string label() { return detail::pool_label("max_pool2d", Kernel, step, pad); }
  static_assert(2 * pad <= Kernel, "pretext[shape.109] max_pool2d: padding must be at most half the kernel");

  template <class In>
  struct bound : detail::pool_base<max_pool2d, In, Kernel, step, pad> {
    using detail::pool_base<max_pool2d, In, Kernel, step, pad>::pool_base;
    template <class T>
    struct cache {
      tensor_view<std::int32_t> argmax;
    };
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>& kept) const {
      kept.argmax = ctx.template take_of<std::int32_t>(y.shape);
      ctx(op::max_pool2d, x, y, kept.argmax, this->geometry(x.shape));
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T> x, const cache<T>& kept,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) ctx(op::max_pool2d_backward, dy, as_const(kept.argmax), dx, this->geometry(x.shape));
    }
  };
};

/// The mean of each window, padding counted as zeros.
template <index_t Kernel, class... Options>
struct avg_pool2d {
  static constexpr index_t step = detail::stride_of<Kernel, Options...>();
  static constexpr index_t pad = detail::padding_of<0, Options...>();
  static std::string label() { return detail::pool_label("avg_pool2d", Kernel, step, pad); }

  template <class In>
  struct bound : detail::pool_base<avg_pool2d, In, Kernel, step, pad> {
    using detail::pool_base<avg_pool2d, In, Kernel, step, pad>::pool_base;
    template <class T>
    struct cache {};
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      ctx(op::avg_pool2d, x, y, this->geometry(x.shape));
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) ctx(op::avg_pool2d_backward, dy, dx, this->geometry(x.shape));
    }
  };
};

/// The mean over all pixels: image<C, H, W> -> features<C>, whatever H and W are.
struct global_avg_pool {
  static constexpr const char* name = "global_avg_pool";
  template <class In>
  struct bound : bound_base<global_avg_pool, In> {
    static_assert(In::rank == 3, "pretext[shape.111] global_avg_pool expects image<C, H, W>");
    using base = bound_base<global_avg_pool, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr auto output() const {
      if constexpr (In::rank == 3)
        return shape<static_extent<In, 2>>(extents(this->input[2]));
      else
        return invalid_shape{};
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      ctx(op::spatial_mean, x, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T>, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) ctx(op::spatial_mean_backward, dy, dx);
    }
  };
};

/// image<C, H, W> -> features<C H W>, in PyTorch's order (channels slowest), so that linear layers after it load as they
/// are. Other shapes are joined as they lie.
struct flatten {
  static constexpr const char* name = "flatten";
  template <class In>
  struct bound : bound_base<flatten, In> {
    using base = bound_base<flatten, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr auto output() const {
      if constexpr (In::is_static)
        return shape<In{}.size()>{};
      else
        return shape<dynamic>(extents(this->input.size()));
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      if constexpr (In::rank == 3)
        ctx(op::transpose_inner, planes(x, x.extent(1) * x.extent(2), x.extent(3)), y);
      else
        ctx(op::copy, x, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, parameter_view<T>, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (is_wanted<Dx>) {
        if constexpr (In::rank == 3)
          ctx(op::transpose_inner, planes(dy, x.extent(3), x.extent(1) * x.extent(2)), dx);
        else
          ctx(op::copy, dy, dx);
      }
    }

   private:
    template <class T>
    static constexpr tensor_view<const T> planes(const tensor_view<const T>& v, index_t s, index_t c) {
      return v.reshape({v.extent(0), s, c});
    }
  };
};

}  // namespace pretext::nn
