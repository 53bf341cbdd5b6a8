// SPDX-License-Identifier: BSD-3-Clause
// opt-in: what programs without a discriminator need not read
#pragma once

#include "../core/scalar_math.hpp"
#include "../core/settings.hpp"
#include "rows.hpp"

/// What two players say of the discriminator's scores s, one a sample, means over samples and ranks. A loss has three parts:
///   real(ctx, scores, loss)       of the discriminator, on data
///   fake(ctx, scores, loss)       of the discriminator, on what the generator made
///   generator(ctx, scores, loss)  of the generator
/// each leaves its value in `loss` and returns its gradient in the scores. `probability` says whether 1 / (1 + exp(-s)) is the
/// discriminator's opinion that a sample is real.
/// shapes  scores (B, 1) or (B); loss (1)
namespace pretext::objective {

namespace detail {
/// log(1 + exp(x)) and its derivative; neither overflows.
struct score_softplus {
  static constexpr const char* name = "score_softplus";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::max(x, V(0)) + M::log(V(1) + M::exp(M::min(x, V(0) - x)));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return V(0.5) + V(0.5) * M::tanh(V(0.5) * x);
  }
};
struct half_square {
  static constexpr const char* name = "half_square";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return V(0.5) * x * x;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return x;
  }
};
struct positive_part {
  static constexpr const char* name = "positive_part";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::max(V(0), x);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return M::select(x > V(0), V(1), V(0));
  }
};
struct score_itself {
  static constexpr const char* name = "score_itself";
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return x;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V&) {
    return V(1);
  }
};

/// loss = mean f(sign s + shift); returns its gradient in s.
template <class F, class Ctx, class T>
constexpr activations<T> mean_score(const Ctx& ctx, F f, tensor_view<const T> scores, T sign, T shift, tensor_view<T> loss) {
  const activations<T> x(ctx.take(scores.shape)), d(ctx.take(scores.shape));
  const T share = T(1) / static_cast<T>(scores.size() * ctx.comm->size());
  ctx(op::copy, scores, x);
  ctx(op::scale, sign, x);
  ctx(op::shift, shift, x);
  ctx(op::map, f, x, d);
  reduce_loss(ctx, tensor_view<const T>(d), share, loss);
  ctx(op::fill, sign * share, d);
  ctx(op::map_backward, f, x, d, d);
  return d;
}
}  // namespace detail

/// The game as it was stated: min over G, max over D of E log D(x) + E log(1 - D(G(z))), D = 1 / (1 + exp(-s)).
///   real  softplus(-s) + smoothing s,  fake  softplus(s),  generator  -softplus(s)
/// units   smoothing: data count as real with probability 1 - smoothing (one-sided, Salimans et al. 2016)
/// laws    at s = 0 the discriminator's loss is 2 log 2 and the generator's -log 2
/// source  Goodfellow et al. 2014, arXiv:1406.2661, eq. 1
struct minimax {
  setting<double> smoothing = default_value(0.0);
  static constexpr const char* name = "minimax";
  static constexpr bool probability = true;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("smoothing", self.smoothing);
  }
  template <class Ctx, class T>
  constexpr activations<T> real(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    const activations<T> d = detail::mean_score(ctx, detail::score_softplus{}, s, T(-1), T(0), loss);
    // cross-entropy with 1 - a instead of 1: softplus(-s) + a s
    const auto scope = ctx.scope();
    const T a = static_cast<T>(smoothing.value()), share = T(1) / static_cast<T>(s.size() * ctx.comm->size());
    const tensor_view<T> mean = ctx.take({1});
    detail::reduce_loss(ctx, s, share, mean);
    ctx(op::add_scaled, as_const(mean), a, loss);
    ctx(op::shift, a * share, d);
    return d;
  }
  template <class Ctx, class T>
  constexpr activations<T> fake(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::score_softplus{}, s, T(1), T(0), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> generator(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    const activations<T> d = detail::mean_score(ctx, detail::score_softplus{}, s, T(1), T(0), loss);
    ctx(op::scale, T(-1), loss);
    ctx(op::scale, T(-1), d);
    return d;
  }
};

