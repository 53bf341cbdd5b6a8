// SPDX-License-Identifier: BSD-3-Clause
// opt-in: ops of the CUDA back end
#pragma once

#include "../../core/scalar_math.hpp"
#include "block_call.hpp"
#include "map_kernel.hpp"

namespace pretext::backend::blocks {

// What map_kernel computes; a name for each, since a lambda of the host is no argument of a kernel.
template <class F>
struct map_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T& x) const {
    return F::template value<scalar_math>(x);
  }
};
template <class F>
struct map_backward_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T& x, const T& dy) const {
    return op::gradient_of<F, scalar_math>(x, dy);
  }
};
template <class F>
struct add_map_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T& x, const T& y) const {
    return F::template value<scalar_math>(T(x + y));
  }
};
struct copy_body {
  template <class T>
  PRETEXT_DEVICE T operator()(const T& x) const {
    return x;
  }
};
template <class T>
struct fill_body {
  T value;
  PRETEXT_DEVICE T operator()() const { return value; }
};
template <class T>
struct scale_body {
  T factor;
  PRETEXT_DEVICE T operator()(const T& x) const { return x * factor; }
};
template <class T>
struct shift_body {
  T value;
  PRETEXT_DEVICE T operator()(const T& x) const { return x + value; }
};
template <class T>
struct add_scaled_body {
  T factor;
  PRETEXT_DEVICE T operator()(const T& x, const T& y) const { return y + factor * x; }
};
template <class T>
struct add_scaled_squares_body {
  T factor;
  PRETEXT_DEVICE T operator()(const T& x, const T& y) const { return y + factor * x * x; }
};
/// The momentum lies in device memory: it moves from step to step.
template <class T>
struct lerp_body {
  const double* momentum;
  PRETEXT_DEVICE T operator()(const T& source, const T& target) const {
    const T m = static_cast<T>(*momentum);
    if (*momentum == 1) return target;
    return m * target + (T(1) - m) * source;
  }
};

/// Runs a body over whole tensors.
template <class Call, class Body, class T, class... In>
void map_over(const Call& call, const Body& body, index_t size, T* out, const In*... in) {
  using kernel = map_kernel<Body, T, static_cast<int>(sizeof...(In))>;
  call.launch(kernel{body, out, {in...}, size, in_packs(index_t{0}, out, in...)}, ceil_div(size, kernel::each));
}

}  // namespace pretext::backend::blocks

namespace pretext::backend::detail {

template <class Executor>
struct block_elementwise {
  using call_type = block_call<Executor>;

  template <class F, class T>
  static void run(op::map_op, const call_type& call, const F&, const device_input<T>& x, const tensor_view<T>& y) {
    blocks::map_over(call, blocks::map_body<F>{}, y.size(), y.data, x.data);
  }
  template <class F, class T>
  static void run(op::map_backward_op, const call_type& call, const F&, const device_input<T>& x, const device_input<T>& dy,
                  const tensor_view<T>& dx) {
    blocks::map_over(call, blocks::map_backward_body<F>{}, dx.size(), dx.data, x.data, dy.data);
  }
  template <class T>
  static void run(op::add_op, const call_type& call, const device_input<T>& x, const tensor_view<T>& y) {
    blocks::map_over(call, blocks::plus{}, y.size(), y.data, x.data, as_const(y).data);
  }
  template <class F, class T>
  static void run(op::add_map_op, const call_type& call, const F&, const device_input<T>& x, const tensor_view<T>& y) {
    blocks::map_over(call, blocks::add_map_body<F>{}, y.size(), y.data, x.data, as_const(y).data);
  }
  template <class T>
  static void run(op::copy_op, const call_type& call, const device_input<T>& x, const tensor_view<T>& y) {
    blocks::map_over(call, blocks::copy_body{}, y.size(), y.data, x.data);
  }
  template <class T>
  static void run(op::fill_op, const call_type& call, std::type_identity_t<T> value, const tensor_view<T>& y) {
    blocks::map_over(call, blocks::fill_body<T>{value}, y.size(), y.data);
  }
  template <class T>
  static void run(op::scale_op, const call_type& call, std::type_identity_t<T> factor, const tensor_view<T>& x) {
    blocks::map_over(call, blocks::scale_body<T>{factor}, x.size(), x.data, as_const(x).data);
  }
  template <class T>
  static void run(op::shift_op, const call_type& call, std::type_identity_t<T> value, const tensor_view<T>& x) {
    blocks::map_over(call, blocks::shift_body<T>{value}, x.size(), x.data, as_const(x).data);
  }
  template <class T>
  static void run(op::dropout_op, const call_type& call, const moving_key& key, double rate, index_t first, const device_input<T>& x,
                  const tensor_view<T>& y) {
    using kernel = blocks::dropout_kernel<T>;
    call.launch(kernel{key, rate, first, x.data, y.data, y.size(), first % 4 == 0 && blocks::in_packs(index_t{0}, x.data, as_const(y).data)},
                kernel::blocks(first, y.size()));
  }
  template <class T>
  static void run(op::add_scaled_op, const call_type& call, const device_input<T>& x, std::type_identity_t<T> factor, const tensor_view<T>& y) {
    blocks::map_over(call, blocks::add_scaled_body<T>{factor}, y.size(), y.data, x.data, as_const(y).data);
  }
  template <class T>
  static void run(op::add_scaled_squares_op, const call_type& call, const device_input<T>& x, std::type_identity_t<T> factor,
                  const tensor_view<T>& y) {
    blocks::map_over(call, blocks::add_scaled_squares_body<T>{factor}, y.size(), y.data, x.data, as_const(y).data);
  }
  template <class T>
  static void run(op::lerp_op, const call_type& call, const double* momentum, const device_input<T>& source, const tensor_view<T>& target) {
    blocks::map_over(call, blocks::lerp_body<T>{momentum}, target.size(), target.data, source.data, as_const(target).data);
  }
};

}  // namespace pretext::backend::detail
