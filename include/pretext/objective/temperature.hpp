// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>

#include "rows.hpp"

/// What divides the scores of a contrastive loss. docs/policies/temperature.md: write your own.
namespace pretext::objective::temperature {

/// One number for the whole run.
struct fixed {
  static constexpr const char* name = "fixed";
  static constexpr bool is_learned = false;
  template <class V>
  static constexpr void parameters(V&, double) {}
  template <class Ctx, class T>
  static constexpr void inverse(const Ctx& ctx, tensor_view<const T>, double first, double, tensor_view<T> out) {
    ctx(op::fill, static_cast<T>(1.0 / first), out);
  }
};

/// From `temperature` to `last_temperature` in a straight line over the run.
struct scheduled {
  static constexpr const char* name = "scheduled";
  static constexpr bool is_learned = false;
  template <class V>
  static constexpr void parameters(V&, double) {}
  template <class Ctx, class T>
  static constexpr void inverse(const Ctx& ctx, tensor_view<const T>, double first, double last, tensor_view<T> out) {
    ctx(op::scheduled_inverse, first, last, ctx.inputs, out);
  }
};

/// A trained scalar u, 1/tau = min(exp(u), 100), started at `temperature`. No weight decay.
/// source  Radford et al. 2021, arXiv:2103.00020, section 2.5
struct learned {
  static constexpr const char* name = "learned";
  static constexpr bool is_learned = true;
  struct scale {
    template <class M, class V>
    PRETEXT_HOST_DEVICE static V value(const V& u) {
      return M::min(M::exp(u), V(100));
    }
    template <class M, class V>
    PRETEXT_HOST_DEVICE static V derivative(const V& u) {
      const V e = M::exp(u);
      return M::select(e < V(100), e, V(0));
    }
  };
  template <class V>
  static constexpr void parameters(V& v, double first) {
    v.parameter({.name = "logit_scale", .file_shape = {}, .what = role::scale, .start = initialiser::minus_log(first)});
  }
  template <class Ctx, class T>
  static constexpr void inverse(const Ctx& ctx, tensor_view<const T> u, double, double, tensor_view<T> out) {
    ctx(op::map, scale{}, u, out);
  }
};

}  // namespace pretext::objective::temperature
