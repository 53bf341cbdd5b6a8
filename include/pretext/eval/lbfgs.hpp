// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "../core/error.hpp"
#include "../core/list.hpp"

namespace pretext::eval {

/// A smooth function of a vector: f(x, gradient) writes the gradient and returns the value. Borrowed, not owned.
class smooth_function {
 public:
  template <class F>
    requires(std::is_object_v<std::remove_reference_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, smooth_function>)
  smooth_function(F&& f) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, const std::vector<double>& x, std::vector<double>& gradient) -> double {
          return (*static_cast<std::remove_reference_t<F>*>(object))(x, gradient);
        }) {}

  double operator()(const std::vector<double>& x, std::vector<double>& gradient) const {
    return call_(object_, x, gradient);
  }

 private:
  void* object_;
  double (*call_)(void*, const std::vector<double>&, std::vector<double>&);
};

struct lbfgs_options {
  int max_iterations = 500;
  double tolerance = 1e-5;  // on the largest absolute entry of the gradient
  int history = 10;         // pairs kept
  double value_noise = 0;   // differences of the value below this are rounding
};

struct lbfgs_result {
  double value = 0;
  double gradient = 0;  // largest absolute entry
  int iterations = 0;
  int evaluations = 0;
  bool converged = false;
};

namespace detail {

PRETEXT_COLD inline double inner(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

PRETEXT_COLD inline double largest(const std::vector<double>& a) {
  double m = 0;
  for (const double v : a) {
    if (v != v) return v;  // max would pass over a NaN, and a broken gradient would look like a minimum
    m = std::max(m, std::abs(v));
  }
  return m;
}

/// A step along a direction that satisfies the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6).
class wolfe_search {
 public:
  struct point {
    double step = 0;
    double value = 0;
    double slope = 0;
  };

  wolfe_search(smooth_function f, const std::vector<double>& x, const std::vector<double>& direction, point start,
               double noise, std::vector<double>& x_new, std::vector<double>& g_new)
      : f_(f), x_(x), direction_(direction), start_(start), noise_(noise), x_new_(x_new), g_new_(g_new) {}

  int evaluations() const { return evaluations_; }

  /// Leaves the accepted point in x_new, g_new and returns it; step 0 where there is none.
  PRETEXT_COLD point run(double step) {
    point before = start_;
    for (int i = 0; i < 30; ++i) {
      const point now = evaluate(step);
      if (!(now.value <= start_.value + c1 * step * start_.slope + noise_) || (i > 0 && now.value > before.value + noise_))
        return zoom(before, now);
      if (std::abs(now.slope) <= -c2 * start_.slope) return now;
      if (now.slope >= 0) return zoom(now, before);
      before = now;
      step *= 2;
    }
    return before;  // falls for ever: a billion times the first step is far enough, and it is the last one evaluated
  }

 private:
  static constexpr double c1 = 1e-4;
  static constexpr double c2 = 0.9;

  PRETEXT_COLD point evaluate(double step) {
    for (std::size_t i = 0; i < x_.size(); ++i) x_new_[i] = x_[i] + step * direction_[i];
    ++evaluations_;
    const double value = f_(x_new_, g_new_);
    return {step, value, inner(g_new_, direction_)};
  }

  /// The minimum of the cubic through two values and slopes, kept away from both ends.
  static double between(const point& a, const point& b) {
    const double low = std::min(a.step, b.step), high = std::max(a.step, b.step);
    const double margin = 0.1 * (high - low);
    const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
    const double square = d1 * d1 - a.slope * b.slope;
    double at = 0.5 * (low + high);
    if (square >= 0) {
      const double d2 = (b.step > a.step ? 1 : -1) * std::sqrt(square);
      const double cubic = b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
      if (cubic == cubic) at = cubic;  // not for 0 / 0
    }
    return std::min(std::max(at, low + margin), high - margin);
  }

  PRETEXT_COLD point zoom(point low, point high) {
    for (int i = 0; i < 30 && std::abs(high.step - low.step) > 1e-14 * (1 + std::abs(low.step)); ++i) {
      const bool far = !(high.value < std::numeric_limits<double>::max());
      const point now = evaluate(far ? 0.5 * (low.step + high.step) : between(low, high));
      if (!(now.value <= start_.value + c1 * now.step * start_.slope + noise_) || now.value > low.value + noise_) {
        high = now;
      } else {
        if (std::abs(now.slope) <= -c2 * start_.slope) return now;
        if (now.slope * (high.step - low.step) >= 0) high = low;
        low = now;
      }
    }
    if (low.step > 0 && low.value < start_.value) return evaluate(low.step);
    return start_;
  }

  smooth_function f_;
  const std::vector<double>& x_;
  const std::vector<double>& direction_;
  point start_;
  double noise_;
  std::vector<double>& x_new_;
  std::vector<double>& g_new_;
  int evaluations_ = 0;
};

/// -H g by the two loops over the last pairs (s, y), newest last in a ring.
struct curvature_history {
  struct pair {
    std::vector<double> s, y;
    double rho = 0;
  };
  list<pair> pairs;       // the ring
  std::size_t count = 0;    // of them in use
  std::size_t next = 0;     // where the next pair goes once all are

  explicit curvature_history(std::size_t limit) : pairs(limit) {}
  void clear() { count = next = 0; }

  PRETEXT_COLD void add(const std::vector<double>& x_new, const std::vector<double>& x, const std::vector<double>& g_new,
           const std::vector<double>& g) {
    pair p{std::vector<double>(x.size()), std::vector<double>(x.size())};
    for (std::size_t i = 0; i < x.size(); ++i) {
      p.s[i] = x_new[i] - x[i];
      p.y[i] = g_new[i] - g[i];
    }
    const double sy = inner(p.s, p.y);
    if (!(sy > 1e-12 * inner(p.y, p.y))) return;  // no positive curvature: the pair would spoil the direction
    p.rho = 1 / sy;
    const bool full = count == pairs.size();
    pairs[full ? next : count] = static_cast<pair&&>(p);
    if (full)
      next = (next + 1) % count;
    else
      ++count;
  }

  PRETEXT_COLD void direction(const std::vector<double>& g, std::vector<double>& d) const {
    d = g;
    const std::size_t n = count;
    std::vector<double> alpha(n);
    for (std::size_t i = n; i-- > 0;) {
      const pair& p = pairs[(next + i) % n];
      alpha[i] = p.rho * inner(p.s, d);
      for (std::size_t j = 0; j < d.size(); ++j) d[j] -= alpha[i] * p.y[j];
    }
    if (n > 0) {
      const pair& newest = pairs[(next + n - 1) % n];
      const double gamma = 1 / (newest.rho * inner(newest.y, newest.y));
      for (double& v : d) v *= gamma;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const pair& p = pairs[(next + i) % n];
      const double beta = alpha[i] - p.rho * inner(p.y, d);
      for (std::size_t j = 0; j < d.size(); ++j) d[j] += beta * p.s[j];
    }
    for (double& v : d) v = -v;
  }
};

}  // namespace detail

/// Minimises a smooth function from x, which becomes the minimiser: limited-memory BFGS with a strong Wolfe line search.
/// cost    about 1.1 evaluations an iteration; 2 `history` vectors
/// errors  pretext[eval.012] an option out of range
/// repeat  same bits run to run
/// source  Nocedal and Wright, Numerical Optimization, 2nd edition, chapters 3 and 7
PRETEXT_COLD inline lbfgs_result minimise_lbfgs(smooth_function f, std::vector<double>& x, const lbfgs_options& options = {}) {
  if (options.max_iterations < 0 || options.history < 1 || !(options.tolerance >= 0))
    throw_error("eval.012", "L-BFGS: iterations or tolerance below 0, or no history; choose them positive");
  lbfgs_result out;
  std::vector<double> g(x.size()), x_new(x.size()), g_new(x.size()), direction(x.size());
  out.value = f(x, g);
  out.evaluations = 1;
  out.gradient = detail::largest(g);
  detail::curvature_history history(static_cast<std::size_t>(options.history));
  while (!(out.gradient <= options.tolerance) && out.iterations < options.max_iterations) {
    history.direction(g, direction);
    double slope = detail::inner(g, direction);
    if (!(slope < 0)) {
      history.clear();
      history.direction(g, direction);
      slope = -detail::inner(g, g);
    }
    if (!(slope < 0)) break;  // NaN: nothing sensible is left to do
    const bool fresh = history.count == 0;
    detail::wolfe_search search(f, x, direction, {0, out.value, slope}, options.value_noise, x_new, g_new);
    const auto found = search.run(fresh ? 1 / std::sqrt(-slope) : 1.0);
    out.evaluations += search.evaluations();
    if (!(found.step > 0)) {
      if (fresh) break;  // even steepest descent cannot improve: rounding is all that is left
      history.clear();
      continue;
    }
    history.add(x_new, x, g_new, g);
    x.swap(x_new);
    g.swap(g_new);
    out.value = found.value;
    out.gradient = detail::largest(g);
    ++out.iterations;
  }
  out.converged = out.gradient <= options.tolerance;
  return out;
}

}  // namespace pretext::eval