/// The same discriminator; the generator minimises -log D(G(z)), whose gradient does not vanish where D is sure.
///   generator  softplus(-s)
/// laws    at s = 0 the generator's loss is log 2
/// source  Goodfellow et al. 2014, arXiv:1406.2661, section 3
struct non_saturating : minimax {
  static constexpr const char* name = "non_saturating";
  template <class Ctx, class T>
  constexpr activations<T> generator(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::score_softplus{}, s, T(-1), T(0), loss);
  }
};

/// Scores of data go to 1 - smoothing, of made samples to 0; the generator wants 1.
///   real  (s - 1 + smoothing)^2 / 2,  fake  s^2 / 2,  generator  (s - 1)^2 / 2
/// source  Mao et al. 2017, arXiv:1611.04076, eq. 9 (a = 0, b = c = 1)
struct least_squares {
  setting<double> smoothing = default_value(0.0);
  static constexpr const char* name = "least_squares";
  static constexpr bool probability = false;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("smoothing", self.smoothing);
  }
  template <class Ctx, class T>
  constexpr activations<T> real(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::half_square{}, s, T(1), static_cast<T>(smoothing.value()) - T(1), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> fake(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::half_square{}, s, T(1), T(0), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> generator(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::half_square{}, s, T(1), T(-1), loss);
  }
};

/// Scores beyond a margin of 1 on the right side cost nothing.
///   real  max(0, 1 - s),  fake  max(0, 1 + s),  generator  -s
/// source  Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16 and 17
struct hinge {
  static constexpr const char* name = "hinge";
  static constexpr bool probability = false;
  template <class Ctx, class T>
  constexpr activations<T> real(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::positive_part{}, s, T(-1), T(1), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> fake(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::positive_part{}, s, T(1), T(1), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> generator(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::score_itself{}, s, T(-1), T(0), loss);
  }
};

/// The dual of the earth mover's distance; the discriminator has to be held to slopes of about 1 (regularizer::gp).
///   real  -s,  fake  s,  generator  -s
/// source  Arjovsky et al. 2017, arXiv:1701.07875, eq. 3
struct wasserstein {
  static constexpr const char* name = "wasserstein";
  static constexpr bool probability = false;
  template <class Ctx, class T>
  constexpr activations<T> real(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::score_itself{}, s, T(-1), T(0), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> fake(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return detail::mean_score(ctx, detail::score_itself{}, s, T(1), T(0), loss);
  }
  template <class Ctx, class T>
  constexpr activations<T> generator(const Ctx& ctx, tensor_view<const T> s, tensor_view<T> loss) const {
    return real(ctx, s, loss);
  }
};

}  // namespace pretext::objective

/// What a discriminator's slope g = grad_x D(x) costs: weight mean f(|g|^2) over the samples of a place.
namespace pretext::regularizer {

/// Where slopes are looked at.
enum class place : unsigned char { nowhere, real, between };

/// Nothing.
struct none {
  static constexpr const char* name = "none";
  static constexpr place at = place::nowhere;
};

/// weight / 2 mean |grad_x D(x)|^2 at the data: slopes there cost, so that the game has a point of rest.
/// source  Mescheder et al. 2018, arXiv:1801.04406, eq. 9
struct r1 {
  setting<double> weight = default_value(10.0);
  static constexpr const char* name = "r1";
  static constexpr place at = place::real;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("weight", self.weight);
  }
  /// f and its derivative, of q = |g|^2
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& q) {
    return V(0.5) * q;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V&) {
    return V(0.5);
  }
};

/// weight mean (|grad_x D(x)| - 1)^2 at points between data and made samples, x = u real + (1 - u) made, u uniform.
/// source  Gulrajani et al. 2017, arXiv:1704.00028, eq. 3
struct gp {
  setting<double> weight = default_value(10.0);
  static constexpr const char* name = "gp";
  static constexpr place at = place::between;
  /// A slope of exactly 0 has no direction; this much is added to |g|^2.
  static constexpr double least = 1e-12;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("weight", self.weight);
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& q) {
    const V away = M::sqrt(q + V(least)) - V(1);
    return away * away;
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& q) {
    return V(1) - V(1) / M::sqrt(q + V(least));
  }
};

}  // namespace pretext::regularizer
