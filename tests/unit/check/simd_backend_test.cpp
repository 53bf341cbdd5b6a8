// SPDX-License-Identifier: BSD-3-Clause
// build: O2 avx2 avx512
#include <pretext/backend/simd/simd.hpp>
#include <pretext/check/backend.hpp>

#include "support/catch.hpp"

namespace px = pretext;

TEST_CASE("check::backend: simd obeys every law, on one thread and on three", "[check][backend][simd]") {
  for (const int threads : {1, 3}) {
    px::backend::simd<> be(threads);
    const auto r = px::check::backend(be);
    INFO(r.text());
    CHECK(r.ok());
  }
}
