// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/derived.hpp"

#include "pretext/backend/simd/simd.hpp"
#include "rows_support.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::index_t;
using rows_support::draw;
using rows_support::everything;

namespace {

template <class T, class Backend>
void compare(index_t samples, index_t width) {
  CAPTURE(samples, width, sizeof(T));
  const auto z = draw<T>(2 * samples, width, 5), t = draw<T>(2 * samples, width, 6);
  const px::objective::derived<everything> objective;
  {
    const auto a = rows_support::self<T, Backend>(objective, z), b = rows_support::self<T>(objective, z);
    CHECK(std::fabs(a.loss - b.loss) <= 1e-5 * std::fabs(b.loss));
    CHECK(rows_support::distance(a.gradient, b.gradient) < 1e-5);
  }
  const auto a = rows_support::target<T, Backend>(objective, z, t), b = rows_support::target<T>(objective, z, t);
  CHECK(std::fabs(a.loss - b.loss) <= 1e-5 * std::fabs(b.loss));
  CHECK(rows_support::distance(a.gradient, b.gradient) < 1e-5);
}

}  // namespace

TEST_CASE("derived: the SIMD back end computes what the reference does", "[objective][derived][simd]") {
  for (const index_t samples : {2, 13, 130})
    for (const index_t width : {1, 7, 33}) compare<float, px::backend::simd<>>(samples, width);
}
