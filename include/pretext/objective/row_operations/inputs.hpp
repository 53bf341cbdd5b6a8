// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "expression.hpp"

namespace pretext::objective::row {

namespace detail {
template <class T>
constexpr tensor_view<const T> trained_rows(const self_pairs<T>& in) {
  return in.rows;
}
template <class T>
constexpr tensor_view<const T> trained_rows(const target_pairs<T>& in) {
  return in.anchors;
}
template <class In>
inline constexpr bool is_self = std::is_same_v<In, self_pairs<typename In::value_type>>;

/// Base of inputs: nothing is kept, nothing lies below.
template <over Along>
struct input : node<2, Along> {
  template <class>
  static constexpr bool trained = true;
  template <class T>
  struct cache {};
};
}  // namespace detail

/// All trained rows: (V B, D).
struct anchor_rows : detail::input<over::rows> {
  template <class P, class C>
  constexpr auto forward(const P& p, C&) const {
    return detail::trained_rows(p.in);
  }
  template <class P>
  constexpr auto place(const P& p) const {
    return p.d;
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C&, tensor_view<const T> dy, sign) const {
    p.ctx(op::add, dy, p.d);
  }
};

/// Row i holds what belongs to anchor i: the next view of its sample. Trained too, unless it comes from a target.
struct positive_rows : detail::input<over::rows> {
  template <class In>
  static constexpr bool trained = detail::is_self<In>;
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C&) const {
    if constexpr (detail::is_self<typename P::input>)
      return objective::detail::next_views(p.ctx, p.in.rows, p.in.views);
    else
      return objective::detail::next_views(p.ctx, p.in.positives, p.in.views);
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C&, tensor_view<const T> dy, sign) const {
    const index_t n = dy.extent(0), b = n / p.in.views;
    p.ctx(op::add, dy.slice(0, n - b), p.d.slice(b, n));
    p.ctx(op::add, dy.slice(n - b, n), p.d.slice(0, b));
  }
};

/// View I of the trained rows: (B, D).
/// errors  pretext[objective.205] there are fewer views
template <int I>
struct view_rows : detail::input<over::view> {
  template <class P, class C>
  constexpr auto forward(const P& p, C&) const {
    return piece(p, detail::trained_rows(p.in));
  }
  template <class P>
  constexpr auto place(const P& p) const {
    return piece(p, p.d);
  }
  template <class P, class C, class T>
  constexpr void backward(const P& p, const C&, tensor_view<const T> dy, sign) const {
    p.ctx(op::add, dy, place(p));
  }

 private:
  template <class P, class V>
  static constexpr V piece(const P& p, V all) {
    expects(I >= 0 && I < p.in.views, "objective.205", "view<I>(in) asks for a view that the recipe does not make; views are numbered from 0");
    const index_t b = all.extent(0) / p.in.views;
    return all.slice(I * b, (I + 1) * b);
  }
};

/// The rows of a queue: (K, D), never trained.
struct negative_rows : detail::input<over::negatives> {
  static constexpr bool needs_queue = true;
  template <class>
  static constexpr bool trained = false;
  template <class P, class C>
  constexpr tensor_view<const typename P::T> forward(const P& p, C&) const {
    expects(p.in.negatives.rank() == 2 && p.in.negatives.size() > 0, "value.212", "in.negatives is empty: the recipe has no queue");
    return p.in.negatives;
  }
};

/// What `value(in)` is given.
struct inputs {
  anchor_rows anchors{};
  positive_rows positives{};
  negative_rows negatives{};
  index_t samples = 0;  // of all ranks
  index_t views = 0;
  index_t width = 0;
};

template <int I>
constexpr view_rows<I> view(const inputs&) {
  return {};
}

}  // namespace pretext::objective::row
