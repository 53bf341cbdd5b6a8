// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/adversarial.hpp"

#include <cmath>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace objective = pretext::objective;
using px::index_t;

namespace {

template <class T>
struct told {
  T loss = NAN;
  std::vector<T> gradient;
};
/// One of the three parts of a loss, on numbers, in planned memory.
template <class T, class Part>
told<T> run(const std::vector<T>& scores, Part&& part) {
  px::backend::reference be;
  px::comm::null alone;
  told<T> r;
  const px::extents e(static_cast<index_t>(scores.size()), 1);
  const auto walk = [&](px::workspace& memory) {
    const px::context<px::backend::reference, T> ctx{&be, &memory, &alone};
    const auto d = part(ctx, px::tensor_view<const T>{scores.data(), e}, px::tensor_view<T>{&r.loss, px::extents(1)});
    CHECK(d.shape == e);
    if (!memory.planning()) r.gradient.assign(d.begin(), d.end());
  };
  px::workspace plan;
  walk(plan);
  px::buffer<std::byte> block(static_cast<index_t>(plan.peak()));
  px::workspace memory(block.data(), plan.peak());
  walk(memory);
  return r;
}
#define PART(o, name) [&](const auto& ctx, auto s, auto loss) { return (o).name(ctx, s, loss); }

/// Value and gradient against a formula and its differences; scores that would overflow stay finite.
template <class Part, class F>
void check_part(Part&& part, F&& f) {
  const std::vector<double> s{-2.5, -1e-3, 0.3, 0.999, 1.7, 4.0, -0.6};
  const auto mean = [&](const std::vector<double>& at) {
    double sum = 0;
    for (const double v : at) sum += f(v);
    return sum / static_cast<double>(at.size());
  };
  const auto r = run<double>(s, part);
  CHECK(std::fabs(r.loss - mean(s)) < 1e-14);
  for (std::size_t i = 0; i < s.size(); ++i) {
    auto up = s, down = s;
    up[i] += 1e-5, down[i] -= 1e-5;
    CHECK(std::fabs((mean(up) - mean(down)) / 2e-5 - r.gradient[i]) < 1e-9);
  }
  const auto extreme = run<float>({-1e4f, 1e4f, 0.0f}, part);
  CHECK(std::isfinite(extreme.loss));
  for (const float g : extreme.gradient) CHECK(std::isfinite(g));
  const auto one = run<double>({0.25}, part);
  CHECK(std::fabs(one.loss - f(0.25)) < 1e-15);
}
double softplus(double x) { return std::log1p(std::exp(x)); }

}  // namespace

TEST_CASE("minimax, non_saturating: values and gradients", "[objective][adversarial]") {
  const objective::minimax m;
  check_part(PART(m, real), [](double s) { return softplus(-s); });
  check_part(PART(m, fake), [](double s) { return softplus(s); });
  check_part(PART(m, generator), [](double s) { return -softplus(s); });
  const objective::non_saturating n;
  check_part(PART(n, real), [](double s) { return softplus(-s); });
  check_part(PART(n, generator), [](double s) { return softplus(-s); });
  CHECK(std::fabs(run<double>({0, 0}, PART(n, generator)).loss - std::log(2.0)) < 1e-15);
  CHECK(std::fabs(run<double>({0, 0}, PART(m, generator)).loss + std::log(2.0)) < 1e-15);
}
TEST_CASE("label smoothing: cross-entropy with 1 - a instead of 1", "[objective][adversarial]") {
  const objective::non_saturating n{{.smoothing = 0.1}};
  check_part(PART(n, real), [](double s) { return 0.9 * softplus(-s) + 0.1 * softplus(s); });
  check_part(PART(n, fake), [](double s) { return softplus(s); });  // one-sided
  const objective::least_squares l{.smoothing = 0.1};
  check_part(PART(l, real), [](double s) { return 0.5 * (s - 0.9) * (s - 0.9); });
}
TEST_CASE("least_squares, hinge, wasserstein: values and gradients", "[objective][adversarial]") {
  const objective::least_squares l;
  check_part(PART(l, real), [](double s) { return 0.5 * (s - 1) * (s - 1); });
  check_part(PART(l, fake), [](double s) { return 0.5 * s * s; });
  check_part(PART(l, generator), [](double s) { return 0.5 * (s - 1) * (s - 1); });
  const objective::hinge h;
  check_part(PART(h, real), [](double s) { return std::fmax(0.0, 1 - s); });
  check_part(PART(h, fake), [](double s) { return std::fmax(0.0, 1 + s); });
  check_part(PART(h, generator), [](double s) { return -s; });
  const objective::wasserstein w;
  check_part(PART(w, real), [](double s) { return -s; });
  check_part(PART(w, fake), [](double s) { return s; });
  check_part(PART(w, generator), [](double s) { return -s; });
}
TEST_CASE("gradient penalties: costs of |g|^2 and their derivatives", "[objective][adversarial]") {
  using px::scalar_math;
  for (const double q : {0.0, 1e-6, 0.3, 1.0, 25.0}) {
    CHECK(px::regularizer::r1::value<scalar_math>(q) == 0.5 * q);
    CHECK(px::regularizer::r1::derivative<scalar_math>(q) == 0.5);
    const double away = std::sqrt(q) - 1;
    CHECK(std::fabs(px::regularizer::gp::value<scalar_math>(q) - away * away) < 3e-6);
    CHECK(std::isfinite(px::regularizer::gp::derivative<scalar_math>(q)));
    if (q > 0.1) CHECK(std::fabs(px::regularizer::gp::derivative<scalar_math>(q) - away / std::sqrt(q)) < 1e-10);
  }
  CHECK(std::isfinite(px::regularizer::gp::derivative<scalar_math>(0.0f)));
}
