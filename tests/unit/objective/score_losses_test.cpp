// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/score_losses.hpp"

#include <functional>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace objective = pretext::objective;
using px::extents;
using px::index_t;

namespace {
template <class T>
struct found {
  T loss = 0;
  std::vector<T> d;
};
template <class B, class T, class F>
found<T> with_context(const std::vector<T>& scores, const extents& shape, F&& f) {
  alignas(64) static std::byte block[1 << 16];
  px::workspace memory(block, sizeof block);
  B be;
  px::comm::null alone;
  px::step_inputs inputs{};
  const px::context<B, T> ctx{&be, &memory, &alone, &inputs};
  found<T> r;
  const px::tensor_view<T> d = f(ctx, px::tensor_view<const T>{scores.data(), shape}, px::tensor_view<T>{&r.loss, extents(1)});
  r.d.assign(d.begin(), d.end());
  return r;
}
template <class B = px::backend::reference, class T = double>
found<T> logistic(const std::vector<T>& s, T sign) {
  return with_context<B>(s, {static_cast<index_t>(s.size()), 1},
                         [&](const auto& ctx, auto scores, auto loss) { return objective::mean_logistic(ctx, scores, sign, loss); });
}
template <class B = px::backend::reference, class T = double>
found<T> cross_entropy(const std::vector<T>& s, const std::vector<std::int32_t>& labels) {
  const auto m = static_cast<index_t>(labels.size());
  return with_context<B>(s, {m, static_cast<index_t>(s.size()) / m}, [&](const auto& ctx, auto scores, auto loss) {
    return objective::mean_cross_entropy(ctx, scores, px::tensor_view<const std::int32_t>{labels.data(), {m}}, loss);
  });
}
void check_slopes(std::vector<double> s, const std::function<found<double>(const std::vector<double>&)>& f) {
  const auto given = f(s).d;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const double at = s[i], h = 1e-5;
    s[i] = at + h;
    const double up = f(s).loss;
    s[i] = at - h;
    const double down = f(s).loss;
    s[i] = at;
    // Losses of about 1 are known to 1e-16, which h makes 1e-11; the third derivative times h^2 / 6 is smaller.
    CHECK(given[i] == Approx((up - down) / (2 * h)).epsilon(1e-10).margin(1e-10));
  }
}
}  // namespace

TEST_CASE("mean_logistic: values by hand, gradient by differences", "[objective][score_losses]") {
  CHECK(logistic<>({0.0, 0.0}, 1.0).loss == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(logistic<>({2.0, -1.0}, 1.0).loss == Approx((std::log1p(std::exp(-2.0)) + std::log1p(std::exp(1.0))) / 2).epsilon(1e-14));
  CHECK(logistic<>({2.0, -1.0}, -1.0).loss == logistic<>({-2.0, 1.0}, 1.0).loss);
  for (const double sign : {1.0, -1.0}) check_slopes({0.0, 0.3, -4.0, 7.0, 1e-3}, [&](const auto& s) { return logistic<>(s, sign); });
}

TEST_CASE("mean_logistic: certain scores neither overflow nor lose their gradient's sign", "[objective][score_losses]") {
  const auto wrong = logistic<>({-1000.0}, 1.0), right = logistic<>({1000.0}, 1.0);
  CHECK(wrong.loss == 1000);
  CHECK(wrong.d[0] == -1);
  CHECK(right.loss == 0);
  CHECK(right.d[0] == 0);
}

TEST_CASE("mean_cross_entropy: values by hand, rows without a label, gradient by differences", "[objective][score_losses]") {
  CHECK(cross_entropy<>({1.0, 1.0, 1.0}, {2}).loss == Approx(std::log(3.0)).epsilon(1e-15));
  const auto half = cross_entropy<>({1.0, 1.0, 5.0, 0.0}, {0, -1});
  CHECK(half.loss == Approx(std::log(2.0) / 2).epsilon(1e-15));  // the mean is over all rows
  CHECK(half.d == std::vector<double>{-0.25, 0.25, 0, 0});
  check_slopes({0.1, -2, 3, 0.5, 0.5, 1e-3}, [](const auto& s) { return cross_entropy<>(s, {2, 0}); });
  CHECK(std::isfinite(cross_entropy<>({1e4, -1e4}, {1}).loss));
}

TEST_CASE("score losses: SIMD in float agrees with the reference in double", "[objective][score_losses]") {
  using simd = px::backend::simd<>;
  std::vector<float> s(91);
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = 0.25f * static_cast<float>(i % 17) - 2;
  const std::vector<double> same(s.begin(), s.end());
  std::vector<std::int32_t> labels(13);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 8) - 1;
  const auto hold = [](const found<float>& a, const found<double>& b) {
    CHECK(static_cast<double>(a.loss) == Approx(b.loss).epsilon(1e-6));
    for (std::size_t i = 0; i < b.d.size(); ++i) CHECK(static_cast<double>(a.d[i]) == Approx(b.d[i]).epsilon(1e-5).margin(1e-8));
  };
  hold(logistic<simd>(s, 1.0f), logistic<>(same, 1.0));
  hold(cross_entropy<simd>(s, labels), cross_entropy<>(same, labels));
}
