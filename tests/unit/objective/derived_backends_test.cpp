// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/derived.hpp"

#include "pretext/backend/simd/simd.hpp"
#include "pretext/comm/threads.hpp"
#include "rows_support.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;
using rows_support::block;
using rows_support::draw;

namespace {

/// Every kind of node once: rows, pairs within and across, numbers, column statistics; gradients of known and unknown sign.
struct everything {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    const auto z = normalize(in.anchors);
    const auto y = normalize(in.positives);
    const auto pairs = mean(log_sum_exp(z, px::similarity::dot{}, 4) - 4 * dot(z, y)) +
                       log_mean_exp(log_mean_exp(z, px::similarity::negative_squared_euclidean{}, 2)) +
                       0.1 * sum(square(log_mean_exp(view<0>(in), view<1>(in), px::similarity::cosine{}, 3)));
    const auto columns = mean(relu(1.0 - sqrt(column_variance(in.anchors) + 1e-4))) + mean(tanh(standardize(in.anchors) * in.positives)) +
                         sum(square(off_diagonal(covariance(view<0>(in), view<1>(in))))) / in.width;
    const auto scalars = mean(exp(-norm(in.anchors))) + mean(softplus(squared_distance(z, y))) * mean(sigmoid(in.anchors)) +
                         log(sum(square(in.anchors)) + 1.0) / 10;
    return pairs + columns + scalars;
  }
};

template <class T, class Backend>
void compare(index_t samples, index_t width, double tolerance) {
  CAPTURE(samples, width, sizeof(T));
  const auto z = draw<T>(2 * samples, width, 5), t = draw<T>(2 * samples, width, 6);
  const px::objective::derived<everything> objective;
  {
    const auto a = rows_support::self<T, Backend>(objective, z), b = rows_support::self<T>(objective, z);
    CHECK(std::fabs(a.loss - b.loss) <= tolerance * std::fabs(b.loss));
    CHECK(rows_support::distance(a.gradient, b.gradient) < tolerance);
  }
  const auto a = rows_support::target<T, Backend>(objective, z, t), b = rows_support::target<T>(objective, z, t);
  CHECK(std::fabs(a.loss - b.loss) <= tolerance * std::fabs(b.loss));
  CHECK(rows_support::distance(a.gradient, b.gradient) < tolerance);
}

}  // namespace

TEST_CASE("derived: the SIMD back end computes what the reference does", "[objective][derived][simd]") {
  for (const index_t samples : {2, 13, 130})
    for (const index_t width : {1, 7, 33}) compare<float, px::backend::simd<>>(samples, width, 3e-5);
}

TEST_CASE("derived: two ranks equal one rank on the joined batch", "[objective][derived][ranks]") {
  constexpr index_t samples = 6, width = 5, ranks = 2, own = samples / ranks;
  const auto z = draw<double>(2 * samples, width, 5), t = draw<double>(2 * samples, width, 6);
  const px::objective::derived<everything> objective;
  const auto part = [&](const block<double>& all, index_t r) {
    block<double> p(2 * own, width);
    for (index_t v = 0; v < 2; ++v)
      for (index_t k = 0; k < own * width; ++k)
        p.values[static_cast<std::size_t>(v * own * width + k)] = all.values[static_cast<std::size_t>((v * samples + r * own) * width + k)];
    return p;
  };
  for (const bool self : {true, false}) {
    const auto whole = self ? rows_support::self(objective, z) : rows_support::target(objective, z, t);
    std::vector<rows_support::result> got(ranks);
    px::comm::threads_group group(ranks);
    group.run([&](px::comm::threads& me) {
      const auto mine = part(z, me.rank()), theirs = part(t, me.rank());
      auto& r = got[static_cast<std::size_t>(me.rank())];
      if (self)
        r = rows_support::run_on(objective, px::objective::self_pairs<double>{mine.view(), 2}, mine.view(), me);
      else
        r = rows_support::run_on(objective, px::objective::target_pairs<double>{mine.view(), theirs.view(), {}, 2}, mine.view(), me);
    });
    for (index_t r = 0; r < ranks; ++r) {
      const auto& one = got[static_cast<std::size_t>(r)];
      CHECK(one.loss == Approx(whole.loss).epsilon(1e-12));
      block<double> joined(2 * samples, width);
      joined.values = whole.gradient;
      CHECK(rows_support::distance(one.gradient, part(joined, r).values) < 1e-12);
    }
  }
}
