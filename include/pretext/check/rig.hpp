// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../backend/context.hpp"
#include "../backend/count.hpp"
#include "../core/rng.hpp"
#include "result.hpp"

/// What the kits share: memory that was planned and is wiped where nothing may be kept, numbers, finite differences.
namespace pretext::check::detail {

/// Plain number text for details.
inline std::string number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3g", v);
  return text;
}

/// Standard normal numbers, rounded to float so that every precision starts from the same values.
inline std::vector<double> normals(index_t n, std::uint64_t salt, double scale = 1) {
  rng::stream draws(rng::key{.seed = 20240, .sample = salt}.with_purpose(rng::purpose::user));
  std::vector<double> v(static_cast<std::size_t>(n));
  for (double& x : v) {
    const double u = 1.0 - draws.uniform_double(), w = draws.uniform_double();
    x = static_cast<double>(static_cast<float>(scale * std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * w)));
  }
  return v;
}

template <class T>
std::vector<T> as(const std::vector<double>& v) {
  std::vector<T> out(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) out[i] = static_cast<T>(v[i]);
  return out;
}
template <class T>
tensor_view<T> view(std::vector<T>& v, const extents& e) {
  return {v.data(), e};
}
template <class T>
std::vector<T> filled(index_t n, T value) {
  return std::vector<T>(static_cast<std::size_t>(n), value);
}
inline constexpr double not_written = std::numeric_limits<double>::quiet_NaN();

/// Bit for bit, so that -0 and NaN count too.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
template <class T>
bool all_finite(const std::vector<T>& v) {
  for (const T& x : v)
    if (!std::isfinite(x)) return false;
  return true;
}
/// max|a - b| / max|b|, or max|a| where b is zero; infinite where only one value is not finite.
template <class A, class B>
double distance(const std::vector<A>& a, const std::vector<B>& b) {
  double d = 0, m = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) return x == y ? 0 : std::numeric_limits<double>::infinity();
    d = std::fmax(d, std::fabs(x - y));
    m = std::fmax(m, std::fabs(y));
  }
  return m == 0 ? d : d / m;
}

/// Runs f(ctx) on a back end, in memory of exactly the size that the same f asks for on the counting back end.
/// errors  pretext[memory.100] where f takes more when it runs than when it was planned
template <class T, class Backend = backend::reference>
class rig {
 public:
  run_mode mode = run_mode::train;
  bool keep = true;
  step_inputs inputs{};

  explicit rig(const Backend& be = Backend{}) : backend_(be) {}

  template <class F>
  void run(F&& f) {
    comm::null alone;
    backend::count<Backend> counter(backend_);
    workspace plan;
    context<backend::count<Backend>, T> planning{&counter, &plan, &alone, &inputs};
    setup(planning);
    f(planning);
    block_ = std::vector<std::byte>(plan.peak() + 64);
    memory_ = workspace(aligned(), plan.peak());
    context<Backend, T> ctx{&backend_, &memory_, &alone, &inputs};
    setup(ctx);
    f(ctx);
  }
  /// Between forward and backward: what was not kept becomes zero, so that a cache which points there is seen. (Not NaN:
  /// as an index it would reach outside.)
  template <class Ctx>
  void wipe(const Ctx& ctx) {
    if (ctx.memory->planning()) return;
    std::memset(static_cast<void*>(aligned() + memory_.used()), 0, memory_.capacity() - memory_.used());
  }

 private:
  template <class Ctx>
  void setup(Ctx& ctx) const {
    ctx.mode = mode;
    ctx.keep = keep;
    ctx.key = rng::key{.seed = 7}.with_purpose(rng::purpose::dropout);
  }
  std::byte* aligned() {
    const auto at = reinterpret_cast<std::uintptr_t>(block_.data());
    return block_.data() + ((at + 63) / 64 * 64 - at);
  }
  Backend backend_;
  std::vector<std::byte> block_;
  workspace memory_;
};

/// A view of numbers while f runs, of nothing while it is planned.
template <class Ctx, class T>
tensor_view<T> real(const Ctx& ctx, tensor_view<T> v) {
  return ctx.memory->planning() ? tensor_view<T>{nullptr, v.shape} : v;
}
template <class Ctx, class T>
T* real(const Ctx& ctx, T* p) {
  return ctx.memory->planning() ? nullptr : p;
}

/// The worst disagreement between a gradient and central differences of `value()` when `x` moves: every coordinate of a
/// small tensor, a sample of a large one, and directions that touch all of them.
struct slope {
  double worst = 0;     // relative to the largest slope seen
  std::string where;    // coordinate with the worst one
};
template <class Value>
slope compare_slopes(std::vector<double>& x, const std::vector<double>& gradient, Value&& value, std::uint64_t salt) {
  const std::vector<double> at = x;
  const std::size_t n = x.size();
  constexpr std::size_t most = 48;
  const std::size_t step = n <= most ? 1 : n / most + 1;
  double largest = 0, worst = 0;
  slope s;
  const auto look = [&](double measured, double given, std::string where) {
    const double d = std::fabs(measured - given);
    largest = std::fmax(largest, std::fmax(std::fabs(measured), std::fabs(given)));
    if (d > worst || !std::isfinite(d)) {
      worst = std::isfinite(d) ? d : std::numeric_limits<double>::infinity();
      s.where = std::move(where) + ", gradient " + number(given) + ", differences " + number(measured);
    }
  };
  const double h = 1e-5;
  for (std::size_t i = 0; i < n; i += step) {
    x[i] = at[i] + h;
    const double up = value();
    x[i] = at[i] - h;
    const double down = value();
    x[i] = at[i];
    look((up - down) / (2 * h), gradient[i], "element " + std::to_string(i));
  }
  if (step > 1) {
    for (std::uint64_t k = 0; k < 3; ++k) {
      const auto direction = normals(static_cast<index_t>(n), salt + 1000 + k, 1 / std::sqrt(static_cast<double>(n)));
      double given = 0;
      for (std::size_t i = 0; i < n; ++i) given += gradient[i] * direction[i];
      for (std::size_t i = 0; i < n; ++i) x[i] = at[i] + h * direction[i];
      const double up = value();
      for (std::size_t i = 0; i < n; ++i) x[i] = at[i] - h * direction[i];
      const double down = value();
      x = at;
      look((up - down) / (2 * h), given, "direction " + std::to_string(k));
    }
  }
  s.worst = worst == 0 ? 0 : worst / std::fmax(largest, 1e-6);
  return s;
}

}  // namespace pretext::check::detail
